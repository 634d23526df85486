"""Counting in this process, and in what is no Redis: a limit may slip, an answer may not."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.rates import Rate
from service.rate_counts import PATIENCE_SECONDS, Charge, OwnCounts, SharedCounts


@given(st.lists(st.integers(1, 10), min_size=1, max_size=40), st.integers(10, 40))
def test_what_is_taken_at_once_comes_to_the_rate_at_most_and_what_fits_is_taken(
    costs: list[int], amount: int
) -> None:
    async def scenario() -> list[bool]:
        counts = OwnCounts()
        charges = [Charge("one", Rate(amount, 3600), cost) for cost in costs]
        counted = await asyncio.gather(*(counts.take([charge]) for charge in charges))
        await counts.close()
        return [each.refused is None for each in counted]

    taken = asyncio.run(scenario())
    left = amount
    for cost, was_taken in zip(costs, taken, strict=True):
        assert was_taken == (cost <= left)
        left -= cost if was_taken else 0


def test_accounts_that_nobody_uses_any_more_are_forgotten() -> None:
    async def scenario() -> None:
        counts = OwnCounts(sweep_seconds=0.1)
        for name in range(1000):
            await counts.take([Charge(str(name), Rate(5, 1), 1)])
        assert len(counts) == 1000
        deadline = time.monotonic() + 30
        while len(counts) > 2 and time.monotonic() < deadline:
            await asyncio.sleep(0.1)
            await counts.take([Charge("last", Rate(1000, 1), 1)])
        await counts.close()
        assert len(counts) <= 2

    asyncio.run(scenario())


def test_sweeps_are_paced_however_many_requests_come() -> None:
    async def scenario() -> None:
        counts = OwnCounts(sweep_seconds=60)
        first = Charge("one", Rate(100_000, 3600), 1)
        await counts.take([first])
        await asyncio.sleep(0)
        before = asyncio.all_tasks()
        for _ in range(100):
            await counts.take([first])
            await asyncio.sleep(0)
        assert len(asyncio.all_tasks() - before) == 0
        await counts.close()

    asyncio.run(scenario())


@contextmanager
def impostor(answer: bytes) -> Iterator[int]:
    """A port that takes connections and answers each message with `answer`, if with anything."""
    open_now: list[socket.socket] = []

    def answer_each(connection: socket.socket) -> None:
        with suppress(OSError):
            while connection.recv(65536):
                connection.sendall(answer)

    def accept(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                open_now.append(connection)
                threading.Thread(target=answer_each, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for connection in open_now:
                connection.close()


@pytest.mark.parametrize(
    "answer", [b"", b"+OK\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"*-9\r\n\xff\r\n"]
)
def test_what_does_not_answer_as_redis_does_is_done_without(
    answer: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    async def scenario(counts: SharedCounts) -> list[int | None]:
        charge = Charge("one", Rate(3, 3600), 1)
        try:
            return [(await counts.take([charge])).refused for _ in range(5)]
        finally:
            await counts.close()

    with impostor(answer) as port:
        began = time.monotonic()
        refused = asyncio.run(scenario(SharedCounts(f"redis://:secret-word@127.0.0.1:{port}")))
        waited = time.monotonic() - began
    assert refused == [None, None, None, 0, 0]
    # One take has waited, not five.
    assert waited < 4 * PATIENCE_SECONDS
    printed = capsys.readouterr().out
    assert printed.count("rate_limits_not_shared") == 1
    assert "secret-word" not in printed
