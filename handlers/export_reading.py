"""The reports of an export as its encoding takes them, from the database in chunks.

Where a part ends depends on the reports alone, so that whoever writes it again ends it there too.
"""

from collections.abc import Callable, Iterator
from typing import Final
from uuid import UUID

from db.export_rows import before_first, read_chunk
from db.exports import ExportRow
from db.ids import TenantId
from db.reports import ReportRow
from db.session import Database
from handlers.sealing import RawSealer, opened_text
from policies.export_formats import ExportedReport

PART_ROWS: Final = 50_000
PART_BYTES: Final = 256 * 1024 * 1024

Look = Callable[[int], None]


class ReportReader:
    """Hands out an export's reports after `last_id`, part by part; each report once."""

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
        self._after = before_first(export) if last_id is None else last_id
        self._chunk: Iterator[ReportRow] = iter(())
        self._next: ReportRow | None = None
        self._at_end = False

    def has_more(self) -> bool:
        return self._peek() is not None

    def part(self, look: Look) -> "PartRows":
        """The next part, of which nothing is read yet. `look` is called with each of its rows."""
        return PartRows(self, look)

    def take(self) -> ExportedReport | None:
        """The next report, None at the end. Raises RawUnreadable."""
        row, self._next = self._peek(), None
        return None if row is None else self._exported(row)

    def _peek(self) -> ReportRow | None:
        if self._next is None and not self._at_end:
            self._next = next(self._chunk, None)
            if self._next is None:
                self._read()
        return self._next

    def _read(self) -> None:
        with self._database.tenant_transaction(self._tenant_id, read_only=True) as tx:
            rows = read_chunk(tx, self._export, self._after)
        if not rows:
            self._at_end = True
            return
        self._after = rows[-1].id
        self._chunk = iter(rows)
        self._next = next(self._chunk)

    def _exported(self, row: ReportRow) -> ExportedReport:
        if self._export.include_raw:
            document = opened_text(self._sealer, self._tenant_id, row)
        else:
            document = row.document.encode()
        return ExportedReport(
            row.id,
            row.created_at,
            row.severity,
            row.policy_version,
            row.source,
            row.stream,
            row.pass_count,
            row.warn_count,
            row.block_count,
            row.inconsistencies,
            row.duplicate_of,
            row.sha256,
            row.redaction,
            document,
        )


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
