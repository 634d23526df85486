"""The system's own housekeeping, of all tenants at once; needs a collector_maint login."""

from datetime import timedelta
from typing import Final

from db.session import Database

DEFAULT_AHEAD: Final = 8
DEFAULT_WIDTH: Final = timedelta(days=7)

_ENSURE: Final = "SELECT collector_ensure_partitions(%(ahead)s, %(width)s)"
_EXPIRED: Final = """
DELETE FROM idempotency_keys
 WHERE expires_at <= clock_timestamp()
   AND ctid = ANY (ARRAY(
     SELECT ctid FROM idempotency_keys WHERE expires_at <= clock_timestamp() LIMIT %(limit)s))
"""
_REPLACE_EPOCH: Final = "SELECT collector_replace_epoch()::text"


def ensure_partitions(
    database: Database, *, ahead: int = DEFAULT_AHEAD, width: timedelta = DEFAULT_WIDTH
) -> tuple[str, ...]:
    """Make the partitions of now and of the next `ahead` (4 to 104) widths; return those made."""
    with database.system_transaction() as tx:
        return tuple(row[0] for row in tx.rows(_ENSURE, {"ahead": ahead, "width": width}))


def delete_expired_idempotency_keys(database: Database, *, chunk: int = 5_000) -> int:
    """Delete keys past their 24 hours, a transaction a chunk; return how many."""
    deleted = 0
    while True:
        with database.system_transaction() as tx:
            gone = tx.changed_rows(_EXPIRED, {"limit": chunk})
        deleted += gone
        if gone < chunk:
            return deleted


def replace_epoch(database: Database) -> str:
    """Give the database a new epoch after a restore or a promotion; no ETag from before holds.

    The audit chain of `system` tells of it.
    """
    with database.system_transaction() as tx:
        row = tx.row(_REPLACE_EPOCH)
    if row is None:
        raise LookupError("The epoch's row is missing; run `collector migrate`.")
    epoch: str = row[0]
    return epoch
