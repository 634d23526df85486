"""Holds: reports that no retention deletes, why, by whose key and since when.

Row level security picks the tenant's rows.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from db.advisory_locks import KEEP_REPORTS
from db.ids import ReportId
from db.reports import report_exists
from db.revisions import RevisionClass, bump_revision
from db.transaction import Transaction


@dataclass(frozen=True, slots=True)
class HoldRow:
    """`held_by` is the id of a key."""

    report_id: ReportId
    reason: str
    held_by: str
    held_at: datetime


_COLUMNS: Final = "report_id, reason, held_by, held_at"
# Two statements, because the second needs a snapshot younger than the lock.
_HOLD: Final = f"""
{KEEP_REPORTS};
INSERT INTO report_holds ({_COLUMNS}, tenant_id)
SELECT id, %(reason)s, %(held_by)s, clock_timestamp(), %(tenant_id)s
  FROM reports WHERE id = %(report_id)s
ON CONFLICT (tenant_id, report_id) DO UPDATE
  SET reason = excluded.reason, held_by = excluded.held_by, held_at = excluded.held_at
RETURNING {_COLUMNS}
"""  # noqa: S608 - constants
_GET: Final = f"SELECT {_COLUMNS} FROM report_holds WHERE report_id = %(report_id)s"  # noqa: S608 - constants
_LIST: Final = (
    f"SELECT {_COLUMNS} FROM report_holds"  # noqa: S608 - constants
    " WHERE %(before)s::uuid IS NULL OR report_id < %(before)s::uuid"
    " ORDER BY report_id DESC LIMIT %(limit)s"
)
_RELEASE: Final = "DELETE FROM report_holds WHERE report_id = %(report_id)s"


def hold_report(
    tx: Transaction, report_id: ReportId, *, reason: str, held_by: str
) -> HoldRow | None:
    """Keep this report from retention until the hold is released; None if there is no such report.

    A hold that is there already gets this reason, key and time. Waits for a chunk of retention
    that is being deleted, and raises LockUnavailable if that takes longer than locks may. Nothing
    is deleted from here to the end of the transaction.
    """
    parameters = {
        "tenant_id": tx.tenant_id,
        "report_id": report_id,
        "reason": reason,
        "held_by": held_by,
    }
    row = tx.row(_HOLD, parameters)
    if row is None:
        return None
    bump_revision(tx, RevisionClass.RETENTION)
    return HoldRow(*row)


def get_hold(tx: Transaction, report_id: ReportId) -> HoldRow | None:
    row = tx.row(_GET, {"report_id": report_id})
    return None if row is None else HoldRow(*row)


def list_holds(tx: Transaction, *, before: ReportId | None, limit: int) -> list[HoldRow]:
    """Holds by their reports, the newest report first, older than the report `before`."""
    return [HoldRow(*row) for row in tx.rows(_LIST, {"before": before, "limit": limit})]


def release_hold(tx: Transaction, report_id: ReportId) -> bool | None:
    """Let retention have the report again. False if it was not held, None if there is none such."""
    if tx.changed_rows(_RELEASE, {"report_id": report_id}):
        bump_revision(tx, RevisionClass.RETENTION)
        return True
    return False if report_exists(tx, report_id) else None
