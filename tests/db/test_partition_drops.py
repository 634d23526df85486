"""Dropping emptied partitions: only those that nobody needs, and in nobody's way."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from db import access, errors
from db.ids import TenantId, first_id_at
from db.leases import take_lease
from db.partition_drops import drop_partition, empty_partitions
from db.reports import ReportFilters, insert_report, list_reports
from db.session import Database
from tests.db.samples import new_report
from tests.e2e.service_process import wait_until
from tests.support.database import TestDatabase
from tests.support.old_reports import make_past_partitions, store_old_reports

_LEAVES = (
    "SELECT inhrelid::regclass::text FROM pg_inherits"
    " WHERE inhparent = 'reports'::regclass ORDER BY 1"
)
_TENANT = TenantId("acme")


@pytest.fixture
def maintenance(own_database: TestDatabase) -> Iterator[Database]:
    make_past_partitions(own_database)
    database = Database(own_database.url(access.MAINTENANCE))
    yield database
    database.close()


def _leaves(database: TestDatabase) -> list[str]:
    return [str(leaf) for (leaf,) in database.run(access.OWNER, _LEAVES)]


def _days_ago(days: int) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


def test_empty_partitions_of_the_past_are_found_and_dropped_and_no_others(
    own_database: TestDatabase, maintenance: Database
) -> None:
    store_old_reports(own_database, _TENANT, 5, days_old=60, over_days=1)
    before, older_than = _leaves(own_database), _days_ago(30)
    found = empty_partitions(maintenance, older_than)
    assert 9 <= len(found) < len(before) - 9
    assert all(drop_partition(maintenance, leaf, older_than) for leaf in found)
    assert _leaves(own_database) == [leaf for leaf in before if leaf not in found]
    assert empty_partitions(maintenance, older_than) == []
    [(left,)] = own_database.run(access.OWNER, "SELECT count(*) FROM reports")
    assert left == 5


def test_partition_that_is_not_empty_any_more_is_not_dropped(
    own_database: TestDatabase, maintenance: Database
) -> None:
    older_than = _days_ago(30)
    found = empty_partitions(maintenance, older_than)
    store_old_reports(own_database, _TENANT, 50, days_old=31, over_days=60)
    full = [leaf for leaf in found if not drop_partition(maintenance, leaf, older_than)]
    assert len(full) > 5
    [(left,)] = own_database.run(access.OWNER, "SELECT count(*) FROM reports")
    assert left == 50


def test_partition_that_a_lease_covers_is_not_dropped(
    own_database: TestDatabase, maintenance: Database
) -> None:
    older_than = _days_ago(30)
    leaf = empty_partitions(maintenance, older_than)[0]
    first, last = first_id_at(_days_ago(3000)), first_id_at(_days_ago(30))
    app = Database(own_database.url(access.APP))
    with app.tenant_transaction(_TENANT) as tx:
        take_lease(tx, first, "export", first, last, 60)
    app.close()
    assert not drop_partition(maintenance, leaf, older_than)
    own_database.run(access.OWNER, "UPDATE report_leases SET expires_at = now()")
    assert drop_partition(maintenance, leaf, older_than)


def test_partition_of_the_present_is_not_dropped_whatever_is_asked(
    own_database: TestDatabase, maintenance: Database
) -> None:
    present = _leaves(own_database)[-1]
    assert not drop_partition(maintenance, present, _days_ago(2))
    with pytest.raises(errors.DatabaseError):
        drop_partition(maintenance, present, datetime.now(UTC))
    assert not drop_partition(maintenance, "audit_entries", _days_ago(2))
    assert not drop_partition(maintenance, 'no"such', _days_ago(2))


def test_drop_gives_way_to_an_open_reader_and_ingest_does_not_queue_behind_it(
    own_database: TestDatabase, maintenance: Database
) -> None:
    older_than = _days_ago(30)
    leaf = empty_partitions(maintenance, older_than)[0]
    app = Database(own_database.url(access.APP))
    stored, ended = [], threading.Event()

    def ingest() -> None:
        while not ended.is_set():
            with app.tenant_transaction(_TENANT) as tx:
                stored.append(insert_report(tx, new_report()))

    thread = threading.Thread(target=ingest)
    with app.tenant_transaction(_TENANT, read_only=True) as reading:
        list_reports(reading, ReportFilters(), after=None, limit=5)
        thread.start()
        for _ in range(5):
            before = len(stored)
            with pytest.raises(errors.LockUnavailable):
                drop_partition(maintenance, leaf, older_than)
            # Who queued behind the try goes on, while the reader still reads.
            wait_until(lambda was=before: len(stored) > was, "a report to be stored")  # type: ignore[misc]
        assert list_reports(reading, ReportFilters(), after=None, limit=5) == []
    assert drop_partition(maintenance, leaf, older_than)
    ended.set()
    thread.join(30)
    app.close()
    assert leaf not in _leaves(own_database)
