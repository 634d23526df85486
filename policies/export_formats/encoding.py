"""What a format of exports does: it encodes parts, and makes one file of them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from policies.export_formats.row import ExportedReport


class Piece(NamedTuple):
    """Bytes of the file, in order. `part` is the place, from 0, of the part that they stand for."""

    part: int
    content: bytes


class Encoding(Protocol):
    """One format, compressed or not. Keeps nothing between calls."""

    def encode_part(self, rows: Iterable[ExportedReport], *, is_first: bool) -> Iterator[bytes]:
        """The bytes of a part, as they come; the same for the same reports. `rows` may be none."""
        ...

    def assemble(self, parts: Sequence[Callable[[], Iterator[bytes]]]) -> Iterator[Piece]:
        """The file of these parts, each of which may be read more than once.

        No more of it is in memory than a few pieces.
        """
        ...
