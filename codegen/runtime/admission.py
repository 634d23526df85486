"""Bounds what large request bodies may take of a process, however many come at once.

Small bodies pass untouched: they are bounded by the number of connections. Bodies that are read
from a spool have a share of their own, so that neither kind waits for the other.
"""

from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import Self, TypeVar

import anyio
from starlette.types import Scope

from .problems import unavailable

# Above this many bytes, parsing and validating would hold up the event loop.
LARGE_BYTES = 256 * 1024
_TICKET = "large_body"
_RETRY_AFTER = 5

ResourceT = TypeVar("ResourceT")


class _Share:
    def __init__(self, held: int, places: int) -> None:
        self.free = held
        self.places = anyio.Semaphore(places)

    def take(self, size: int) -> None:
        if size > self.free:
            raise unavailable("Too many large bodies are under way. Try again.", _RETRY_AFTER)
        self.free -= size


class LargeBodies:
    """What the large bodies of one process share.

    `held` bytes may be in memory as they came, and `places` of them may be unfolded (parsed,
    validated, handled) at a time, which takes some 30 times as much. `spooled` bytes may be on
    disk, and `streams` of those may be worked through at a time. A body that gets no place within
    `patience` seconds is a 503.
    """

    def __init__(
        self,
        held: int = 256 * 1024 * 1024,
        places: int = 2,
        patience: float = 10.0,
        *,
        spooled: int = 1024 * 1024 * 1024,
        streams: int = 2,
    ) -> None:
        self.whole = _Share(held, places)
        self.streamed = _Share(spooled, streams)
        self.patience = patience


class Ticket:
    """What one request has taken of `LargeBodies`; all of it goes back at the end of the block."""

    def __init__(self, shared: LargeBodies, scope: Scope) -> None:
        self._share = shared.whole
        self._shared = shared
        self._size = 0
        self._entered = False
        self._kept = ExitStack()
        scope["extensions"][_TICKET] = self

    @classmethod
    def of(cls, scope: Scope) -> "Ticket":
        found: Ticket = scope["extensions"][_TICKET]
        return found

    def keep(self, spool: AbstractContextManager[ResourceT]) -> ResourceT:
        """Holds what the body is spooled to until the block ends; call it before the body comes."""
        self._share = self._shared.streamed
        return self._kept.enter_context(spool)

    def grown_to(self, size: int) -> None:
        """Counts what has come of the body so far. Raises a 503 Problem if there is no room."""
        if size > LARGE_BYTES:
            self._share.take(size - self._size)
            self._size = size

    async def enter(self) -> None:
        """Waits for a place if the body is large. Raises a 503 Problem if none gets free."""
        if not self._size:
            return
        patience = self._shared.patience
        with anyio.move_on_after(patience):
            await self._share.places.acquire()
            self._entered = True
            return
        detail = f"Other large bodies are at work: no place within {patience:g} s. Try again."
        raise unavailable(detail, _RETRY_AFTER)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._kept.close()
        self._share.free += self._size
        if self._entered:
            self._share.places.release()
