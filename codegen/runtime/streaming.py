"""Bodies of answers that are sent as they are made: files, iterators of bytes, and lines.

No more of one is in memory than a few pieces. Whatever was opened for it is closed, however the
exchange ends. What is asked of an iterator or a file, worker threads ask; nothing here decides what
an answer is.
"""

import io
import time
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
)
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol, TypeAlias, TypeVar, cast, runtime_checkable

import anyio
from anyio import to_thread
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from .encoded_json import EncodedJson

PIECE_BYTES: Final = 64 * 1024
# Lines are gathered so long, unless enough of them came before: a packet each would cost too much.
_GATHERED_SECONDS: Final = 0.05
LineT = TypeVar("LineT")


@runtime_checkable
class BinaryFile(Protocol):
    """A file open for reading bytes. It is sent from where it stands to its end, then closed."""

    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


RawBody: TypeAlias = bytes | BinaryFile | Iterable[bytes] | AsyncIterable[bytes]
LinesBody: TypeAlias = (
    bytes | BinaryFile | Iterable[LineT | EncodedJson] | AsyncIterable[LineT | EncodedJson]
)
Encode = Callable[[Any], bytes]


@dataclass(frozen=True, slots=True)
class Source:
    """What an answer's body comes from. `size` is in bytes, and None where it isn't known.

    `skip` moves on by so many bytes, where that can be done at once.
    """

    pieces: Callable[[anyio.CapacityLimiter], AsyncIterator[bytes]]
    close: Callable[[], None] | None = None
    aclose: Callable[[], Awaitable[None]] | None = None
    size: int | None = None
    skip: Callable[[int], object] | None = None


def is_streamed(body: object) -> bool:
    """Whether a body is sent as it is made, and not there as a whole."""
    if isinstance(body, bytes | bytearray | memoryview | str | EncodedJson):
        return False
    return isinstance(body, BinaryFile | AsyncIterable | Iterator)


def source_of(body: object, encode: Encode) -> Source:
    """`encode` makes bytes of each thing that an iterable yields. Raises TypeError for no body."""
    if isinstance(body, BinaryFile):
        return _of_file(body)
    if isinstance(body, AsyncIterable):
        iterator = aiter(body)
        aclose = getattr(iterator, "aclose", None)
        return Source(lambda _: _encoded(iterator, encode), aclose=aclose)
    if isinstance(body, Iterable) and not isinstance(body, str):
        plain = iter(body)
        return Source(partial(_of_iterator, plain, encode), getattr(plain, "close", None))
    raise TypeError(f"a body must be bytes, a file or an iterable, not {type(body).__name__}")


def as_bytes(piece: object) -> bytes:
    if not isinstance(piece, bytes | bytearray | memoryview):
        raise TypeError(f"a piece of a body must be bytes, not {type(piece).__name__}")
    return bytes(piece)


def _of_file(file: BinaryFile) -> Source:
    size = _size(file)
    skip = None if size is None else lambda count: cast(Any, file).seek(count, io.SEEK_CUR)

    async def pieces(limiter: anyio.CapacityLimiter) -> AsyncIterator[bytes]:
        while piece := await to_thread.run_sync(file.read, PIECE_BYTES, limiter=limiter):
            yield as_bytes(piece)

    return Source(pieces, file.close, size=size, skip=skip)


def _size(file: Any) -> int | None:
    """How many bytes a file has from where it stands, if that can be told."""
    try:
        begun = file.tell()
        end = file.seek(0, io.SEEK_END)
        file.seek(begun)
    except (AttributeError, OSError, ValueError):
        return None
    return int(end) - int(begun)


async def _encoded(iterator: AsyncIterator[Any], encode: Encode) -> AsyncIterator[bytes]:
    async for each in iterator:
        if piece := encode(each):
            yield piece


async def _of_iterator(
    iterator: Iterator[Any], encode: Encode, limiter: anyio.CapacityLimiter
) -> AsyncIterator[bytes]:
    while True:
        piece, is_last = await to_thread.run_sync(_gathered, iterator, encode, limiter=limiter)
        if piece:
            yield piece
        if is_last:
            return


def _gathered(iterator: Iterator[Any], encode: Encode) -> tuple[bytes, bool]:
    """What the iterator yields until it is a piece or some time has passed; whether it ended."""
    found: list[bytes] = []
    size, until = 0, time.monotonic() + _GATHERED_SECONDS
    for each in iterator:
        found.append(encode(each))
        size += len(found[-1])
        if size >= PIECE_BYTES or time.monotonic() > until:
            return b"".join(found), False
    return b"".join(found), True


class StreamedResponse(Response):
    """An answer whose body is sent as it is made.

    Its first piece is made before anything is sent: what fails by then can still be a problem. Of a
    HEAD request no piece is. A client that leaves ends it.
    """

    def __init__(self, source: Source, status: int, headers: dict[str, str]) -> None:
        super().__init__(status_code=status, headers=headers)
        self.source = source
        # A handler may know the size of what an iterator makes, and tell it in a header.
        announced = headers.get("content-length")
        self.length = source.size if announced is None else int(announced)
        if announced is None:
            # The library counts a body that isn't there.
            del self.headers["content-length"]
        if self.length is not None:
            self.headers["content-length"] = str(self.length)

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        limiter: anyio.CapacityLimiter = scope["app"].state.streaming
        try:
            if scope["method"] == "HEAD":
                await self._begin(send)
                await send({"type": "http.response.body", "body": b""})
            else:
                await self._unless_deserted(partial(self._send_all, limiter, send), receive)
        finally:
            with anyio.CancelScope(shield=True):
                await self._close(limiter)

    async def _begin(self, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )

    async def _send_all(self, limiter: anyio.CapacityLimiter, send: Send) -> None:
        pieces = self._bounded(self.source.pieces(limiter))
        first = await anext(pieces, b"")
        await self._begin(send)
        if first:
            await send({"type": "http.response.body", "body": first, "more_body": True})
        async for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _bounded(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """No more than was announced: a file may have grown since."""
        left = self.length
        async for piece in pieces:
            if left is None:
                yield piece
                continue
            yield piece[:left]
            left -= len(piece)
            if left <= 0:
                return

    async def _unless_deserted(self, work: Callable[[], Awaitable[None]], receive: Receive) -> None:
        """Raises ClientDisconnect if the client leaves before the work is done."""
        failure: Exception | None = None
        is_done = False

        async def watch() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            group.start_soon(watch)
            try:
                await work()
                # Servers tell of a disconnect at the end of each answer too.
                is_done = True
            except Exception as error:  # noqa: BLE001  # raised below, outside of the group
                failure = error
            group.cancel_scope.cancel()
        if failure is not None:
            raise failure
        if not is_done:
            raise ClientDisconnect

    async def _close(self, limiter: anyio.CapacityLimiter) -> None:
        if self.source.aclose is not None:
            await self.source.aclose()
        if self.source.close is not None:
            await to_thread.run_sync(self.source.close, limiter=limiter)
