"""One HTTP/1.1 connection under uvicorn, with bounds that uvicorn has not: how large a request's
head may be, and how long a client may take to send a request.

Decides nothing of what is answered to a request that has come.
"""

import asyncio
import uuid
from typing import Any

import httptools
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from generated.runtime import problems

# Bytes that bring no part of a body: a request's line and headers, or the framing of one chunk.
MAX_FRAMING_BYTES = 64 * 1024
HEAD_SECONDS = 15.0
BODY_SECONDS = 30.0
# What a body may come at, beyond its first seconds: a slow uplink's pace.
SLOWEST_BYTES_PER_SECOND = 16 * 1024
_LOOK_EVERY_SECONDS = 5.0


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

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self._since = self.loop.time()
        self._look_later()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._look is not None:
            self._look.cancel()
        super().connection_lost(exc)

    def _look_later(self) -> None:
        self._look = self.loop.call_later(_LOOK_EVERY_SECONDS, self._close_if_too_slow)

    def _close_if_too_slow(self) -> None:
        if self.transport.is_closing():
            return
        if self.flow.read_paused and self._since is not None:
            # It is the service that doesn't read on.
            self._since += _LOOK_EVERY_SECONDS
        if self._since is not None and self.loop.time() - self._since > self._allowed_seconds():
            self.transport.close()
            return
        self._look_later()

    def _allowed_seconds(self) -> float:
        if self._in_head:
            return HEAD_SECONDS
        return BODY_SECONDS + self._body_bytes / SLOWEST_BYTES_PER_SECOND

    @override
    def data_received(self, data: bytes) -> None:
        if self._since is None:
            self._since = self.loop.time()
        self._unset_keepalive_if_required()
        while data and not self.transport.is_closing():
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
        if not self.transport.is_closing():
            self.send_400_response(detail)

    @override
    def send_400_response(self, msg: str) -> None:
        problem = problems.malformed_request(msg)
        body = problem.as_bytes(str(uuid.uuid4()))
        head = (
            f"content-type: {problems.MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n"
            "cache-control: no-store\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(STATUS_LINE[400] + head.encode() + body)
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
        super().on_headers_complete()

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


def _without_upgrade(connection: bytes) -> bytes:
    options = [option.strip() for option in connection.split(b",")]
    return b", ".join(option for option in options if option.lower() != b"upgrade")
