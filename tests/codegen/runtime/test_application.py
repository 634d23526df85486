"""Every request ends in an answer and one record; a problem never shows what caused it."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from typing_extensions import override

from codegen.runtime.application import Assembly, RequestRecord
from codegen.runtime.encoded_json import EncodedJson
from codegen.runtime.exchange import log_failure
from codegen.runtime.hooks import Call
from codegen.runtime.operation import Media, RequestBody
from codegen.runtime.problems import Problem, not_found, unavailable

from .small_service import ANSWERS, PROBLEM, Caller, Service, operation, result, slug
from .things import MORE, OPERATIONS


def failing(error: Exception) -> Service:
    def fail(call: Call) -> Any:
        raise error

    return Service(handlers={"ask": fail})


def test_a_failure_is_a_500_whose_reason_only_the_observer_sees() -> None:
    service = failing(RuntimeError("s3cret"))
    with Caller(service) as caller:
        answer = caller.ask(url="/ask")
    assert (answer.status_code, slug(answer)) == (500, "internal-error")
    assert answer.json()["detail"].startswith("The service failed.")
    assert "s3cret" not in answer.text
    (record,) = service.records
    assert (record.status, str(record.failure)) == (500, "s3cret")


def test_failures_are_logged_with_their_tracebacks_unless_a_service_observes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert Assembly.__dataclass_fields__["observer"].default is log_failure
    service = failing(RuntimeError("the disk is full"))
    service.observer = log_failure
    with Caller(service) as caller:
        request_id = caller.ask(headers={"X-Text": "s3cret"}).headers["x-request-id"]
    assert f"GET ask ({request_id}): 500 RuntimeError('the disk is full')" in caplog.text
    assert "raise error\nRuntimeError: the disk is full" in caplog.text
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize(
    ("problem", "lines"), [(unavailable("Later.", retry_after=7), 1), (not_found(), 0)]
)
def test_of_problems_those_of_the_service_are_logged_in_a_line(
    problem: Problem, lines: int, caplog: pytest.LogCaptureFixture
) -> None:
    service = failing(problem)
    service.observer = log_failure
    with Caller(service) as caller:
        caller.ask()
    assert len(caplog.text.splitlines()) == lines


def test_problems_are_answered_as_they_are_raised() -> None:
    with Caller(failing(unavailable("Later.", retry_after=7))) as caller:
        answer = caller.ask()
    assert (answer.status_code, slug(answer)) == (503, "unavailable")
    assert (answer.headers["retry-after"], answer.json()["detail"]) == ("7", "Later.")


def test_the_table_of_problems_turns_the_services_own_exceptions() -> None:
    def table(error: Exception) -> Problem | None:
        return not_found() if isinstance(error, LookupError) else None

    for error, status in ((LookupError("a"), 404), (ValueError("b"), 500)):
        service = failing(error)
        service.problem_table = table
        with Caller(service) as caller:
            assert caller.ask().status_code == status
        assert service.records[0].failure is error


def test_an_answer_comes_with_its_request_id_and_no_sniffing() -> None:
    with Caller(Service()) as caller:
        answer = caller.ask(headers={"X-Request-Id": "abc.DEF:1_2-3"})
        assert answer.headers["x-request-id"] == "abc.DEF:1_2-3"
        assert answer.headers["x-content-type-options"] == "nosniff"
        first, second = (caller.ask().headers["x-request-id"] for _ in range(2))
    assert first != second
    assert len(first) == 36


@pytest.mark.parametrize(
    "sent", ["", " ", "a b", "a" * 129, "<script>", "a\tb", "é", "a,b", "a\x0b"]
)
def test_a_request_id_of_another_form_is_replaced(sent: str) -> None:
    with Caller(Service()) as caller:
        answer = caller.ask(headers=[(b"X-Request-Id", sent.encode("latin-1"))])
    assert len(answer.headers["x-request-id"]) == 36


def test_a_handlers_own_request_id_is_not_sent_beside_the_requests() -> None:
    own = {"ask": lambda call: result(b"{}", x=("X-Request-Id", "own"))}
    with Caller(Service(handlers=own)) as caller:
        assert caller.ask(headers={"X-Request-Id": "abc"}).headers.get_list("x-request-id") == [
            "abc"
        ]


def test_a_record_holds_no_input() -> None:
    service = Service(OPERATIONS, more=MORE)
    began = time.perf_counter()
    with Caller(service) as caller:
        caller.ask(url="/things/s3cret?s3cret=s3cret", headers={"X-S3cret": "s3cret"})
        caller.ask(url="/things/s3cret", headers={"Cookie": "s3cret=1"})
    elapsed = time.perf_counter() - began
    assert [(one.operation_id, one.status) for one in service.records] == [
        ("get_thing", 422),
        ("get_thing", 200),
    ]
    assert all("s3cret" not in repr(one) for one in service.records)
    assert all(0 <= one.duration < elapsed for one in service.records)


def test_a_failing_observer_changes_no_answer_and_is_told_to_the_server() -> None:
    def observer(record: RequestRecord) -> None:
        raise OSError("the log is full")

    with Caller(Service(observer=observer)) as caller:
        with pytest.raises(OSError, match="the log is full"):
            caller.exchange()
        assert [message["type"] for message in caller.sent] == [
            "http.response.start",
            "http.response.body",
        ]
        assert caller.sent[0]["status"] == 200


BODY = RequestBody(True, (Media("application/json", "/components/schemas/Any"),))


LEFT = {"type": "http.disconnect"}
PART = {"type": "http.request", "body": b"{", "more_body": True}


@pytest.mark.parametrize("messages", [[LEFT], [PART, LEFT]])
def test_a_client_that_leaves_within_the_body_is_a_499(messages: list[dict[str, Any]]) -> None:
    service = Service([operation(method="POST", request_body=BODY)])
    headers = [(b"content-type", b"application/json")]
    with Caller(service) as caller:
        assert caller.exchange(messages, method="POST", headers=headers) == []
    (record,) = service.records
    assert (record.status, record.operation_id) == (499, "ask")
    assert record.failure is not None


async def endless() -> AsyncIterator[bytes]:
    yield b"["
    await asyncio.sleep(5)


def test_a_client_that_leaves_before_the_answer_is_a_499() -> None:
    async def stream(request: Request) -> Response:
        return StreamingResponse(endless(), media_type="application/json")

    service = Service(endpoints={"ask": stream})
    with Caller(service) as caller:
        assert caller.exchange([LEFT]) == []
    assert [record.status for record in service.records] == [499]


def test_streams_answer_operations_with_a_body_too() -> None:
    async def stream(request: Request) -> Response:
        return StreamingResponse(three_rows(), media_type="text/csv")

    one = operation(method="POST", request_body=BODY, responses=RAW)
    headers = [(b"content-type", b"application/json")]
    whole = {"type": "http.request", "body": b"{}"}
    with Caller(Service([one], endpoints={"ask": stream})) as caller:
        sent = caller.exchange([whole], method="POST", headers=headers)
    assert b"".join(message.get("body", b"") for message in sent) == b"a,b\n1,2\n3,4\n"


def test_a_request_that_the_server_ends_is_a_499() -> None:
    async def wait(request: Request) -> Response:
        raise asyncio.CancelledError

    service = Service(endpoints={"ask": wait})
    with Caller(service) as caller, pytest.raises(asyncio.CancelledError):
        caller.exchange()
    assert [record.status for record in service.records] == [499]


RAW = {"200": (Media("text/csv", None),), "default": PROBLEM}


async def three_rows() -> AsyncIterator[bytes]:
    for row in (b"a,b\n", b"1,2\n", b"3,4\n"):
        yield row


async def broken_rows() -> AsyncIterator[bytes]:
    yield b"a,b\n"
    raise RuntimeError("the source is gone")


def test_streams_that_are_not_json_pass_through_piece_by_piece() -> None:
    async def stream(request: Request) -> Response:
        return StreamingResponse(three_rows(), media_type="text/csv")

    service = Service([operation(responses=RAW)], endpoints={"ask": stream})
    with Caller(service) as caller:
        sent = caller.exchange()
    assert [message.get("body") for message in sent] == [
        None, b"a,b\n", b"1,2\n", b"3,4\n", b"",
    ]  # fmt: skip


def test_a_failure_after_the_start_cuts_the_connection_and_is_recorded() -> None:
    async def stream(request: Request) -> Response:
        return StreamingResponse(broken_rows(), media_type="text/csv")

    service = Service([operation(responses=RAW)], endpoints={"ask": stream})
    with Caller(service) as caller:
        with pytest.raises(RuntimeError, match="the source is gone"):
            caller.exchange()
        assert [message.get("more_body") for message in caller.sent] == [None, True]
    (record,) = service.records
    assert (record.status, str(record.failure)) == (500, "the source is gone")


def test_an_application_that_gives_no_answer_is_a_500() -> None:
    class Silence(Response):
        @override
        async def __call__(self, *_: Any) -> None:
            """Sends nothing."""

    async def silent(request: Request) -> Response:
        return Silence()

    with Caller(Service(endpoints={"ask": silent})) as caller:
        assert caller.ask().status_code == 500


def test_busy_public_operations_take_no_place_from_the_others() -> None:
    gate = threading.Event()

    def wait(call: Call) -> Any:
        gate.wait(5)
        return result(EncodedJson(b"{}"))

    def open_gate(call: Call) -> Any:
        gate.set()
        return result(EncodedJson(b"{}"))

    scheme = {"Key": {"type": "apiKey", "in": "header", "name": "X-Key"}}
    operations = [
        operation("public", path="/public"),
        operation("own", path="/own", security=({"Key": ()},), responses=ANSWERS),
    ]
    service = Service(
        operations,
        {"public": wait, "own": open_gate},
        schemes=scheme,
        authenticators={"Key": lambda credential: credential.value},
        places=1,
    )
    with Caller(service) as caller:
        busy: list[tuple[str, str, dict[str, Any]]] = [("GET", "/public", {})] * 5
        answers = caller.ask_all([*busy, ("GET", "/own", {"headers": {"X-Key": "k"}})])
    assert [answer.status_code for answer in answers] == [200] * 6


def test_lifespan_is_passed_on() -> None:
    with Caller(Service()) as caller:
        starts = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
        sent = caller.exchange(starts, type="lifespan")
    assert [message["type"] for message in sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
