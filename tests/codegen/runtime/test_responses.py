"""Answers that break the contract never leave; the caller learns nothing but that it failed."""

from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from codegen.runtime.encoded_json import EncodedJson
from codegen.runtime.operation import Media

from .small_service import PROBLEM, Caller, Service, operation, result, slug

THING = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "readOnly": True},
        "password": {"type": "string", "writeOnly": True},
    },
    "required": ["id", "password"],
}
JSON = (Media("application/json", "/components/schemas/Thing"),)
RESPONSES: dict[str, tuple[Media, ...]] = {
    "200": JSON,
    "201": (Media("application/json", None), Media("text/csv", "/components/schemas/Thing")),
    "204": (),
    "2XX": (Media("text/plain", None),),
    "503": JSON,
    "default": PROBLEM,
}


def answered(answer: Any, responses: dict[str, tuple[Media, ...]] = RESPONSES) -> tuple[Any, Any]:
    """The answer to a request, and what its record tells of a failure."""
    service = Service(
        [operation(responses=responses)], {"ask": lambda call: answer}, schemas={"Thing": THING}
    )
    with Caller(service) as caller:
        got = caller.ask()
    (record,) = service.records
    assert record.status == got.status_code
    return got, record.failure


def assert_refused(answer: Any, why: str, responses: dict[str, Any] = RESPONSES) -> None:
    got, failure = answered(answer, responses)
    assert (got.status_code, slug(got)) == (500, "internal-error")
    assert got.json()["detail"] == (
        "The service failed. The request id leads to the reason in its log."
    )
    assert why in f"{failure!r} {getattr(failure, 'detail', '')}"


@pytest.mark.parametrize(
    "answer",
    [
        result(EncodedJson(b'{"id": "a"}')),
        result({"id": "a", "more": 2**70}),
        result(b"anything", 201),
        result(b"a,b", 201, "text/csv"),
        result(b"", 204, None),
        result(b"text", 203, "text/plain"),
        result({"id": "a"}, 503),
    ],
)
def test_answers_within_the_contract_pass(answer: Any) -> None:
    got, failure = answered(answer)
    assert failure is None
    assert got.status_code == answer.status


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (result({"id": 5}), "type at"),
        (result({}), "required at"),
        (result({"id": "a", "password": "b"}), "falseSchema at"),
        (result([]), "type at"),
        (result(EncodedJson(b'{"id": ')), "JSONDecodeError"),
        (result(EncodedJson(b"")), "JSONDecodeError"),
        (result(EncodedJson(b"\xff")), "JSONDecodeError"),
        (result(b"a", media_type="text/csv"), "answered 200 as text/csv"),
        (result(b"a", media_type="text/html"), "Invalid Response Content-type"),
        (result(b"", 200, None), "answered 200 as nothing"),
        (result(b"x", 204, "text/plain"), "answered 204 as text/plain"),
        (result({"id": 5}, 503), "type at"),
        (result({}, 404), "answered 404 as application/json"),
        (result({"id": "a"}, x=("X-Value", "a\r\nb: c")), "ValueError"),
    ],
)
def test_answers_that_break_the_contract_are_a_500(answer: Any, why: str) -> None:
    assert_refused(answer, why)


def test_a_status_that_the_contract_does_not_have_is_a_500() -> None:
    assert_refused(result({"id": "a"}, 202), "no response 202", {"200": JSON})
    assert_refused(result({"id": "a"}, 404), "no response 404", {"200": JSON})


def test_the_reason_names_rules_and_no_values() -> None:
    _, failure = answered(result({"id": {"s3cret": "s3cret"}}))
    assert "s3cret" not in failure.detail


def test_json_in_pieces_is_held_back_until_it_is_whole() -> None:
    async def pieces(request: Request) -> Response:
        return StreamingResponse(iter([b'{"id"', b': "a"}']), media_type="application/json")

    async def wrong(request: Request) -> Response:
        return StreamingResponse(iter([b'{"id"', b": 5}"]), media_type="application/json")

    for endpoint, status in ((pieces, 200), (wrong, 500)):
        service = Service(
            [operation(responses=RESPONSES)], endpoints={"ask": endpoint}, schemas={"Thing": THING}
        )
        with Caller(service) as caller:
            sent = caller.exchange()
        assert [message["type"] for message in sent] == [
            "http.response.start",
            "http.response.body",
        ]
        assert sent[0]["status"] == status


def test_spellings_of_a_media_type_are_alike_in_answers_too() -> None:
    async def endpoint(request: Request) -> Response:
        return Response(b'{"id": "a"}', media_type="Application/JSON; charset=utf-8")

    service = Service(
        [operation(responses=RESPONSES)], endpoints={"ask": endpoint}, schemas={"Thing": THING}
    )
    with Caller(service) as caller:
        assert caller.ask().status_code == 200
