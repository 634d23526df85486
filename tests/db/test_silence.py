"""The watch over round trips that get no answer, on sockets of no database."""

import socket
import threading
from collections.abc import Iterator
from typing import Any, cast

import pytest

from db import silence
from db.silence import Silence


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "_LOOK_EVERY_SECONDS", 0.02)
    monkeypatch.setattr(silence, "_IDLE_LOOKS", 2)


@pytest.fixture
def line() -> Iterator[tuple[Any, socket.socket]]:
    """Our end, as a connection would have it, and a server that says nothing."""
    ours, server = socket.socketpair()
    with ours, server:
        ours.settimeout(10)
        yield cast(Any, ours), server


def _watchers() -> int:
    return sum(thread.name == "silence" for thread in threading.enumerate())


def test_wait_past_its_time_reads_an_end_and_is_told_that_it_was_cut(
    line: tuple[Any, socket.socket],
) -> None:
    ours, _ = line
    watch = Silence()
    number = watch.begin(ours, 0.1)
    assert ours.recv(1) == b""
    assert watch.end(number)


def test_wait_that_ends_in_time_is_left_alone_and_another_one_has_its_own_time(
    line: tuple[Any, socket.socket],
) -> None:
    ours, server = line
    watch = Silence()
    for _ in range(20):
        number = watch.begin(ours, 0.2)
        server.send(b"x")
        assert ours.recv(1) == b"x"
        assert not watch.end(number)
    number = watch.begin(ours, 30)
    ours.settimeout(0.5)
    with pytest.raises(TimeoutError):
        ours.recv(1)
    assert not watch.end(number)


def test_watcher_goes_when_nothing_waits_and_comes_again(line: tuple[Any, socket.socket]) -> None:
    ours, _ = line
    watch = Silence()
    before = _watchers()
    assert not watch.end(watch.begin(ours, 30))
    ended = threading.Event()
    for _ in range(200):
        if _watchers() <= before:
            break
        ended.wait(0.05)
    assert _watchers() <= before
    number = watch.begin(ours, 0.1)
    assert ours.recv(1) == b""
    assert watch.end(number)


def test_socket_that_was_closed_in_the_meantime_is_no_error_and_ends_no_watch(
    line: tuple[Any, socket.socket],
) -> None:
    ours, _ = line
    other, gone = socket.socketpair()
    watch = Silence()
    number = watch.begin(cast(Any, other), 0.05)
    gone.close()
    other.shutdown(socket.SHUT_RDWR)
    threading.Event().wait(0.3)
    assert watch.end(number)
    other.close()
    assert not watch.end(watch.begin(ours, 30))
    cut = watch.begin(ours, 0.05)
    assert ours.recv(1) == b""
    assert watch.end(cut)
