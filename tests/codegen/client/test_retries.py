"""When the generated client tries again, against a server that refuses or breaks off."""

import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from bench.round_trips.callers import Blocking, Caller
from tests.codegen.client.conftest import SECRET, PostOffice
from tests.codegen.client.unsteady import Cut, Refusal

LINES = "application/x-ndjson"
BUSY = Refusal(503, {"retry-after": "0"})
LUNCH = Refusal(503, {"content-type": "application/json"}, b'{"minutes": 40}')


def new(office: PostOffice, to: str = "Emma") -> Any:
    return office.models.NewParcel(to=to, grams=7)


@pytest.mark.parametrize("fault", [BUSY, Refusal(429), Refusal(502), Cut(), Cut(after=5)])
def test_a_safe_call_is_made_again(
    office: PostOffice, caller: Caller, fault: Refusal | Cut
) -> None:
    office.gate.faults.extend([fault, fault])
    caller.call("list_parcels")
    assert len(office.gate.seen) == 3


@pytest.mark.parametrize("fault", [BUSY, Cut()])
def test_a_post_is_made_again_under_one_key_and_is_done_once(
    office: PostOffice, caller: Caller, fault: Refusal | Cut
) -> None:
    to = str(uuid4())
    office.gate.faults.extend([fault, fault])
    parcel = caller.call("send_parcel", body=new(office, to)).body
    assert len({one.headers["idempotency-key"] for one in office.gate.seen}) == 1
    assert len(office.gate.seen) == 3
    assert [one.id for one in caller.call("list_parcels", to=to).body.items] == [parcel.id]


def test_an_unsafe_call_without_a_key_is_made_once(office: PostOffice, caller: Caller) -> None:
    office.gate.faults.append(BUSY)
    with pytest.raises(office.client.ProblemAnswer) as caught:
        caller.call("close_", parcel_id=uuid4())
    assert (caught.value.status, caught.value.retry_after) == (503, 0)
    office.gate.faults.append(Cut())
    with pytest.raises(office.client.ConnectionLost):
        caller.call("close_", parcel_id=uuid4())
    assert len(office.gate.seen) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 500])
def test_other_refusals_are_final(office: PostOffice, caller: Caller, status: int) -> None:
    office.gate.faults.append(Refusal(status, {"retry-after": "0"}))
    with pytest.raises(office.client.ClientError):
        caller.call("list_parcels")
    assert len(office.gate.seen) == 1


def test_the_server_says_how_long_to_wait(office: PostOffice, caller: Caller) -> None:
    for is_date in (False, True):
        header = formatdate(time.time() + 2, usegmt=True) if is_date else "1"
        office.gate.faults.append(Refusal(429, {"retry-after": header}))
        began = time.monotonic()
        caller.call("list_parcels")
        assert time.monotonic() - began > 0.9


def test_a_wait_beyond_the_time_a_call_may_take_is_not_begun(
    office: PostOffice, caller_of: Callable[..., Caller]
) -> None:
    caller = caller_of(retrying=office.client.Retrying(total_seconds=5))
    office.gate.faults.append(Refusal(429, {"retry-after": "3600"}))
    with pytest.raises(office.client.ProblemAnswer) as caught:
        caller.call("list_parcels")
    assert caught.value.retry_after == 3600
    assert len(office.gate.seen) == 1


def test_the_number_of_attempts_has_an_end(
    office: PostOffice, caller_of: Callable[..., Caller]
) -> None:
    caller = caller_of(retrying=office.client.Retrying(attempts=3, first_wait_seconds=0.01))
    office.gate.faults.extend([BUSY] * 10)
    with pytest.raises(office.client.ProblemAnswer):
        caller.call("list_parcels")
    assert len(office.gate.seen) == 3


def test_a_server_that_is_not_there_is_named_by_what_failed(
    office: PostOffice, caller_of: Callable[..., Caller]
) -> None:
    client = office.client.Client(
        "http://127.0.0.1:1", retrying=office.client.Retrying(first_wait_seconds=0.01)
    )
    with client, pytest.raises(office.client.ConnectionLost) as caught:
        client.echo_parameters(word="a", number=1)
    assert caught.value.reason == "ConnectError"


def test_a_body_that_can_be_read_once_is_sent_once(office: PostOffice, caller: Caller) -> None:
    def once() -> Iterator[Any]:
        yield new(office)

    office.gate.faults.append(BUSY)
    with pytest.raises(office.client.ProblemAnswer):
        caller.call("send_parcels", body=once(), content_type=LINES)
    office.gate.faults.append(BUSY)
    assert caller.call("send_parcels", body=[new(office)], content_type=LINES).body.right == 1
    assert len(office.gate.seen) == 3


def test_a_documented_refusal_is_tried_again_too(
    office: PostOffice, caller_of: Callable[..., Caller]
) -> None:
    caller = _impatient(office, caller_of)
    sent = caller.call("send_parcel", body=new(office)).body
    office.gate.faults.extend([LUNCH, LUNCH])
    assert caller.call("get_parcel", parcel_id=sent.id).body == sent


def test_a_documented_refusal_of_the_last_attempt_is_the_result(
    office: PostOffice, caller_of: Callable[..., Caller]
) -> None:
    caller = _impatient(office, caller_of)
    office.gate.faults.extend([LUNCH] * 10)
    result = caller.call("get_parcel", parcel_id=uuid4())
    assert (type(result).__name__, result.body.minutes) == ("GetParcel503", 40)
    assert len(office.gate.seen) == 3


def test_a_streamed_answer_is_closed_before_the_next_attempt(
    office: PostOffice, caller: Caller, caller_of: Callable[..., Caller]
) -> None:
    """With one connection, an answer left open would keep the next attempt from being made."""
    is_blocking = isinstance(caller, Blocking)
    transport = httpx2.HTTPTransport if is_blocking else httpx2.AsyncHTTPTransport
    caller = _impatient(
        office,
        caller_of,
        statuses=frozenset({200}),
        transport=transport(limits=httpx2.Limits(max_connections=1)),
        timeout=httpx2.Timeout(30, pool=2),
    )
    office.gate.faults.extend(
        Refusal(200, {"content-type": "image/png"}, b"%d" % number) for number in range(3)
    )
    assert caller.stream("get_picture", parcel_id=uuid4())[1] == [b"2"]


def _impatient(
    office: PostOffice,
    caller_of: Callable[..., Caller],
    statuses: frozenset[int] = frozenset({503}),
    **options: Any,
) -> Caller:
    """A client with all credentials that waits for next to nothing between three attempts."""
    credentials = office.credentials(counter=SECRET, slot=SECRET)
    retrying = office.client.Retrying(attempts=3, first_wait_seconds=0.01, statuses=statuses)
    return caller_of(credentials, retrying=retrying, **options)
