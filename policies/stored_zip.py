"""Zip archives of stored members that are the same bytes wherever and whenever they are made.

Nothing is compressed, as compressors differ between builds; no time, no owner. The standard
library's writer is not used, as what it writes for the same input may change with its version.
Layout: PKWARE APPNOTE 6.3, sections 4.3.7, 4.3.12 and 4.3.16.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

_LOCAL: Final = struct.Struct("<4s5H3I2H")
_ENTRY: Final = struct.Struct("<4s6H3I5H2I")
_END: Final = struct.Struct("<4s4H2IH")
_LOCAL_SIGNATURE: Final = b"PK\x03\x04"
_VERSION: Final = 20  # 2.0, which every reader knows
_MADE_ON_UNIX: Final = 3 << 8 | _VERSION
_MIDNIGHT: Final = 0
_FIRST_DAY: Final = 1 << 5 | 1  # 1 January 1980, where the format's time begins
_READABLE_FILE: Final = 0o100644 << 16
_MOST_BYTES: Final = 2**32 - 2**20
_CHUNK_BYTES: Final = 1 << 16


class ArchiveError(ValueError):
    """What is no archive of the members expected; the message names member and byte."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file of an archive; `name` is ASCII."""

    name: str
    content: bytes


def archive_chunks(members: Sequence[Member]) -> Iterator[bytes]:
    """The archive's bytes in pieces of 64 KiB at most, members in the order given."""
    for _, content in _sections(members):
        view = memoryview(content)
        for begin in range(0, len(view), _CHUNK_BYTES):
            yield bytes(view[begin : begin + _CHUNK_BYTES])


def archive_size(members: Sequence[Member]) -> int:
    """How many bytes the archive has. Raises ValueError for one too large for the format."""
    size = sum(len(content) for _, content in _sections(members))
    if size > _MOST_BYTES:
        raise ValueError(f"an archive has at most {_MOST_BYTES} bytes, this one {size}")
    return size


def read_members(archive: bytes, names: Sequence[str]) -> tuple[Member, ...]:
    """The members of these names, in this order. Raises ArchiveError.

    Looks at no more than it takes to find them: `first_difference` tells of the rest.
    """
    members: list[Member] = []
    place = 0
    for name in names:
        after = f", after {members[-1].name}" if members else ""
        start = place + _LOCAL.size + len(name)
        header = archive[place : place + _LOCAL.size]
        if len(header) < _LOCAL.size or header[:4] != _LOCAL_SIGNATURE:
            raise ArchiveError(f"at byte {place}{after}, there is no header of {name}")
        fields = _LOCAL.unpack(header)
        stored, size, name_length = fields[7], fields[8], fields[9]
        if name_length != len(name) or archive[place + _LOCAL.size : start] != name.encode("ascii"):
            raise ArchiveError(
                f"at byte {place}{after}, there is the header of another than {name}"
            )
        if fields[3] != 0 or stored != size:
            raise ArchiveError(f"at byte {place}, the header of {name} tells of a compressed file")
        place = start + size
        if place > len(archive):
            raise ArchiveError(f"the archive ends within {name}")
        members.append(Member(name, archive[start:place]))
    return tuple(members)


def first_difference(archive: bytes, members: Sequence[Member]) -> str | None:
    """Where an archive is other than these members are written here; None where it is the same."""
    place = 0
    for label, content in _sections(members):
        found = archive[place : place + len(content)]
        if found != content:
            pairs = enumerate(zip(found, content, strict=False))
            offset = next((at for at, (one, other) in pairs if one != other), len(found))
            return f"byte {place + offset}, in {label}"
        place += len(content)
    return None if place == len(archive) else f"byte {place}, after the end of the directory"


def _sections(members: Sequence[Member]) -> Iterator[tuple[str, bytes]]:
    """The parts of an archive, each with the words for it."""
    directory: list[tuple[str, bytes]] = []
    place = 0
    for member in members:
        name, size = member.name.encode("ascii"), len(member.content)
        checksum = zlib.crc32(member.content)
        told = (0, 0, _MIDNIGHT, _FIRST_DAY, checksum, size, size, len(name), 0)
        local = _LOCAL.pack(_LOCAL_SIGNATURE, _VERSION, *told) + name
        yield f"the header of {member.name}", local
        yield member.name, member.content
        entry = _ENTRY.pack(
            b"PK\x01\x02", _MADE_ON_UNIX, _VERSION, *told, 0, 0, 0, _READABLE_FILE, place
        )
        directory.append((f"the directory entry of {member.name}", entry + name))
        place += len(local) + size
    yield from directory
    length = sum(len(entry) for _, entry in directory)
    count = len(directory)
    yield "the end of the directory", _END.pack(b"PK\x05\x06", 0, 0, count, count, length, place, 0)
