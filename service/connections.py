"""One HTTP/1.1 connection under uvicorn, with bounds that uvicorn has not: how large a request's
head may be, how long a client may take to send a request or to read an answer, and how many
connections there may be.

Decides nothing of what is answered to a request that has come.
"""

import asyncio
import uuid
from typing import Any
from weakref import WeakKeyDictionary

import httptools
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

from generated.runtime import problems
from service.open_files import most_connections

# Bytes that bring no part of a body: a request's line and headers, or the framing of one chunk.
MAX_FRAMING_BYTES = 64 * 1024
HEAD_SECONDS = 15.0
BODY_SECONDS = 30.0
ANSWER_SECONDS = 30.0
# What a body may come at, and an answer be read at, beyond the first seconds: a slow line's pace.
SLOWEST_BYTES_PER_SECOND = 16 * 1024
_LOOK_EVERY_SECONDS = 5.0
# Of each server, its connections without a request to answer, those that wait longest first.
_WAITING: WeakKeyDictionary[ServerState, dict["BoundedConnection", None]] = WeakKeyDictionary()


class BoundedConnection(HttpToolsProtocol):
    """Closes connections on which a request is not on its way at a decent pace.

    Where a connection waits between requests, uvicorn's own keep-alive limit counts.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._framing = 0
        self._body_bytes = 0
        self._in_head = True
        self._is_upgrade = False
        # When the request that is being sent began; None between requests.
        self._since: float | None = None
        self._look: asyncio.TimerHandle | None = None
        # When an answer was first seen to wait for its reader, and how much of it did.
        self._unread: tuple[float, int] | None = None
        self._waiting = _WAITING.setdefault(self.server_state, {})
        # Requests that have no whole answer yet, in order; pipelined ones wait for their turn.
        self._unanswered: list[RequestResponseCycle] = []
        # Why nothing more is taken, to be said once those before have their answers.
        self._refusal: str | None = None

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self._since = self.loop.time()
        self._waiting[self] = None
        if len(self.connections) > most_connections():
            self._make_room()
        self._look_later()

    def _make_room(self) -> None:
        """Closes the connection that waits longest for a request; this one, if no other waits."""
        longest = next(iter(self._waiting))
        del self._waiting[longest]
        if longest is self:
            self._say(problems.unavailable("All connections are in use. Try again.", 1))
        elif longest.transport.get_write_buffer_size():
            longest.transport.abort()
        else:
            longest.transport.close()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._look is not None:
            self._look.cancel()
        self._waiting.pop(self, None)
        # uvicorn tells the newest request alone; one that runs before it would write into nothing.
        for request in self._still_unanswered():
            _give_up(request)
        super().connection_lost(exc)

    def _look_later(self) -> None:
        self._look = self.loop.call_later(_LOOK_EVERY_SECONDS, self._close_if_too_slow)

    def _close_if_too_slow(self) -> None:
        if self._reads_too_slowly():
            # A mere close would wait for the reader too.
            self.transport.abort()
            return
        if self.flow.read_paused and self._since is not None:
            # It is the service that doesn't read on.
            self._since += _LOOK_EVERY_SECONDS
        if self._since is not None and self.loop.time() - self._since > self._allowed_seconds():
            self.transport.close()
        self._look_later()

    def _reads_too_slowly(self) -> bool:
        left = self.transport.get_write_buffer_size()
        if not left:
            self._unread = None
            return False
        since, size = self._unread or (self.loop.time(), left)
        self._unread = since, size
        return self.loop.time() - since > ANSWER_SECONDS + size / SLOWEST_BYTES_PER_SECOND

    @override
    def resume_writing(self) -> None:
        # The reader took what was there, so its time begins anew with what comes next.
        self._unread = None
        super().resume_writing()

    @override
    def eof_received(self) -> bool:  # type: ignore[override]  # True keeps the connection open
        """Answers a request that came whole before its client ended sending (half-closed)."""
        if self.cycle is None or self.cycle.response_complete or self.cycle.more_body:
            return False
        self.cycle.keep_alive = False
        return True

    def _allowed_seconds(self) -> float:
        if self._in_head:
            return HEAD_SECONDS
        return BODY_SECONDS + self._body_bytes / SLOWEST_BYTES_PER_SECOND

    @override
    def data_received(self, data: bytes) -> None:
        if self._since is None:
            self._since = self.loop.time()
        self._unset_keepalive_if_required()
        while data and not self.transport.is_closing() and self._refusal is None:
            piece = data[: MAX_FRAMING_BYTES - self._framing]
            data = data[len(piece) :]
            self._framing += len(piece)
            self._feed(piece)
            if self._framing >= MAX_FRAMING_BYTES:
                self._refuse(f"A request's head may have {MAX_FRAMING_BYTES} bytes; more came.")

    def _feed(self, piece: bytes) -> None:
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            self._go_on_without_upgrade(piece[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse("The request is not HTTP/1.1.")

    def _refuse(self, detail: str) -> None:
        """Answers what can't be read with a 400, once the requests before it have their answers.

        At once, a client would take it for the answer to the first of those.
        """
        if self.transport.is_closing() or self._refusal is not None:
            return
        if not self._in_head and self.cycle in (waiting := self._still_unanswered()):
            # It is the body of this very request that went wrong.
            if self.cycle.response_started:
                self.cycle.keep_alive = False
                return
            _give_up(waiting[-1])
        self._refusal = detail
        self._since = None
        self._say_refusal()

    def _say_refusal(self) -> None:
        if self._refusal is None or self._still_unanswered() or self.transport.is_closing():
            return
        self.send_400_response(self._refusal)

    def _still_unanswered(self) -> list[RequestResponseCycle]:
        self._unanswered = [
            request
            for request in self._unanswered
            if not request.response_complete and not request.disconnected
        ]
        return self._unanswered

    @override
    def send_400_response(self, msg: str) -> None:
        self._say(problems.malformed_request(msg))

    def _say(self, problem: problems.Problem) -> None:
        """Answers past the application, and closes."""
        body = problem.as_bytes(str(uuid.uuid4()))
        headers = {
            "content-type": problems.MEDIA_TYPE,
            "content-length": str(len(body)),
            "cache-control": "no-store",
            "connection": "close",
            **problem.headers,
        }
        head = "".join(f"{name.lower()}: {value}\r\n" for name, value in headers.items())
        self.transport.write(STATUS_LINE[problem.status] + head.encode() + b"\r\n" + body)
        self.transport.close()

    def _go_on_without_upgrade(self, rest: bytes) -> None:
        """Reads the request again as if it had asked for no upgrade (RFC 9110, 7.8).

        The parser takes what follows such a head for another protocol, a body as well.
        """
        if self.parser.get_method() == b"CONNECT":
            self._refuse("CONNECT is not served here.")
            return
        version = self.parser.get_http_version().encode()
        lines = [self.parser.get_method() + b" " + self.url + b" HTTP/" + version]
        lines += [
            name + b": " + (_without_upgrade(value) if name == b"connection" else value)
            for name, value in self.headers
            if name != b"upgrade"
        ]
        self.parser = httptools.HttpRequestParser(self)
        self._is_upgrade = False
        self._feed(b"\r\n".join([*lines, b"", b""]) + rest)

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self._body_bytes = 0
        self._since = self.loop.time()

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        # Trailers come here too, and must not pass for headers (RFC 9110, 6.5.1).
        if self._in_head:
            super().on_header(name, value)

    @override
    def on_headers_complete(self) -> None:
        self._is_upgrade = self.parser.should_upgrade()
        if self._is_upgrade:
            return
        self._in_head = False
        self._framing = 0
        self._waiting.pop(self, None)
        super().on_headers_complete()
        self._unanswered = [*self._still_unanswered(), self.cycle]

    @override
    def on_body(self, body: bytes) -> None:
        self._framing = 0
        self._body_bytes += len(body)
        super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        if self._is_upgrade:
            return
        self._framing = 0
        self._in_head = True
        self._since = None
        super().on_message_complete()

    @override
    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._say_refusal()
        if not self.pipeline and not self.transport.is_closing():
            self._waiting[self] = None


def _give_up(request: RequestResponseCycle) -> None:
    """Tells the application that nobody waits for this request's answer."""
    request.disconnected = True
    request.message_event.set()


def _without_upgrade(connection: bytes) -> bytes:
    options = [option.strip() for option in connection.split(b",")]
    return b", ".join(option for option in options if option.lower() != b"upgrade")
