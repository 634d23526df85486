"""NDJSON: a line a report, what `GET /reports/{report_id}` answers and nothing else."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import orjson
from typing_extensions import override
from zlib_ng import zlib_ng

from policies.export_formats.encoding import Encoding, Piece
from policies.export_formats.row import ExportedReport

_GATHERED_BYTES: Final = 256 * 1024
# As small as zlib makes it by its usual level, in a third of the time.
_LEVEL: Final = 4
# The gzip format; the header that zlib makes for it holds no time.
_GZIP: Final = 31


class JsonLines(Encoding):
    """Packed, each part is a member of a gzip file, which may have any number of them."""

    def __init__(self, *, is_packed: bool) -> None:
        self._is_packed = is_packed

    @override
    def encode_part(self, rows: Iterable[ExportedReport], *, is_first: bool) -> Iterator[bytes]:
        gathered = _gathered(line(row) for row in rows)
        return _packed(gathered) if self._is_packed else gathered

    @override
    def assemble(self, parts: Sequence[Callable[[], Iterator[bytes]]]) -> Iterator[Piece]:
        for place, read in enumerate(parts):
            for content in read():
                yield Piece(place, content)


def line(row: ExportedReport) -> bytes:
    """A report as one line of JSON, line break included."""
    head = orjson.dumps(
        {
            "id": row.id,
            "created_at": row.created_at,
            "severity": row.severity,
            "counts": {
                "pass": row.pass_count,
                "warn": row.warn_count,
                "block": row.block_count,
            },
            "inconsistencies": row.inconsistencies,
            "duplicate_of": row.duplicate_of,
            "sha256": row.sha256.hex(),
        },
        option=orjson.OPT_UTC_Z,
    )
    redaction = b"" if row.redaction is None else b',"redaction":' + row.redaction.encode()
    return b"".join((head[:-1], redaction, b',"report":', row.document, b"}\n"))


def _gathered(lines: Iterable[bytes]) -> Iterator[bytes]:
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


def _packed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib_ng.compressobj(_LEVEL, zlib_ng.DEFLATED, _GZIP)
    for piece in pieces:
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()
