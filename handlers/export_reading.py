"""The reports of an export as its encoding takes them, from the database in chunks.

Where a part ends depends on the reports alone, so that whoever writes it again ends it there too.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Self
from uuid import UUID

from db.export_rows import ExportedRow, before_first, read_chunk
from db.exports import ExportRow
from db.ids import ReportId, TenantId
from db.session import Database
from handlers.errors import RawUnreadable
from handlers.sealing import RawSealer, with_raw
from policies.export_formats import ExportedReport

PART_ROWS: Final = 50_000
PART_BYTES: Final = 256 * 1024 * 1024

Look = Callable[[int], None]


class ReportReader:
    """Hands out an export's reports after `last_id`, part by part; each report once.

    Use it with `with`: a thread reads the next chunk while this one is encoded.
    """

    def __init__(
        self,
        database: Database,
        sealer: RawSealer | None,
        tenant_id: TenantId,
        export: ExportRow,
        last_id: UUID | None,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._tenant_id = tenant_id
        self._export = export
        self._chunk: Iterator[ExportedRow] = iter(())
        self._next: ExportedRow | None = None
        self._at_end = False
        self._ahead = ThreadPoolExecutor(1, thread_name_prefix="export-reader")
        self._coming = self._ahead.submit(self._read_after, last_id or before_first(export))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ahead.shutdown(cancel_futures=True)

    def has_more(self) -> bool:
        return self._peek() is not None

    def part(self, look: Look) -> "PartRows":
        """The next part, of which nothing is read yet. `look` is called with each of its rows."""
        return PartRows(self, look)

    def take(self) -> ExportedReport | None:
        """The next report, None at the end. Raises RawUnreadable."""
        row, self._next = self._peek(), None
        return None if row is None else self._exported(row)

    def _peek(self) -> ExportedRow | None:
        if self._next is None and not self._at_end:
            self._next = next(self._chunk, None)
            if self._next is None:
                self._begin_chunk()
        return self._next

    def _begin_chunk(self) -> None:
        rows = self._coming.result()
        if not rows:
            self._at_end = True
            return
        self._coming = self._ahead.submit(self._read_after, rows[-1].id)
        self._chunk = iter(rows)
        self._next = next(self._chunk)

    def _read_after(self, after: UUID) -> list[ExportedRow]:
        with self._database.tenant_transaction(self._tenant_id, read_only=True) as tx:
            return read_chunk(tx, self._export, after)

    def _exported(self, row: ExportedRow) -> ExportedReport:
        document = row.document.encode()
        if row.raw_kid is not None and row.raw_sealed is not None:
            raw = self._opened(row.id, row.raw_kid, bytes(row.raw_sealed))
            document = with_raw(document, raw)
        return ExportedReport(*row[:11], bytes(row.sha256), row.redaction, document)

    def _opened(self, report_id: ReportId, kid: str, sealed: bytes) -> bytes:
        if self._sealer is None:
            raise RawUnreadable(report_id, kid, "ENCRYPTION_KEYS is not set")
        return self._sealer.open(self._tenant_id, report_id, kid, sealed)


class PartRows:
    """The reports of one part, to be gone through once; then `records` and `last_id` are known."""

    def __init__(self, reader: ReportReader, look: Look) -> None:
        self._reader = reader
        self._look = look
        self.records = 0
        self.last_id: UUID | None = None

    def __iter__(self) -> Iterator[ExportedReport]:
        size = 0
        while self.records < PART_ROWS and size < PART_BYTES:
            report = self._reader.take()
            if report is None:
                return
            size += len(report.document)
            self.records += 1
            self.last_id = report.id
            yield report
            if self.records % 500 == 0:
                self._look(self.records)
