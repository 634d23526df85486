"""Formats of exports: whatever the reports are, each reads back what was stored, in any parts."""

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.export_formats import Encoding, ExportedReport, encoding_of
from policies.export_formats.spreadsheet import COLUMNS, TEXT_COLUMNS

_FORMATS = [
    ("ndjson", "none"),
    ("ndjson", "gzip"),
    ("csv", "none"),
    ("csv", "gzip"),
    ("parquet", "none"),
]
# What a report's JSON may hold, and its fields: no NUL and no half of a pair.
_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
_FIELD = st.none() | st.one_of(
    _TEXT.filter(bool),
    st.sampled_from(
        ["=1+1", "'=1+1", "'", "@sum", "\u2212", "\uff1d2", "\t", "a\r\nb", '"', 'a,"b"']
    ),
)
_COUNTS = st.integers(0, 20_000)


def _document(value: Any) -> bytes:
    return json.dumps({"notes": value, "raw": None}, ensure_ascii=False).encode()


_REPORTS = st.builds(
    ExportedReport,
    id=st.uuids(),
    created_at=st.datetimes(datetime(2020, 1, 1), datetime(2099, 1, 1)).map(
        lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000, tzinfo=UTC)
    ),
    severity=st.sampled_from(["info", "warn", "block"]),
    policy_version=_FIELD,
    source=_FIELD,
    stream=_FIELD,
    pass_count=_COUNTS,
    warn_count=_COUNTS,
    block_count=_COUNTS,
    inconsistencies=_COUNTS,
    duplicate_of=st.none() | st.uuids(),
    sha256=st.binary(min_size=32, max_size=32),
    redaction=st.none() | st.just('{"share":0.5}'),
    document=st.lists(_TEXT, max_size=3).map(_document),
)
Parts = list[list[ExportedReport]]
_EMPTY: Parts = [[]]
_PARTS = st.just(_EMPTY) | st.lists(
    st.lists(_REPORTS, min_size=1, max_size=4), min_size=1, max_size=4
)


def _read(content: bytes) -> Callable[[], Iterator[bytes]]:
    """As from a store: in pieces that have nothing to do with lines."""
    return lambda: (content[start : start + 7] for start in range(0, len(content), 7))


def _parts(encoding: Encoding, parts: Sequence[Sequence[ExportedReport]]) -> list[bytes]:
    return [
        b"".join(encoding.encode_part(rows, is_first=place == 0))
        for place, rows in enumerate(parts)
    ]


def _file(encoding: Encoding, parts: Sequence[Sequence[ExportedReport]]) -> bytes:
    written = _parts(encoding, parts)
    return b"".join(piece.content for piece in encoding.assemble([_read(each) for each in written]))


def _values(row: ExportedReport) -> dict[str, Any]:
    """What every format is to tell of a report."""
    told = {name: getattr(row, name) for name in COLUMNS if name != "report"}
    told |= {"id": str(row.id), "sha256": row.sha256.hex(), "report": row.document.decode()}
    return told | {"duplicate_of": None if row.duplicate_of is None else str(row.duplicate_of)}


def _from_csv(content: bytes) -> list[dict[str, Any]]:
    text = io.StringIO(content.decode("utf-8-sig"), newline="")
    return [_from_cells(row) for row in csv.DictReader(text, strict=True)]


def _from_cells(cells: dict[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = {name: value or None for name, value in cells.items()}
    for name in TEXT_COLUMNS:
        if told[name] is not None:
            told[name] = told[name].removeprefix("'")
    for name in COLUMNS:
        if name.endswith("_count") or name == "inconsistencies":
            told[name] = int(told[name])
    return told | {"created_at": datetime.fromisoformat(told["created_at"])}


def _from_lines(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines()]


def _rows(parts: Sequence[Sequence[ExportedReport]]) -> list[ExportedReport]:
    return [row for part in parts for row in part]


@given(parts=_PARTS, packed=st.booleans())
def test_csv_reads_back_what_was_stored(parts: Parts, packed: bool) -> None:
    content = _file(encoding_of("csv", "gzip" if packed else "none"), parts)
    content = gzip.decompress(content) if packed else content
    assert _from_csv(content) == [_values(row) for row in _rows(parts)]
    assert content.count(b"\xef\xbb\xbf") >= 1
    assert content.startswith(b"\xef\xbb\xbfid,created_at,")


@given(parts=_PARTS)
def test_no_cell_of_csv_is_taken_for_a_formula(parts: Parts) -> None:
    text = io.StringIO(_file(encoding_of("csv", "none"), parts).decode("utf-8-sig"), newline="")
    cells = [cell for row in csv.reader(text, strict=True) for cell in row if cell]
    assert not [cell for cell in cells if cell[0] in "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"]


@given(parts=_PARTS)
def test_parquet_reads_back_what_was_stored_with_its_types(
    parts: Parts,
) -> None:
    table = pyarrow.parquet.read_table(io.BytesIO(_file(encoding_of("parquet", "none"), parts)))
    assert table.column_names == list(COLUMNS)
    assert table.to_pylist() == [_values(row) for row in _rows(parts)]
    assert str(table.schema.field("created_at").type) == "timestamp[ms, tz=UTC]"
    assert str(table.schema.field("pass_count").type) == "int32"


@given(parts=_PARTS, packed=st.booleans())
def test_ndjson_reads_back_what_was_stored(parts: Parts, packed: bool) -> None:
    content = _file(encoding_of("ndjson", "gzip" if packed else "none"), parts)
    told = _from_lines(gzip.decompress(content) if packed else content)
    rows = _rows(parts)
    assert [UUID(each["id"]) for each in told] == [row.id for row in rows]
    assert [each["report"] for each in told] == [json.loads(row.document) for row in rows]


@pytest.mark.parametrize(("name", "compression"), _FORMATS)
@settings(max_examples=30)
@given(parts=_PARTS)
def test_the_same_reports_make_the_same_bytes_and_pieces_in_the_order_of_their_parts(
    name: str, compression: str, parts: Parts
) -> None:
    encoding = encoding_of(name, compression)
    written = _parts(encoding, parts)
    assert _parts(encoding, parts) == written
    pieces = list(encoding.assemble([_read(each) for each in written]))
    assert list(encoding.assemble([_read(each) for each in written])) == pieces
    places = [piece.part for piece in pieces]
    assert places == sorted(places)
    assert set(places) == {place for place, content in enumerate(written) if content}


def test_large_documents_make_several_row_groups_of_one_part() -> None:
    row = ExportedReport(
        UUID(int=1),
        datetime(2026, 11, 28, tzinfo=UTC),
        *("info", None, None, None),
        *(0, 0, 0, 0),
        None,
        bytes(32),
        None,
        _document("x" * 9_000_000),
    )
    content = _file(encoding_of("parquet", "none"), [[row] * 5, [row]])
    file = pyarrow.parquet.ParquetFile(io.BytesIO(content))
    assert [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)] == [2, 2, 1, 1]
