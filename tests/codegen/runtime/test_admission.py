"""Large bodies share places and memory; whatever one has taken comes back, however it ends."""

import asyncio
import threading
import time
from typing import Any

import pytest
from starlette.types import Scope

from codegen.runtime.admission import LARGE_BYTES, LargeBodies, Ticket
from codegen.runtime.encoded_json import EncodedJson
from codegen.runtime.hooks import Call
from codegen.runtime.operation import Media, RequestBody
from codegen.runtime.problems import Problem
from codegen.runtime.spool import Spool

from .small_service import Caller, Service, operation, result

LARGE = LARGE_BYTES + 1


def scope() -> Scope:
    return {"extensions": {}}


def refusal(error: pytest.ExceptionInfo[Problem]) -> tuple[int, str]:
    return error.value.status, error.value.headers["Retry-After"]


def test_body_that_finds_no_room_is_asked_to_come_back_and_gets_it_later() -> None:
    shared = LargeBodies(held=3 * LARGE)
    with Ticket(shared, scope()) as first:
        first.grown_to(LARGE)
        first.grown_to(2 * LARGE)
        with Ticket(shared, scope()) as second:
            second.grown_to(LARGE)
            with pytest.raises(Problem) as caught:
                second.grown_to(2 * LARGE)
            assert refusal(caught) == (503, "5")
    with Ticket(shared, scope()) as third:
        third.grown_to(3 * LARGE)


def test_small_bodies_take_nothing() -> None:
    async def scenario() -> None:
        shared = LargeBodies(held=0, places=0, patience=0.01)
        with Ticket(shared, scope()) as ticket:
            ticket.grown_to(LARGE_BYTES)
            await ticket.enter()

    asyncio.run(scenario())


def test_place_is_waited_for_with_patience_and_given_back_after_a_failure() -> None:
    async def scenario() -> None:
        shared = LargeBodies(places=1, patience=0.05)

        async def enter() -> None:
            with Ticket(shared, scope()) as ticket:
                ticket.grown_to(LARGE)
                await ticket.enter()
                raise ValueError("fails later")

        with Ticket(shared, scope()) as first:
            first.grown_to(LARGE)
            await first.enter()
            with pytest.raises(Problem) as caught:
                await enter()
            assert refusal(caught) == (503, "5")
        for _ in range(3):
            with pytest.raises(ValueError, match="fails later"):
                await enter()

    asyncio.run(scenario())


def test_spooled_bodies_and_whole_ones_wait_for_their_own_kind_alone() -> None:
    async def scenario() -> None:
        shared = LargeBodies(held=LARGE, places=1, patience=0.05, spooled=LARGE, streams=1)
        with Ticket(shared, scope()) as whole, Ticket(shared, scope()) as streamed:
            streamed.keep(Spool())
            for ticket in (whole, streamed):
                ticket.grown_to(LARGE)
                await ticket.enter()
            with Ticket(shared, scope()) as second:
                second.keep(Spool())
                with pytest.raises(Problem) as caught:
                    second.grown_to(LARGE)
                assert refusal(caught) == (503, "5")

    asyncio.run(scenario())


def test_what_a_body_was_spooled_to_is_closed_at_the_end_of_its_request() -> None:
    with Ticket(LargeBodies(), scope()) as ticket:
        file = ticket.keep(Spool()).opened()
        assert not file.closed
    assert file.closed


def test_no_more_than_two_large_bodies_are_handled_at_once_whatever_their_type() -> None:
    lock, now = threading.Lock(), 0
    running: list[int] = []

    def handle(call: Call) -> Any:
        nonlocal now
        with lock:
            now += 1
            running.append(now)
        time.sleep(0.02)
        with lock:
            now -= 1
        return result(EncodedJson(b"{}"))

    media = (Media("text/csv", None), Media("application/json", "/components/schemas/Any"))
    taking = operation("take", "POST", "/take", request_body=RequestBody(True, media))
    with Caller(Service([taking], {"take": handle})) as caller:
        bodies = (("text/csv", b"x" * LARGE), ("application/json", b'"%b"' % (b"x" * LARGE)))
        requests = [
            ("POST", "/take", {"content": content, "headers": {"Content-Type": kind}})
            for kind, content in bodies * 3
        ]
        answers = caller.ask_all(requests)
    assert [answer.status_code for answer in answers] == [200] * 6
    assert max(running) == 2
