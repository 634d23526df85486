"""What the formats of lines have in common: pieces of some size, and gzip."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from isal import isal_zlib

from policies.export_formats.encoding import Piece

_GATHERED_BYTES: Final = 256 * 1024
# No larger than what zlib makes of reports at its usual level, in a tenth of the time.
_LEVEL: Final = 1
# The gzip format; the header that is made for it holds no time.
_GZIP: Final = 31


def gathered(lines: Iterable[bytes]) -> Iterator[bytes]:
    """In pieces of some size: each costs a call where it goes."""
    found: list[bytes] = []
    size = 0
    for each in lines:
        found.append(each)
        size += len(each)
        if size >= _GATHERED_BYTES:
            yield b"".join(found)
            found, size = [], 0
    if found:
        yield b"".join(found)


def packed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """One member of a gzip file; the same bytes for the same pieces on the same kind of machine."""
    packer = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _GZIP)
    for piece in pieces:
        if content := packer.compress(piece):
            yield content
    yield packer.flush()


def joined(parts: Sequence[Callable[[], Iterator[bytes]]]) -> Iterator[Piece]:
    """One part after the other, as it is: lines follow lines, and members of gzip each other."""
    for place, read in enumerate(parts):
        for content in read():
            yield Piece(place, content)
