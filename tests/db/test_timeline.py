"""The timeline counts each report once, in the bucket of its millisecond."""

from datetime import UTC, datetime, timedelta

from db import access
from db.ids import TenantId
from db.reports import insert_report
from db.session import Database
from db.timeline import BucketRow, count_by_bucket
from tests.db.samples import BACKFILL, new_report
from tests.support.database import TestDatabase


def test_each_report_is_counted_once_in_its_bucket(own_database: TestDatabase) -> None:
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    own_database.run(
        access.OWNER,
        "SELECT collector_create_partitions(%s, now(), '7 days')",
        (start,),
    )
    own_database.run(
        access.OWNER,
        BACKFILL,
        {"tenant": "a", "count": 100, "start": start, "span": timedelta(hours=1)},
    )
    database = Database(own_database.url(access.APP))
    with database.tenant_transaction(TenantId("a"), read_only=True) as tx:
        halves = count_by_bucket(tx, start, start + timedelta(hours=4), timedelta(minutes=30))
        nothing = count_by_bucket(tx, start, start, timedelta(minutes=30))
    database.close()
    # Report n of 100 is of start + n hundredths of an hour: n = 1-49, 50-99 and 100.
    minutes = timedelta(minutes=30)
    assert halves == [
        BucketRow(start, info=42, warn=7, block=0),
        BucketRow(start + minutes, info=42, warn=7, block=1),
        BucketRow(start + 2 * minutes, info=0, warn=0, block=1),
    ]
    assert nothing == []


def test_a_report_just_stored_shows_in_the_next_answer(app: Database, tenant: TenantId) -> None:
    with app.tenant_transaction(tenant) as tx:
        moment = insert_report(tx, new_report("block")).created_at
    with app.tenant_transaction(tenant, read_only=True) as tx:
        counted = count_by_bucket(
            tx, moment, moment + timedelta(milliseconds=1), timedelta(minutes=1)
        )
    assert counted == [BucketRow(moment, info=0, warn=0, block=1)]
