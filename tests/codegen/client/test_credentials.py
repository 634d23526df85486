"""Credentials go where the contract wants them, and nowhere else."""

import logging
from collections.abc import Callable
from uuid import uuid4

import httpx2
import pytest

from bench.round_trips.callers import Caller
from tests.codegen.client.conftest import SECRET, PostOffice
from tests.codegen.client.unsteady import Cut


def test_each_scheme_has_its_place(office: PostOffice, caller_of: Callable[..., Caller]) -> None:
    caller_of(office.credentials(clerk=SECRET)).call("list_parcels")
    assert office.gate.seen[-1].headers["authorization"] == f"Bearer {SECRET}"
    parcel = caller_of().call("send_parcel", body=office.models.NewParcel(to="E", grams=1)).body
    assert office.gate.seen[-1].headers["x-counter"] == SECRET
    found = caller_of(office.credentials(slot=SECRET)).call("get_parcel", parcel_id=parcel.id)
    assert found.body == parcel
    assert office.gate.seen[-1].query == f"slot={SECRET}"
    both = caller_of(office.credentials(stamp=SECRET, counter=SECRET, clerk=SECRET))
    both.call("set_picture", parcel_id=parcel.id, body=b"x", content_type="image/png")
    assert office.gate.seen[-1].headers["cookie"] == f"stamp={SECRET}"
    assert "authorization" not in office.gate.seen[-1].headers


def test_no_member_of_a_free_form_object_can_be_the_credential(
    office: PostOffice, caller_of: Callable[..., Caller]
) -> None:
    parcel = caller_of().call("send_parcel", body=office.models.NewParcel(to="E", grams=1)).body
    caller = caller_of(office.credentials(slot=SECRET))
    caller.call("get_parcel", parcel_id=parcel.id, hints={"slots": "3", "a b": "&"})
    assert office.gate.seen[-1].query == f"slots=3&a%20b=%26&slot={SECRET}"
    sent = len(office.gate.seen)
    with pytest.raises(ValueError, match="get_parcel: slot is the name of a credential"):
        caller.call("get_parcel", parcel_id=parcel.id, hints={"slot": "3"})
    assert len(office.gate.seen) == sent


def test_a_public_operation_gets_none(office: PostOffice, caller: Caller) -> None:
    caller.call("echo_parameters", word="a", number=1)
    assert SECRET not in repr(office.gate.seen)


def test_a_missing_credential_is_named_before_anything_is_sent(
    office: PostOffice, caller_of: Callable[..., Caller]
) -> None:
    caller = caller_of(office.credentials(slot=SECRET))
    with pytest.raises(office.client.UnusableCredential, match="counter or clerk"):
        caller.call("list_parcels")
    with pytest.raises(office.client.UnusableCredential, match="stamp and counter"):
        caller.call("set_picture", parcel_id=uuid4(), body=b"", content_type="image/png")
    assert office.gate.seen == []


def test_a_function_is_asked_for_a_credential_before_each_attempt(
    office: PostOffice, caller_of: Callable[..., Caller]
) -> None:
    secrets = iter(["secretmark-old", SECRET])
    caller = caller_of(
        office.credentials(clerk=lambda: next(secrets)),
        retrying=office.client.Retrying(first_wait_seconds=0.01),
    )
    office.gate.faults.append(Cut())
    caller.call("list_parcels")
    sent = [one.headers["authorization"] for one in office.gate.seen]
    assert sent == ["Bearer secretmark-old", f"Bearer {SECRET}"]


def test_an_answer_kept_for_one_credential_is_not_asked_about_with_another(
    office: PostOffice, caller_of: Callable[..., Caller]
) -> None:
    chosen = [SECRET]
    caller = caller_of(office.credentials(clerk=lambda: chosen[-1]))
    caller.call("list_parcels")
    chosen.append("secretmark-other")
    with pytest.raises(office.client.ProblemAnswer) as caught:
        caller.call("list_parcels")
    assert caught.value.status == 401
    assert "if-none-match" not in office.gate.seen[-1].headers


@pytest.mark.parametrize("secret", ["", "secretmark-\n", "secretmark-é"])
def test_a_credential_that_can_not_be_sent_is_not_repeated(
    office: PostOffice, caller_of: Callable[..., Caller], secret: str
) -> None:
    with pytest.raises(office.client.UnusableCredential) as caught:
        caller_of(office.credentials(counter=secret)).call("list_parcels")
    assert "secretmark" not in f"{caught.value} {caught.value!r}"


def test_no_credential_shows_in_logs_representations_or_errors(
    office: PostOffice, caller_of: Callable[..., Caller], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    credentials = office.credentials(counter=SECRET, slot=SECRET, stamp=SECRET, clerk=SECRET)
    caller = caller_of(credentials, retrying=office.client.Retrying(attempts=1))
    for fault in (None, Cut()):
        for operation in ("get_parcel", "close_"):
            office.gate.faults.extend([fault] if fault else [])
            with pytest.raises(office.client.ClientError) as caught:
                caller.call(operation, parcel_id=uuid4())
            assert SECRET not in f"{caught.value} {caught.value!r} {caught.value.__context__!r}"
    assert "slot=" in office.gate.seen[0].query
    # The server's own log of requests comes from this process too, and is no part of the client.
    told = [one.getMessage() for one in caplog.records if not one.name.startswith("uvicorn")]
    assert "HTTP Request: GET" in str(told)
    assert SECRET not in str(told)
    assert repr(credentials) == "Credentials(counter=…, slot=…, stamp=…, clerk=…)"
    assert SECRET not in repr(caller.__dict__)


def test_the_library_s_own_authentication_can_be_used_instead(
    office: PostOffice, caller_of: Callable[..., Caller]
) -> None:
    def add(request: httpx2.Request) -> httpx2.Request:
        request.headers["X-Counter"] = SECRET
        return request

    caller = caller_of(office.client.Credentials(), auth=httpx2.FunctionAuth(add))
    caller.call("list_parcels")
    assert office.gate.seen[-1].headers["x-counter"] == SECRET
