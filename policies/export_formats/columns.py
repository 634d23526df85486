"""Parquet: a row a report, what `GET /reports/{report_id}` answers in typed columns.

`created_at` is a timestamp of milliseconds in UTC, counts are 32-bit integers, ids and digests are
text as in the API, `redaction` and `report` are JSON text. A part is a Parquet file of its own;
the whole is one file of their row groups.
"""

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any, Final

from typing_extensions import override

from policies.export_formats.encoding import Encoding, Piece
from policies.export_formats.row import ExportedReport

# Rows of a group are all in memory as they are written, and for a merge.
_GROUP_ROWS: Final = 50_000
_GROUP_BYTES: Final = 16 * 1024 * 1024
# Turned into columns while the rows behind them are still being read.
_BATCH_ROWS: Final = 500


class Parquet(Encoding):
    @override
    def encode_part(self, rows: Iterable[ExportedReport], *, is_first: bool) -> Iterator[bytes]:
        file = _File()
        for group in _groups(rows):
            file.write(group)
            yield file.taken()
        yield file.finished()

    @override
    def assemble(self, parts: Sequence[Callable[[], Iterator[bytes]]]) -> Iterator[Piece]:
        """A part's compressed bytes are in memory, and one of its row groups."""
        import pyarrow.parquet  # takes a second, and no one but a worker needs it

        file = _File()
        for place, read in enumerate(parts):
            part = pyarrow.parquet.ParquetFile(io.BytesIO(b"".join(read())))
            for number in range(part.num_row_groups):
                file.write(part.read_row_group(number, use_threads=False))
                yield Piece(place, file.taken())
        yield Piece(len(parts) - 1, file.finished())


class _File:
    """A Parquet file that is taken away as it is written."""

    def __init__(self) -> None:
        import pyarrow.parquet  # as above

        self._written = io.BytesIO()
        self._writer: Any = pyarrow.parquet.ParquetWriter(
            _Sink(self._written),
            _schema(),
            compression="zstd",
            compression_level=1,
            # What repeats from report to report; ids, digests and documents never do.
            use_dictionary=["severity", "policy_version", "source", "stream"],
            write_statistics=["id", "created_at", "severity", "policy_version", "source", "stream"],
            store_schema=False,
        )

    def write(self, table: Any) -> None:
        """As one row group."""
        self._writer.write_table(table, row_group_size=max(1, table.num_rows))

    def taken(self) -> bytes:
        """What was written since this was last asked for."""
        content = self._written.getvalue()
        self._written.seek(0)
        self._written.truncate()
        return content

    def finished(self) -> bytes:
        self._writer.close()
        return self.taken()


class _Sink(io.RawIOBase):
    """Knows its place in the whole file, of which the buffer has but the end."""

    def __init__(self, buffer: io.BytesIO) -> None:
        self._buffer = buffer
        self._place = 0

    @override
    def writable(self) -> bool:
        return True

    @override
    def tell(self) -> int:
        return self._place

    @override
    def write(self, content: Any, /) -> int:
        size = self._buffer.write(content)
        self._place += size
        return size


def _groups(rows: Iterable[ExportedReport]) -> Iterator[Any]:
    """Tables that are row groups."""
    import pyarrow  # as above

    batches: list[Any] = []
    count = size = 0
    for batch in _batches(rows):
        batches.append(_record_batch(batch))
        count += len(batch)
        size += sum(len(row.document) for row in batch)
        if count >= _GROUP_ROWS or size >= _GROUP_BYTES:
            yield pyarrow.Table.from_batches(batches)
            batches, count, size = [], 0, 0
    if batches:
        yield pyarrow.Table.from_batches(batches)


def _batches(rows: Iterable[ExportedReport]) -> Iterator[list[ExportedReport]]:
    batch: list[ExportedReport] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += len(row.document)
        if len(batch) >= _BATCH_ROWS or size >= _GROUP_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _record_batch(rows: Sequence[ExportedReport]) -> Any:
    import pyarrow  # as above

    (
        ids,
        created_at,
        severity,
        policy_version,
        source,
        stream,
        pass_count,
        warn_count,
        block_count,
        inconsistencies,
        duplicate_of,
        sha256,
        redaction,
        document,
    ) = zip(*rows, strict=True)
    columns = (
        [str(each) for each in ids],
        created_at,
        severity,
        policy_version,
        source,
        stream,
        pass_count,
        warn_count,
        block_count,
        inconsistencies,
        [None if each is None else str(each) for each in duplicate_of],
        [each.hex() for each in sha256],
        redaction,
        document,
    )
    schema = _schema()
    arrays = [
        pyarrow.array(values, field.type) for values, field in zip(columns, schema, strict=True)
    ]
    return pyarrow.RecordBatch.from_arrays(arrays, schema=schema)


@cache
def _schema() -> Any:
    import pyarrow as pa  # as above

    text, count = pa.string(), pa.int32()
    return pa.schema(
        [
            pa.field("id", text, nullable=False),
            pa.field("created_at", pa.timestamp("ms", tz="UTC"), nullable=False),
            pa.field("severity", text, nullable=False),
            pa.field("policy_version", text),
            pa.field("source", text),
            pa.field("stream", text),
            pa.field("pass_count", count, nullable=False),
            pa.field("warn_count", count, nullable=False),
            pa.field("block_count", count, nullable=False),
            pa.field("inconsistencies", count, nullable=False),
            pa.field("duplicate_of", text),
            pa.field("sha256", text, nullable=False),
            pa.field("redaction", text),
            pa.field("report", text, nullable=False),
        ]
    )
