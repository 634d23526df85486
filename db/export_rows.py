"""Reads the reports of an export, a chunk at a time, oldest first; each in a short transaction.

Row level security picks the tenant's rows.
"""

from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from db.exports import ExportRow
from db.ids import ReportId
from db.transaction import Transaction


class ExportedRow(NamedTuple):
    """A report as an export reads it; `sha256` and `raw_sealed` as the driver hands them out.

    Where `raw_kid` is given, `raw_sealed` is what the document's `"raw":null` stands for.
    """

    id: ReportId
    created_at: datetime
    severity: str
    policy_version: str | None
    source: str | None
    stream: str | None
    pass_count: int
    warn_count: int
    block_count: int
    inconsistencies: int
    duplicate_of: ReportId | None
    sha256: memoryview
    redaction: str | None
    document: str
    raw_kid: str | None
    raw_sealed: memoryview | None


# A chunk is bounded by what its reports come to in memory. Of a text that is stored compressed the
# size is not known without unpacking it, so it counts as the most that it can be.
_THROUGH: Final = """
SELECT id FROM (
  SELECT id, sum(weight) OVER (ORDER BY id) - weight AS before FROM (
    SELECT id, {raw_weight}
             + CASE WHEN pg_column_compression(document) IS NULL
                    THEN pg_column_size(document)
                    ELSE least(pg_column_size(document) * 100::bigint, %(largest)s) END AS weight
      FROM reports
     WHERE id > %(after)s AND id < %(end_id)s {severities}
     ORDER BY id LIMIT %(limit)s) AS weighed) AS summed
 WHERE before < %(budget)s ORDER BY id DESC LIMIT 1
"""
_CHUNK: Final = """
SELECT id, created_at, severity, policy_version, source, stream, pass_count, warn_count,
       block_count, inconsistencies, duplicate_of, sha256, redaction::text, document::text, {raw}
  FROM reports
 WHERE id > %(after)s AND id <= %(through)s {severities}
 ORDER BY id
"""
_ALL: Final = ("info", "warn", "block")
_ROWS: Final = 5_000
_BUDGET_BYTES: Final = 16 * 1024 * 1024
# A report has at most 10 MiB.
_LARGEST_BYTES: Final = 11 * 1024 * 1024


def before_first(export: ExportRow) -> UUID:
    """The id that the reports of an export come after."""
    return UUID(int=max(export.first_id.int - 1, 0))


def read_chunk(
    tx: Transaction,
    export: ExportRow,
    after: UUID,
    *,
    rows: int = _ROWS,
    budget: int = _BUDGET_BYTES,
) -> list[ExportedRow]:
    """The next reports of an export after this id; none at its end.

    At most `rows`, and in memory about `budget` bytes or a single report. Sealed raw comes along
    only where the export is to have it. Wants a read-only transaction, whose two statements see one
    snapshot.
    """
    asked = {
        "after": after,
        "end_id": export.end_id,
        "severities": list(export.severities),
        "limit": rows,
        "budget": budget,
        "largest": _LARGEST_BYTES,
    }
    through = tx.row(_sql(_THROUGH, export), asked)
    if through is None:
        return []
    found = tx.rows(_sql(_CHUNK, export), {**asked, "through": through[0]})
    return [ExportedRow._make(row) for row in found]


def _sql(text: str, export: ExportRow) -> str:
    """Without a condition that all reports meet: it would lead the planner to sort them."""
    every = export.severities == _ALL
    with_raw = export.include_raw
    return text.format(
        severities="" if every else "AND severity = ANY (%(severities)s)",
        raw="raw_kid, raw_sealed" if with_raw else "NULL::text, NULL::bytea",
        raw_weight="coalesce(pg_column_size(raw_sealed), 0)" if with_raw else "0",
    )
