"""Finds partitions of reports that are empty for good, and drops them, as collector_maint.

A drop waits for nobody: what stands in its way is told by LockUnavailable, to try again later.
"""

from datetime import datetime
from typing import Final

from db.session import Database

# A partition's bounds are ids. The parent is asked for its rows, as nobody may read a leaf.
_EMPTY: Final = """
SELECT leaf FROM (
  SELECT pg_class.relname::text AS leaf, ends_of[1]::uuid AS lower_id, ends_of[2]::uuid AS upper_id
    FROM pg_inherits
    JOIN pg_class ON pg_class.oid = pg_inherits.inhrelid
   CROSS JOIN regexp_match(
     pg_get_expr(relpartbound, pg_class.oid),
     $re$FROM \\('([0-9a-f-]+)'\\) TO \\('([0-9a-f-]+)'\\)$re$) AS ends_of
   WHERE inhparent = 'public.reports'::regclass
) AS leaves
 WHERE collector_uuid7_time(upper_id) <= %(older_than)s
   AND NOT EXISTS (SELECT FROM reports WHERE id >= lower_id AND id < upper_id)
 ORDER BY leaf
"""
_DROP: Final = "SELECT collector_drop_partition(%(leaf)s, %(older_than)s)"


def empty_partitions(database: Database, older_than: datetime) -> list[str]:
    """Partitions that end before this moment and hold no report, the oldest first."""
    with database.system_transaction(read_only=True) as tx:
        return [row[0] for row in tx.rows(_EMPTY, {"older_than": older_than})]


def drop_partition(database: Database, leaf: str, older_than: datetime) -> bool:
    """Drop a partition if it still is empty, ended before this moment, and nobody needs it.

    Raises LockUnavailable after a twentieth of a second if somebody reads or writes reports for
    that long; meanwhile others that come wait. `older_than` is a day ago at the latest.
    """
    with database.system_transaction() as tx:
        row = tx.row(_DROP, {"leaf": leaf, "older_than": older_than})
    return bool(row and row[0])
