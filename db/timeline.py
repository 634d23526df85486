"""Counts of reports by bucket of time and severity. Fills no gaps: the caller knows the window."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from db.ids import first_id_at
from db.transaction import Transaction


@dataclass(frozen=True, slots=True)
class BucketRow:
    """Reports from `start` for the bucket's length, by severity."""

    start: datetime
    info: int
    warn: int
    block: int


# Counted from the primary key's payload alone, without reading a report.
_COUNT: Final = """
SELECT date_bin(%(bucket)s, created_at, %(start)s) AS bucket_start,
       count(*) FILTER (WHERE severity = 'info'),
       count(*) FILTER (WHERE severity = 'warn'),
       count(*) FILTER (WHERE severity = 'block')
  FROM reports
 WHERE id >= %(first)s AND id < %(end)s
 GROUP BY bucket_start ORDER BY bucket_start
"""


def count_by_bucket(
    tx: Transaction, start: datetime, end: datetime, bucket: timedelta
) -> list[BucketRow]:
    """Count reports of start ≤ created_at < end in buckets from `start` on, oldest first.

    Buckets without a report are left out.
    """
    rows = tx.rows(
        _COUNT,
        {
            "bucket": bucket,
            "start": start,
            "first": first_id_at(start),
            "end": first_id_at(end),
        },
    )
    return [BucketRow(*row) for row in rows]
