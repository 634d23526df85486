"""Reads the reports of an export, a chunk at a time, oldest first; each in a short transaction.

Row level security picks the tenant's rows.
"""

from typing import Final
from uuid import UUID

from db.exports import ExportRow
from db.reports import ReportRow
from db.rows import with_bytes
from db.transaction import Transaction

# A chunk is bounded by what its reports come to in memory. Of a text that is stored compressed the
# size is not known without unpacking it, so it counts as the most that it can be.
_THROUGH: Final = """
SELECT id FROM (
  SELECT id, sum(weight) OVER (ORDER BY id) - weight AS before FROM (
    SELECT id, coalesce(pg_column_size(raw_sealed), 0)
             + CASE WHEN pg_column_compression(document) IS NULL
                    THEN pg_column_size(document)
                    ELSE least(pg_column_size(document) * 100::bigint, %(largest)s) END AS weight
      FROM reports
     WHERE id > %(after)s AND id < %(end_id)s AND severity = ANY (%(severities)s)
     ORDER BY id LIMIT %(limit)s) AS weighed) AS summed
 WHERE before < %(budget)s ORDER BY id DESC LIMIT 1
"""
_CHUNK: Final = """
SELECT id, created_at, severity, policy_version, source, stream, pass_count, warn_count,
       block_count, inconsistencies, duplicate_of, sha256, original_digest, key_id, request_id,
       document::text, raw_kid, raw_sealed, redaction::text
  FROM reports
 WHERE id > %(after)s AND id <= %(through)s AND severity = ANY (%(severities)s)
 ORDER BY id
"""
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
) -> list[ReportRow]:
    """The next reports of an export after this id; none at its end.

    At most `rows`, and in memory about `budget` bytes or a single report. Wants a read-only
    transaction, whose two statements see one snapshot.
    """
    asked = {
        "after": after,
        "end_id": export.end_id,
        "severities": list(export.severities),
        "limit": rows,
        "budget": budget,
        "largest": _LARGEST_BYTES,
    }
    through = tx.row(_THROUGH, asked)
    if through is None:
        return []
    found = tx.rows(_CHUNK, {**asked, "through": through[0]})
    return [ReportRow(*with_bytes(row)) for row in found]
