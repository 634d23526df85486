"""Partitions: there before they're needed, at the right bounds, and protected each by itself."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from db import access, errors
from db.ids import TenantId
from db.maintenance import ensure_partitions
from db.reports import insert_report
from db.schema_check import check_schema
from db.session import Database
from tests.db.samples import new_report
from tests.support.database import TestDatabase

_BOUNDS = (
    "SELECT c.relname, collector_uuid7_time(b[1]::uuid) AS starts,"
    " collector_uuid7_time(b[2]::uuid) AS ends FROM pg_inherits"
    " JOIN pg_class AS c ON c.oid = inhrelid, LATERAL regexp_match("
    "pg_get_expr(relpartbound, c.oid), 'FROM \\(''(.*)''\\) TO \\(''(.*)''\\)') AS b"
    " WHERE inhparent = 'reports'::regclass ORDER BY starts"
)
_DROP_ALL = (
    "DO $$ DECLARE leaf text; BEGIN FOR leaf IN SELECT inhrelid::regclass::text FROM pg_inherits"
    " WHERE inhparent = 'reports'::regclass LOOP EXECUTE 'DROP TABLE ' || leaf; END LOOP; END $$"
)


@pytest.fixture
def bare_database(own_database: TestDatabase) -> TestDatabase:
    """A migrated database without a partition."""
    own_database.run(access.OWNER, _DROP_ALL)
    return own_database


@pytest.fixture
def maintenance(own_database: TestDatabase) -> Iterator[Database]:
    database = Database(own_database.url(access.MAINTENANCE))
    yield database
    database.close()


def _create(database: TestDatabase, starts: str, ends: str, width: str) -> list[str]:
    rows = database.run(
        access.OWNER, "SELECT collector_create_partitions(%s, %s, %s)", (starts, ends, width)
    )
    return [str(row[0]) for row in rows]


def test_a_missing_partition_has_an_error_of_its_own_and_keeps_nothing(
    bare_database: TestDatabase, maintenance: Database
) -> None:
    app = Database(bare_database.url(access.APP))
    with pytest.raises(errors.PartitionMissing), app.tenant_transaction(TenantId("a")) as tx:
        insert_report(tx, new_report())
    assert bare_database.run(access.OWNER, "SELECT count(*) FROM report_digests") == [(0,)]
    ensure_partitions(maintenance, ahead=4)
    with app.tenant_transaction(TenantId("a")) as tx:
        insert_report(tx, new_report())
    app.close()


def test_partitions_start_on_mondays_and_leave_no_gap_across_years(
    bare_database: TestDatabase,
) -> None:
    _create(bare_database, "2026-12-20 12:00+00", "2027-01-20 00:00+00", "7 days")
    rows = bare_database.run(
        access.OWNER,
        "SELECT starts, ends, extract(isodow FROM starts AT TIME ZONE 'UTC')::int"
        f" FROM ({_BOUNDS}) AS b",
    )
    assert [str(row[2]) for row in rows] == ["1"] * 6
    assert str(rows[0][0]).startswith("2026-12-14 00:00:00")
    assert str(rows[-1][1]).startswith("2027-01-25 00:00:00")
    assert [row[1] for row in rows[:-1]] == [row[0] for row in rows[1:]]


@pytest.mark.parametrize(
    ("moment", "leaf"),
    [
        ("2026-12-27 23:59:59.999999+00", "reports_p20261221_00"),
        ("2026-12-28 00:00:00+00", "reports_p20261228_00"),
        ("2026-12-31 23:59:59.999999+00", "reports_p20261228_00"),
        ("2027-01-01 00:00:00+00", "reports_p20261228_00"),
        ("2027-01-03 23:59:59.999+00", "reports_p20261228_00"),
        ("2027-01-04 00:00:00.000001+00", "reports_p20270104_00"),
    ],
)
def test_a_report_lies_in_the_partition_of_its_week(
    bare_database: TestDatabase, moment: str, leaf: str
) -> None:
    _create(bare_database, "2026-12-21 00:00+00", "2027-01-05 00:00+00", "7 days")
    rows = bare_database.run(
        access.OWNER,
        "INSERT INTO reports (tenant_id, id, created_at, severity, pass_count, warn_count,"
        " block_count, inconsistencies, sha256, key_id, request_id, document) SELECT 'a', id,"
        " collector_uuid7_time(id), 'info', 0, 0, 0, 0, sha256(''), 'k', 'r', '{}'"
        " FROM (SELECT collector_uuid7(%s::timestamptz) AS id) AS made"
        " RETURNING tableoid::regclass::text",
        (moment,),
    )
    assert rows == [(leaf,)]


def test_ensuring_again_makes_nothing_and_reaches_as_far_as_asked(
    own_database: TestDatabase, maintenance: Database
) -> None:
    assert ensure_partitions(maintenance, ahead=8) == ()
    assert len(ensure_partitions(maintenance, ahead=10)) == 2
    reach = own_database.run(
        access.OWNER, f"SELECT max(ends) >= now() + interval '70 days' FROM ({_BOUNDS}) AS b"
    )
    assert reach == [(True,)]


def test_another_width_goes_on_where_the_old_one_ends(
    own_database: TestDatabase, maintenance: Database
) -> None:
    made = ensure_partitions(maintenance, ahead=80, width=timedelta(days=1))
    rows = own_database.run(access.OWNER, _BOUNDS)
    assert made
    assert [row[2] for row in rows[:-1]] == [row[1] for row in rows[1:]]
    assert check_schema(own_database.url(access.OWNER)) == ()


def test_a_gap_is_filled_to_the_leaf_behind_it(bare_database: TestDatabase) -> None:
    _create(bare_database, "2026-06-03 00:00+00", "2026-06-04 00:00+00", "1 day")
    made = _create(bare_database, "2026-06-01 00:00+00", "2026-06-09 00:00+00", "7 days")
    assert made == ["reports_p20260601_00", "reports_p20260604_00", "reports_p20260608_00"]


def test_concurrent_callers_make_each_partition_once(bare_database: TestDatabase) -> None:
    def ensure(_: int) -> int:
        database = Database(bare_database.url(access.MAINTENANCE), pool_size=1)
        try:
            return len(ensure_partitions(database, ahead=6))
        finally:
            database.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(ensure, range(4))) == [0, 0, 0, 7]


@pytest.mark.parametrize(
    ("ahead", "width"),
    [
        (3, timedelta(days=7)),
        (105, timedelta(days=7)),
        (8, timedelta(minutes=30)),
        (8, timedelta(hours=1, minutes=30)),
        (8, timedelta(days=367)),
        (8, timedelta(0)),
        (8, timedelta(days=-7)),
    ],
)
def test_partitions_too_few_too_many_or_of_an_odd_width_are_refused(
    maintenance: Database, ahead: int, width: timedelta
) -> None:
    with pytest.raises(errors.DatabaseError) as caught:
        ensure_partitions(maintenance, ahead=ahead, width=width)
    assert caught.value.sqlstate == "22023"


def test_a_new_leaf_is_protected_like_the_first(
    own_database: TestDatabase, maintenance: Database
) -> None:
    ensure_partitions(maintenance, ahead=20)
    assert check_schema(own_database.url(access.OWNER)) == ()
