"""Bounds what large request bodies may take of a process's memory, however many come at once.

Small bodies pass untouched: they are bounded by the number of connections.
"""

from types import TracebackType
from typing import Self

import anyio
from starlette.types import Scope

from .problems import unavailable

# Above this many bytes, parsing and validating would hold up the event loop.
LARGE_BYTES = 256 * 1024
_TICKET = "large_body"
_RETRY_AFTER = 5


class LargeBodies:
    """What the large bodies of one process share.

    `held` bytes may be in memory as they came, and `places` of them may be unfolded (parsed,
    validated, handled) at a time, which takes some 30 times as much. A body that gets no place
    within `patience` seconds is a 503.
    """

    def __init__(
        self, held: int = 256 * 1024 * 1024, places: int = 2, patience: float = 10.0
    ) -> None:
        self._free = held
        self._places = anyio.Semaphore(places)
        self._patience = patience

    def take(self, size: int) -> None:
        if size > self._free:
            raise unavailable("Too many large bodies are under way. Try again.", _RETRY_AFTER)
        self._free -= size

    async def enter(self) -> None:
        with anyio.move_on_after(self._patience):
            await self._places.acquire()
            return
        detail = f"Other large bodies are at work: no place within {self._patience:g} s. Try again."
        raise unavailable(detail, _RETRY_AFTER)

    def give_back(self, size: int, *, entered: bool) -> None:
        self._free += size
        if entered:
            self._places.release()


class Ticket:
    """What one request has taken of `LargeBodies`; all of it goes back at the end of the block."""

    def __init__(self, shared: LargeBodies, scope: Scope) -> None:
        self._shared = shared
        self._size = 0
        self._entered = False
        scope["extensions"][_TICKET] = self

    @classmethod
    def of(cls, scope: Scope) -> "Ticket":
        found: Ticket = scope["extensions"][_TICKET]
        return found

    def grown_to(self, size: int) -> None:
        """Counts what has come of the body so far. Raises a 503 Problem if there is no room."""
        if size > LARGE_BYTES:
            self._shared.take(size - self._size)
            self._size = size

    async def enter(self) -> None:
        """Waits for a place if the body is large. Raises a 503 Problem if none gets free."""
        if self._size:
            await self._shared.enter()
            self._entered = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._shared.give_back(self._size, entered=self._entered)
