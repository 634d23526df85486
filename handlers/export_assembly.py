"""An export's file made of its parts, each held against the ledger as it is read."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from typing_extensions import override

from db.export_parts import PartRow
from handlers.export_store import ExportStore, StoredFileMissing
from policies.export_formats import Encoding


@dataclass(eq=False)
class PartBroken(Exception):
    """A part in the store is not what the ledger says; it is to be made again."""

    number: int

    @override
    def __str__(self) -> str:
        return f"part {self.number} is not what was written"


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A part in the store. `read` raises PartBroken, at its end at the latest."""

    store: ExportStore
    name: str
    entry: PartRow

    def read(self) -> Iterator[bytes]:
        digest, size = hashlib.sha256(), 0
        try:
            for piece in self.store.read(self.name):
                digest.update(piece)
                size += len(piece)
                yield piece
        except StoredFileMissing as error:
            raise PartBroken(self.entry.number) from error
        if (size, digest.digest()) != (self.entry.size, self.entry.sha256):
            raise PartBroken(self.entry.number)


@dataclass(slots=True)
class FileRange:
    """Which bytes of the file stand for a part."""

    records: int
    offset: int = 0
    size: int = 0
    _hash: Any = field(default_factory=hashlib.sha256)

    def add(self, content: bytes) -> None:
        self._hash.update(content)
        self.size += len(content)

    def digest(self) -> bytes:
        """SHA-256."""
        found: bytes = self._hash.digest()
        return found


class AssembledFile:
    """What is known of the file; all of it once `assemble` has come to its end."""

    def __init__(self, parts: Sequence[PartRow]) -> None:
        self.parts = [FileRange(part.records) for part in parts]
        self.records = sum(part.records for part in parts)
        self.size = 0
        self._hash = hashlib.sha256()

    def add(self, place: int, content: bytes) -> None:
        part = self.parts[place]
        if not part.size:
            part.offset = self.size
        part.add(content)
        self._hash.update(content)
        self.size += len(content)

    def digest(self) -> bytes:
        """SHA-256."""
        return self._hash.digest()


def assemble(
    encoding: Encoding,
    parts: Sequence[StoredPart],
    file: AssembledFile,
    look: Callable[[], None],
) -> Iterator[bytes]:
    """The bytes of the file, noted in `file` as they pass. `look` is called now and then.

    Raises PartBroken.
    """
    for place, content in encoding.assemble([part.read for part in parts]):
        file.add(place, content)
        yield content
        look()
