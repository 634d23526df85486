"""Standard error as the log goes to it: by whole lines, hardly waited for, never an error.

A full disk, a pipe that nobody reads, or a reader that went away costs lines of the log and never
an answer. Lines lost are counted, and the count is the first line that goes through again.
"""

import io
import os
import select
import socket
import stat
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import orjson
from typing_extensions import Buffer, override

STANDARD_OUTPUT: Final = 1
STANDARD_ERROR: Final = 2
_PATIENCE_SECONDS: Final = 0.05


class LogStream(io.RawIOBase):
    """Takes a line, or several, with each `write`."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor, self._write_some = _without_waiting(descriptor)
        self._own = self._descriptor if self._descriptor != descriptor else None
        self._lock = threading.Lock()
        self._rest = b""
        self._lost = 0
        # Once a reader was waited for in vain, it is not waited for again until it reads.
        self._is_stuck = False

    @override
    def writable(self) -> bool:
        return True

    @override
    def write(self, line: Buffer) -> int:
        """Never fails: what becomes of a line is no concern of whoever logs it."""
        data = bytes(line)
        with self._lock:
            self._pass_on(data)
        return len(data)

    @override
    def close(self) -> None:
        if self._own is not None:
            os.close(self._own)
            self._own = None
        super().close()

    def _pass_on(self, line: bytes) -> None:
        if self._rest:
            # A line that went half-way ends before another begins.
            self._rest = self._rest[self._send(self._rest) :]
        if self._lost and not self._rest and self._begin(_account(self._lost)):
            self._lost = 0
        if self._lost or self._rest or not self._begin(line):
            self._lost += 1

    def _begin(self, line: bytes) -> bool:
        sent = self._send(line)
        self._rest = line[sent:] if sent else b""
        return sent > 0

    def _send(self, data: bytes) -> int:
        """How many bytes went."""
        sent = 0
        until = time.monotonic() + (0 if self._is_stuck else _PATIENCE_SECONDS)
        while sent < len(data):
            try:
                sent += self._write_some(data[sent:])
            except BlockingIOError:
                if not self._is_read_by(until):
                    break
            except OSError:
                break
        self._is_stuck = sent < len(data)
        return sent

    def _is_read_by(self, moment: float) -> bool:
        left = moment - time.monotonic()
        if left <= 0:
            return False
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        return bool(poll.poll(left * 1000))


def tell(descriptor: int, text: str) -> None:
    """Say something to whoever started the program, if anybody listens."""
    with LogStream(descriptor) as stream:
        stream.write(text.encode() + b"\n")


def _account(lost: int) -> bytes:
    moment = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    fields = {"lines": lost, "event": "log_lines_lost", "level": "warning", "timestamp": moment}
    return orjson.dumps(fields) + b"\n"


def _without_waiting(descriptor: int) -> tuple[int, Callable[[bytes], int]]:
    """How to write to what `descriptor` names without waiting for a reader.

    Setting O_NONBLOCK on it would change it for every process that shares it; a pipe opened anew
    is our own. A file or a terminal is written to as it is: it has no reader to wait for.
    """
    kind = os.fstat(descriptor).st_mode
    if stat.S_ISSOCK(kind):
        own = os.dup(descriptor)
        return own, lambda data: _send_now(own, data)
    if stat.S_ISFIFO(kind):
        descriptor = _opened_anew(descriptor)
    return descriptor, lambda data: os.write(descriptor, data)


def _send_now(descriptor: int, data: bytes) -> int:
    borrowed = socket.socket(fileno=descriptor)
    try:
        return borrowed.send(data, socket.MSG_DONTWAIT)
    finally:
        borrowed.detach()


def _opened_anew(pipe: int) -> int:
    try:
        return os.open(f"/proc/self/fd/{pipe}", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        # No reader any more, no /proc, or a pipe of another user's: then as it is.
        return pipe
