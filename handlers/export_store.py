"""Where the files of exports lie; which store that is and how it is reached, `service` knows.

Names are of ASCII letters, digits and `.-_/`, without an empty piece.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from typing_extensions import override


class StoredFileMissing(Exception):
    """Nothing of this name is in the store."""


@dataclass(eq=False)
class StoreUnavailable(Exception):
    """The store can't be had for now: it is down, slow, busy or full. `reason` is a sentence for a
    person, without secrets; `retry_after` is in seconds.
    """

    reason: str
    retry_after: int

    @override
    def __str__(self) -> str:
        return self.reason


@dataclass(eq=False)
class StoreRefused(Exception):
    """The store takes no work from this service until a person has changed something: `reason`."""

    reason: str

    @override
    def __str__(self) -> str:
        return self.reason


class ExportStore(Protocol):
    """Keeps files by name; safe in several threads.

    All may raise StoreUnavailable and StoreRefused.
    """

    def put(self, name: str, chunks: Iterable[bytes]) -> None:
        """Keep a whole file, in the place of any other of this name.

        It can be had once all of it is there, and none of it where this raises.
        """
        ...

    def read(self, name: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` to before `end`, in pieces. Raises StoredFileMissing."""
        ...

    def size(self, name: str) -> int:
        """In bytes. Raises StoredFileMissing."""
        ...

    def delete(self, prefix: str) -> int:
        """Delete all whose names begin so; return how many there were, which may be none."""
        ...

    def names(self, prefix: str) -> Iterator[str]:
        """The names that begin so, in no order."""
        ...

    def link(self, name: str, *, file_name: str, media_type: str, seconds: int) -> str | None:
        """A URL by which anyone may have the file for so long; None from a store without such."""
        ...
