"""Reads the body of a request as it comes: expanded, and within its limit whatever it announced."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from anyio import to_thread
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from .admission import LARGE_BYTES, Ticket
from .content_coding import Gunzip
from .problems import body_too_large
from .spool import Spool

# What a server hands over at a time, and what is expanded on the event loop at a time.
_STEP: Final = 64 * 1024
# What is expanded in a worker thread at a time.
_LONG_STEP: Final = 1024 * 1024

Take = Callable[[bytes], Awaitable[None]]


@dataclass(slots=True)
class Incoming:
    """One body that is still to come; read it in one of three ways. `size` has come, expanded."""

    receive: Receive
    limit: int
    gunzip: Gunzip | None
    ticket: Ticket
    size: int = 0

    async def whole(self) -> bytes:
        chunks: list[bytes] = []

        async def take(piece: bytes) -> None:
            chunks.append(piece)

        await self.pass_on(take)
        return b"".join(chunks)

    async def spooled(self) -> Spool:
        spool = self.ticket.keep(Spool())
        await self.pass_on(spool.append)
        await spool.finish()
        return spool

    async def pass_on(self, take: Take) -> None:
        async def counted(piece: bytes) -> None:
            self.size += len(piece)
            self.ticket.grown_to(self.size)
            await take(piece)

        await read_body(self.receive, self.limit, self.gunzip, counted)


def refuse_announced(headers: Mapping[bytes, bytes], limit: int) -> None:
    """Raises a 413 Problem before anything is read of a body that says it is too large."""
    announced = headers.get(b"content-length", b"")
    if announced.isdigit() and len(announced) <= 20 and int(announced) > limit:
        raise body_too_large(limit, int(announced))


async def read_body(receive: Receive, limit: int, gunzip: Gunzip | None, take: Take) -> None:
    """Passes the body to `take`, expanded by `gunzip` if there is one. Raises a Problem (400, 413).

    `limit` holds for the bytes on the wire and for the expanded ones.
    """
    counted = _Counted(limit, take)
    came = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        came += len(chunk)
        if came > limit:
            raise body_too_large(limit, None)
        if gunzip is None:
            await counted.take(chunk)
        else:
            await _expand(gunzip, chunk, counted)
        if not message.get("more_body", False):
            break
    if gunzip is not None:
        gunzip.finish()


class _Counted:
    def __init__(self, limit: int, take: Take) -> None:
        self._limit = limit
        self._take = take
        self.size = 0

    async def take(self, piece: bytes) -> None:
        self.size += len(piece)
        if self.size > self._limit:
            raise body_too_large(self._limit, None)
        if piece:
            await self._take(piece)


async def _expand(gunzip: Gunzip, chunk: bytes, counted: _Counted) -> None:
    for start in range(0, len(chunk), _STEP):
        gunzip.feed(chunk[start : start + _STEP])
        while gunzip.has_more:
            if counted.size < LARGE_BYTES:
                piece = gunzip.expand(_STEP)
            else:
                piece = await to_thread.run_sync(gunzip.expand, _LONG_STEP)
            await counted.take(piece)
