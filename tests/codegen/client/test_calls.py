"""What calls of the generated client send, and what comes of each answer; both clients alike."""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import uuid4

import pytest

from bench.round_trips.callers import Caller
from tests.codegen.client.conftest import PostOffice
from tests.codegen.client.unsteady import Cut, Refusal


def sent(office: PostOffice, caller: Caller, to: str = "Emma", grams: int = 7) -> Any:
    return caller.call("send_parcel", body=office.models.NewParcel(to=to, grams=grams)).body


def test_the_class_of_a_result_tells_its_status(office: PostOffice, caller: Caller) -> None:
    parcels, new = office.parcels, office.models.NewParcel(to="Emma", grams=7, size="small")
    stored = caller.call("send_parcel", body=new)
    assert isinstance(stored, parcels.SendParcel201)
    assert isinstance(stored.body, office.models.Parcel)
    assert (stored.status, stored.location) == (201, f"/parcels/{stored.body.id}")
    assert isinstance(caller.call("send_parcel", dry_run=True, body=new), parcels.SendParcel202)
    heavy = caller.call("send_parcel", body=office.models.NewParcel(to="Emma", grams=99_999))
    assert isinstance(heavy, parcels.SendParcel409)
    assert heavy.body.limit_grams == 10_000


def test_a_problem_is_raised_with_its_members(office: PostOffice, caller: Caller) -> None:
    with pytest.raises(office.client.ProblemAnswer) as caught:
        caller.call("close_", parcel_id=uuid4())
    problem = caught.value
    assert (problem.operation, problem.status, problem.type) == (
        "close",
        404,
        "/problems/not-found",
    )
    assert (problem.title, problem.detail) == ("Not found", "Nothing is here.")
    assert problem.instance.startswith("urn:request:")
    with pytest.raises(office.client.ProblemAnswer) as caught:
        caller.call("list_parcels", limit=51)
    assert caught.value.status == 422
    assert caught.value.errors[0]["pointer"] == "/limit"


def test_an_error_that_is_no_problem_is_raised_as_one(office: PostOffice, caller: Caller) -> None:
    office.gate.faults.append(Refusal(500, {"content-type": "text/html"}, b"<h1>Oh no</h1>"))
    with pytest.raises(office.client.ProblemAnswer) as caught:
        caller.call("list_parcels")
    assert (caught.value.status, caught.value.type) == (500, "about:blank")
    assert caught.value.title == "Internal Server Error"


@pytest.mark.parametrize(
    "refusal",
    [
        Refusal(206, {"content-type": "application/json"}, b"{}"),
        Refusal(200, {"content-type": "application/json", "etag": "x"}, b'{"items": "secretmark"}'),
        Refusal(200, {"content-type": "application/json", "etag": "x"}, b"no JSON"),
        Refusal(200, {"content-type": "application/json"}, b'{"items": []}'),
        Refusal(
            200,
            {"content-type": "application/json", "etag": "x", "x-known": "many"},
            b'{"items": []}',
        ),
        Refusal(304, {"etag": "x"}),
    ],
    ids=["status", "body", "no JSON", "no header", "header", "unasked 304"],
)
def test_an_answer_that_breaks_the_contract_is_raised_without_its_values(
    office: PostOffice, caller: Caller, refusal: Refusal
) -> None:
    office.gate.faults.append(refusal)
    with pytest.raises(office.client.UnexpectedAnswer) as caught:
        caller.call("list_parcels")
    assert caught.value.status == refusal.status
    assert "secretmark" not in f"{caught.value} {caught.value!r}"
    assert caught.value.__context__ is None


def test_pages_follow_each_other_to_the_last(office: PostOffice, caller: Caller) -> None:
    to = str(uuid4())
    ids = [sent(office, caller, to).id for _ in range(5)]
    pages = caller.pages("list_parcels_pages", limit=2, to=to)
    assert [[one.id for one in page.body.items] for page in pages] == [ids[:2], ids[2:4], ids[4:]]
    assert {page.x_known for page in pages} == {5}
    rest = caller.pages("list_parcels_pages", limit=2, to=to, after=pages[0].body.next)
    assert [len(page.body.items) for page in rest] == [2, 1]


def test_a_page_that_names_itself_as_the_next_ends_the_pages(
    office: PostOffice, caller: Caller
) -> None:
    same = Refusal(
        200, {"content-type": "application/json", "etag": "x"}, b'{"items":[],"next":"a"}'
    )
    office.gate.faults.extend([same, same, same])
    with pytest.raises(office.client.UnexpectedAnswer, match="itself"):
        caller.pages("list_parcels_pages")


def test_an_answer_that_still_holds_is_not_sent_again(office: PostOffice, caller: Caller) -> None:
    to = str(uuid4())
    sent(office, caller, to)
    office.gate.seen.clear()
    first, second = (caller.call("list_parcels", to=to) for _ in range(2))
    assert first == second
    assert first.body is not second.body
    assert [one.headers.get("if-none-match") for one in office.gate.seen] == [None, first.etag]
    sent(office, caller, to)
    assert len(caller.call("list_parcels", to=to).body.items) == 2
    caller.call("list_parcels", to=str(uuid4()))
    assert "if-none-match" not in office.gate.seen[-1].headers


def test_what_the_cache_may_hold_is_bounded(
    office: PostOffice, caller_of: Callable[..., Caller]
) -> None:
    caller = caller_of(cache=office.client.EntityCache(entries=1))
    for to in ("a", "b", "a"):
        caller.call("list_parcels", to=to)
    assert not any("if-none-match" in one.headers for one in office.gate.seen)
    none = caller_of(cache=office.client.EntityCache(total_bytes=10))
    none.call("list_parcels")
    none.call("list_parcels")
    assert "if-none-match" not in office.gate.seen[-1].headers


def test_each_call_has_an_idempotency_key_of_its_own_unless_it_is_given_one(
    office: PostOffice, caller: Caller
) -> None:
    first, second = sent(office, caller), sent(office, caller)
    new = office.models.NewParcel(to="Emma", grams=7)
    third, fourth = (
        caller.call("send_parcel", idempotency_key="mine", body=new).body for _ in range(2)
    )
    assert len({first.id, second.id, third.id}) == 3
    assert third == fourth
    keys = [one.headers["idempotency-key"] for one in office.gate.seen]
    assert len(set(keys)) == 3
    assert keys[2:] == ["mine", "mine"]


@pytest.mark.parametrize("size", [0, 10, 300_000])
def test_bytes_go_up_from_an_iterator_and_come_down_as_one(
    office: PostOffice, caller_of: Callable[..., Caller], size: int
) -> None:
    caller = caller_of(
        office.credentials(
            counter="secretmark-opens-everything", stamp="secretmark-opens-everything"
        )
    )
    picture, parcel_id = bytes(range(256)) * (size // 10 + 1), uuid4()
    pieces = (picture[start : start + 1000] for start in range(0, len(picture), 1000))
    caller.call("set_picture", parcel_id=parcel_id, body=pieces, content_type="image/jpeg")
    result, came = caller.stream("get_picture", parcel_id=parcel_id)
    assert isinstance(result, office.parcels.GetPicture200)
    assert (result.content_type, result.x_bytes) == ("image/jpeg", len(picture))
    assert b"".join(came) == picture
    none, _ = caller.stream("get_picture", parcel_id=uuid4())
    assert isinstance(none, office.parcels.GetPicture204)


def test_an_answer_in_json_is_a_model_where_another_is_a_stream(
    office: PostOffice, caller: Caller
) -> None:
    model, _ = caller.stream("echo_name", name="Emma")
    assert (model.status, model.content_type) == (200, "application/json")
    assert model.body == office.models.Owner(name="Emma")
    streamed, came = caller.stream("echo_name", name="Emma", is_plain=True)
    assert (streamed.status, streamed.content_type) == (203, "text/csv; charset=utf-8")
    assert b"".join(came) == b"Emma"


def test_a_download_that_is_cut_says_so_after_what_came(
    office: PostOffice, caller_of: Callable[..., Caller]
) -> None:
    caller = caller_of(
        office.credentials(
            counter="secretmark-opens-everything", stamp="secretmark-opens-everything"
        )
    )
    parcel_id = uuid4()
    caller.call("set_picture", parcel_id=parcel_id, body=b"x" * 1000, content_type="image/png")
    office.gate.faults.append(Cut(after=100))
    with pytest.raises(office.client.ConnectionLost) as caught:
        caller.stream("get_picture", parcel_id=parcel_id)
    assert caught.value.reason == "RemoteProtocolError"
    assert caught.value.__context__ is None


def test_lines_are_sent_as_they_are_made(office: PostOffice, caller: Caller) -> None:
    made: list[int] = []

    def lines() -> Iterable[Any]:
        for number in range(3000):
            made.append(number)
            yield office.models.NewParcel(to="Emma", grams=number + 1)
        yield office.client.EncodedJson(b'{"to": 1}')

    told = caller.call("send_parcels", body=lines(), content_type="application/x-ndjson").body
    assert (told.right, told.wrong, len(made)) == (3000, 1, 3000)
    assert "content-length" not in office.gate.seen[-1].headers


def test_lines_may_stand_beside_another_media_type(office: PostOffice, caller: Caller) -> None:
    new = office.models.NewParcel(to="Emma", grams=1)
    told = caller.call("send_parcels", body=[new, new], content_type="application/json").body
    assert (told.right, told.wrong) == (2, 0)
    with pytest.raises(office.client.ProblemAnswer) as caught:
        caller.call("send_parcels", body=[new] * 101, content_type="application/json")
    assert caught.value.status == 422
    lines = caller.call("send_parcels", body=[new] * 101, content_type="application/x-ndjson")
    assert lines.body.right == 101


def test_json_that_is_written_already_is_sent_as_it_is(office: PostOffice, caller: Caller) -> None:
    body = office.client.EncodedJson(b'{"to":"Emma","grams":7}')
    assert caller.call("send_parcel", body=body).body.to == "Emma"
    with pytest.raises(office.client.ProblemAnswer) as caught:
        caller.call("send_parcel", body=office.client.EncodedJson(b'{"to":"Emma"}'))
    assert caught.value.status == 422


def test_null_is_sent_where_it_was_given_and_the_contract_admits_it(office: PostOffice) -> None:
    load = office.models.Load
    given = load(label="a", parts=[], owner=None, fragile=None).model_dump(mode="json")
    assert (given["owner"], "fragile" in given) == (None, False)
    assert "owner" not in load(label="a", parts=[]).model_dump(mode="json")
