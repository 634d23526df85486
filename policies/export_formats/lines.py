"""NDJSON: a line a report, what `GET /reports/{report_id}` answers and nothing else."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import orjson
from typing_extensions import override

from policies.export_formats.encoding import Encoding, Piece
from policies.export_formats.packing import gathered, joined, packed
from policies.export_formats.row import ExportedReport


class JsonLines(Encoding):
    """Packed, each part is a member of a gzip file, which may have any number of them."""

    def __init__(self, *, is_packed: bool) -> None:
        self._is_packed = is_packed

    @override
    def encode_part(self, rows: Iterable[ExportedReport], *, is_first: bool) -> Iterator[bytes]:
        pieces = gathered(line(row) for row in rows)
        return packed(pieces) if self._is_packed else pieces

    @override
    def assemble(self, parts: Sequence[Callable[[], Iterator[bytes]]]) -> Iterator[Piece]:
        return joined(parts)


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
