"""A proxy in front of an HTTP server that fails as networks and busy servers do, when told to.

It knows nothing of what it passes on. What a test asks of it, holds for all connections at once.
"""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from typing_extensions import override

_UPSTREAM_SECONDS: Final = 60
_HOP_BY_HOP: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: `target` is its path and query as they were sent."""

    method: str
    target: str
    headers: dict[str, str]


class Passing:
    """Nothing is wrong."""


@dataclass(frozen=True, slots=True)
class Answering:
    """The server behind it is not asked; `body` is the answer."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Slow:
    """Passed on after so long; `math.inf` for never."""

    seconds: float


@dataclass(frozen=True, slots=True)
class ResetInRequest:
    """The connection is reset once so much of the request's body is read."""

    after: int


@dataclass(frozen=True, slots=True)
class ResetInAnswer:
    """The connection is reset once so much of the answer's body is sent."""

    after: int


Fault = Passing | Answering | Slow | ResetInRequest | ResetInAnswer
PASSING: Final = Passing()


def error(status: int, code: str, **headers: str) -> Answering:
    """An error as S3 puts it; its message holds what must never be shown to anyone."""
    text = f"<Error><Code>{code}</Code><Message>LEAKED {code}</Message></Error>"
    shown = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answering(status, text.encode(), {"Content-Type": "application/xml", **shown})


@dataclass(slots=True)
class FaultProxy:
    """`fault` says what becomes of a request. `asked` are those that were read, oldest first."""

    port: int
    fault: Callable[[Asked], Fault] = lambda _: PASSING
    asked: list[Asked] = field(default_factory=list)
    _down: threading.Event = field(default_factory=threading.Event)
    _ended: threading.Event = field(default_factory=threading.Event)

    def methods(self) -> list[str]:
        return [each.method for each in self.asked]

    def well(self) -> None:
        self.fault = lambda _: PASSING

    def always(self, fault: Fault) -> None:
        self.fault = lambda _: fault

    def times(
        self, count: int, fault: Fault, where: Callable[[Asked], bool] = lambda _: True
    ) -> None:
        """The next `count` requests of that kind meet `fault`, and all is well from then on."""
        left = iter(range(count))

        def chosen(asked: Asked) -> Fault:
            return fault if where(asked) and next(left, None) is not None else PASSING

        self.fault = chosen


@contextmanager
def fault_proxy(upstream: int, port: int = 0) -> Iterator[FaultProxy]:
    """Before the server at port `upstream` of this machine, until the block ends.

    Ended and begun again with the port it had, it is a server that was away.
    """

    class Handler(_Handler):
        pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    proxy = FaultProxy(server.server_port)
    Handler.proxy, Handler.upstream = proxy, upstream
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy._ended.set()
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: FaultProxy
    upstream: int

    def _serve(self) -> None:
        if self.proxy._ended.is_set():
            # A connection that was kept open: a server that is gone answers nobody.
            self._reset()
            return
        asked = Asked(self.command, self.path, dict(self.headers.items()))
        self.proxy.asked.append(asked)
        fault = self.proxy.fault(asked)
        length = int(self.headers.get("Content-Length") or 0)
        if isinstance(fault, ResetInRequest):
            self.rfile.read(min(fault.after, length))
            self._reset()
            return
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        body = self.rfile.read(length)
        if isinstance(fault, Slow) and self.proxy._ended.wait(min(fault.seconds, 3600)):
            self._reset()
        elif isinstance(fault, Answering):
            self._answer(fault.status, list(fault.headers.items()), fault.body)
        else:
            status, headers, content = self._passed_on(body)
            after = fault.after if isinstance(fault, ResetInAnswer) else None
            self._answer(status, headers, content, after)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _serve

    def _passed_on(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = HTTPConnection("127.0.0.1", self.upstream, timeout=_UPSTREAM_SECONDS)
        try:
            headers = {
                name: value
                for name, value in self.headers.items()
                if name.lower() not in ("connection", "expect")
            }
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            kept = [each for each in answer.getheaders() if each[0].lower() not in _HOP_BY_HOP]
            if self.command == "HEAD":
                kept.append(("Content-Length", answer.headers.get("Content-Length", "0")))
            return answer.status, kept, answer.read()
        finally:
            connection.close()

    def _answer(
        self,
        status: int,
        headers: list[tuple[str, str]],
        body: bytes,
        reset_after: int | None = None,
    ) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        if self.command != "HEAD" and status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            # Who asked may have had enough.
            with suppress(BrokenPipeError, ConnectionResetError):
                self.wfile.write(body if reset_after is None else body[:reset_after])
        if reset_after is not None:
            self.wfile.flush()
            # Else what was sent may be thrown away with the connection.
            time.sleep(0.05)
            self._reset()

    def _reset(self) -> None:
        """Ends the connection by RST, as a machine does that crashes and comes back."""
        self.close_connection = True
        with suppress(OSError):
            now = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
            # It keeps the connection open as long as it is.
            self.rfile.close()
            self.connection.close()

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Tests print nothing."""
