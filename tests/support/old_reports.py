"""Reports of the past, and the partitions that they need, past the API."""

from datetime import UTC, datetime, timedelta
from typing import Final

from db import access
from tests.db.samples import BACKFILL
from tests.support.database import TestDatabase

_PARTITIONS: Final = "SELECT collector_create_partitions(%s, now(), '7 days')"
_COUNT: Final = "SELECT count(*) FROM reports WHERE tenant_id = %s"
_OLDEST: Final = "SELECT id::text FROM reports WHERE tenant_id = %s ORDER BY id LIMIT %s"


def make_past_partitions(database: TestDatabase, days: int = 120) -> None:
    database.run(access.OWNER, _PARTITIONS, (datetime.now(UTC) - timedelta(days=days),))


def store_old_reports(
    database: TestDatabase, tenant: str, count: int, *, days_old: int, over_days: int = 5
) -> None:
    """Store so many, evenly over days that end `days_old` days ago."""
    start = datetime.now(UTC) - timedelta(days=days_old + over_days)
    values = {"tenant": tenant, "count": count, "start": start, "span": timedelta(days=over_days)}
    database.run(access.OWNER, BACKFILL, values)


def count_reports(database: TestDatabase, tenant: str) -> int:
    [(count,)] = database.run(access.OWNER, _COUNT, (tenant,))
    assert isinstance(count, int)
    return count


def oldest_reports(database: TestDatabase, tenant: str, count: int) -> list[str]:
    """The ids of the oldest, in order."""
    return [str(row[0]) for row in database.run(access.OWNER, _OLDEST, (tenant, count))]
