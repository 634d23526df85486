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


@given(
    st.lists(st.tuples(st.floats(0, 90), st.integers(1, 10)), min_size=1, max_size=60),
    st.integers(10, 40),
)
def test_no_window_ever_holds_more_than_the_rate(
    hits: list[tuple[float, int]], amount: int
) -> None:
    now = 0.0
    counts = OwnCounts(lambda: now)
    taken: dict[int, int] = {}

    async def scenario() -> None:
        nonlocal now
        for pause, cost in hits:
            now += pause
            counted = await counts.take([Charge("one", Rate(amount, 60), cost)])
            if counted.refused is None:
                taken[int(now // 60)] = taken.get(int(now // 60), 0) + cost

    asyncio.run(scenario())
    assert max(taken.values(), default=0) <= amount


def test_accounts_that_nobody_uses_any_more_are_forgotten() -> None:
    now = 0.0
    counts = OwnCounts(lambda: now)

    async def spend(names: range) -> None:
        for name in names:
            await counts.take([Charge(str(name), Rate(5, 60), 1)])

    asyncio.run(spend(range(4096)))
    now = 200.0
    asyncio.run(spend(range(4096, 4106)))
    assert len(counts) == 10


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
