"""CSV for spreadsheets: a row a report, what `GET /reports/{report_id}` answers in columns.

As RFC 4180 has it: UTF-8, CRLF, quotes doubled. A byte order mark tells spreadsheets that it is
UTF-8. An empty cell is one without a value; no text is empty. What senders chose and a spreadsheet
could take for a formula has an apostrophe before it, and so has what begins with one itself: who
takes one apostrophe from the beginning of a cell of TEXT_COLUMNS has the text that was sent.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import orjson
from typing_extensions import override

from policies.export_formats.encoding import Encoding, Piece
from policies.export_formats.packing import gathered, joined, packed
from policies.export_formats.row import ExportedReport

COLUMNS: Final = (
    "id",
    "created_at",
    "severity",
    "policy_version",
    "source",
    "stream",
    "pass_count",
    "warn_count",
    "block_count",
    "inconsistencies",
    "duplicate_of",
    "sha256",
    "redaction",
    "report",
)
TEXT_COLUMNS: Final = ("policy_version", "source", "stream")
"""The others begin with a digit, a letter or a brace, whatever was sent."""

# After OWASP's list, with the full-width forms that some spreadsheets read alike. The apostrophe
# because one that was sent must not be taken for ours.
_DEFUSED: Final = (*"=+-@\t\r\n\uff1d\uff0b\uff0d\uff20", "'")
_QUOTED: Final = frozenset('",\r\n')
_MARK: Final = "\N{ZERO WIDTH NO-BREAK SPACE}".encode()
_HEAD: Final = _MARK + ",".join(COLUMNS).encode() + b"\r\n"


class Csv(Encoding):
    """Packed, each part is a member of a gzip file, which may have any number of them."""

    def __init__(self, *, is_packed: bool) -> None:
        self._is_packed = is_packed

    @override
    def encode_part(self, rows: Iterable[ExportedReport], *, is_first: bool) -> Iterator[bytes]:
        pieces = gathered(_lines(rows, has_head=is_first))
        return packed(pieces) if self._is_packed else pieces

    @override
    def assemble(self, parts: Sequence[Callable[[], Iterator[bytes]]]) -> Iterator[Piece]:
        return joined(parts)


def _lines(rows: Iterable[ExportedReport], *, has_head: bool) -> Iterator[bytes]:
    if has_head:
        yield _HEAD
    for row in rows:
        yield line(row)


def line(row: ExportedReport) -> bytes:
    """A report as one row, line break included."""
    # As the API writes it.
    created_at = orjson.dumps(row.created_at, option=orjson.OPT_UTC_Z)
    words = (
        f",{row.severity},{_text(row.policy_version)},{_text(row.source)},{_text(row.stream)},"
        f"{row.pass_count},{row.warn_count},{row.block_count},{row.inconsistencies},"
        f"{row.duplicate_of or ''},{row.sha256.hex()},"
    )
    redaction = b"" if row.redaction is None else _json(row.redaction.encode())
    return b"".join(
        (
            str(row.id).encode(),
            b",",
            created_at[1:-1],
            words.encode(),
            redaction,
            b",",
            _json(row.document),
            b"\r\n",
        )
    )


def _text(value: str | None) -> str:
    if value is None:
        return ""
    if value.startswith(_DEFUSED):
        value = "'" + value
    if _QUOTED.isdisjoint(value):
        return value
    return '"' + value.replace('"', '""') + '"'


def _json(text: bytes) -> bytes:
    return b'"' + text.replace(b'"', b'""') + b'"'
