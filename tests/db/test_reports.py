"""Reports: what comes back is what went in, duplicates are named, and pages miss nothing."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from db import access
from db.ids import ReportId, TenantId, first_id_at, moment_of
from db.reports import (
    InsertedReport,
    NewReport,
    ReportContent,
    ReportFilters,
    ReportSummaryRow,
    SealedRaw,
    count_reports,
    get_report,
    insert_report,
    list_reports,
)
from db.session import Database
from tests.db.samples import BACKFILL, new_report
from tests.support.database import TestDatabase
from tests.support.service import KEYRING

_ANY = ReportFilters()


def _insert(app: Database, tenant: TenantId, new: NewReport) -> InsertedReport:
    with app.tenant_transaction(tenant) as tx:
        return insert_report(tx, new)


def _list(
    app: Database,
    tenant: TenantId,
    filters: ReportFilters = _ANY,
    *,
    after: UUID | None = None,
    limit: int = 100,
) -> list[ReportSummaryRow]:
    with app.tenant_transaction(tenant, read_only=True) as tx:
        return list_reports(tx, filters, after=after, limit=limit)


def test_a_report_comes_back_as_it_was_stored_byte_for_byte(
    app: Database, tenant: TenantId
) -> None:
    document = '{"b": 1.10, "a": 1e2, "b": 2,  "text": "\\u0000 é"}'
    content = ReportContent(
        severity="warn",
        policy_version="2026.11",
        source="sarif",
        stream="a/b",
        pass_count=1,
        warn_count=2,
        block_count=3,
        inconsistencies=4,
        sha256=b"\0" * 32,
        redaction='{"counts": {"email": 2}, "share": 0.10}',
        document=document,
    )
    raw = SealedRaw(KEYRING.newest, bytes(range(256)))
    new = NewReport(content, "k1:00ff", "key-1", "request-1", raw)
    inserted = _insert(app, tenant, new)
    with app.tenant_transaction(tenant, read_only=True) as tx:
        row = get_report(tx, inserted.id)
    assert row is not None
    for name in ReportContent._fields:
        assert getattr(row, name) == getattr(content, name)
    assert (row.original_digest, row.key_id, row.request_id) == ("k1:00ff", "key-1", "request-1")
    assert (row.raw_kid, row.raw_sealed) == ("test1", bytes(range(256)))
    assert (row.id, row.created_at, row.duplicate_of) == (
        inserted.id,
        inserted.created_at,
        None,
    )


def test_the_id_is_a_uuid7_of_the_row_s_millisecond(app: Database, tenant: TenantId) -> None:
    before = datetime.now(UTC) - timedelta(seconds=5)
    inserted = _insert(app, tenant, new_report())
    assert inserted.id.version == 7
    assert inserted.id.variant == "specified in RFC 4122"
    assert moment_of(inserted.id) == inserted.created_at
    assert before < inserted.created_at < before + timedelta(seconds=30)


def test_another_tenants_report_is_as_absent_as_none(
    app: Database, tenant: TenantId, other_tenant: TenantId
) -> None:
    inserted = _insert(app, tenant, new_report())
    with app.tenant_transaction(other_tenant, read_only=True) as tx:
        assert get_report(tx, inserted.id) is None
        assert get_report(tx, ReportId(UUID(int=0))) is None
        assert get_report(tx, ReportId(UUID(int=2**128 - 1))) is None


def test_a_duplicate_names_the_newest_report_with_its_content(
    app: Database, tenant: TenantId, other_tenant: TenantId
) -> None:
    same = new_report()
    first, second, third = (_insert(app, tenant, same) for _ in range(3))
    assert (first.duplicate_of, second.duplicate_of, third.duplicate_of) == (
        None,
        first.id,
        second.id,
    )
    assert _insert(app, other_tenant, same).duplicate_of is None
    assert len(_list(app, tenant)) == 3


def test_of_concurrent_uploads_of_one_content_exactly_one_is_the_first(
    app: Database, tenant: TenantId
) -> None:
    same = new_report()
    with ThreadPoolExecutor(8) as pool:
        inserted = list(pool.map(lambda _: _insert(app, tenant, same), range(32)))
    named = [each.duplicate_of for each in inserted]
    assert named.count(None) == 1
    assert {name for name in named if name} <= {each.id for each in inserted}


def test_ids_of_one_transaction_list_in_the_order_of_their_inserts(
    app: Database, tenant: TenantId
) -> None:
    with app.tenant_transaction(tenant) as tx:
        ids = [insert_report(tx, new_report()).id for _ in range(20)]
    assert [row.id for row in _list(app, tenant)] == list(reversed(ids))


def test_ids_of_a_large_transaction_ascend_and_are_of_the_past_when_it_ends(
    app: Database, tenant: TenantId
) -> None:
    with app.tenant_transaction(tenant) as tx:
        ids = [tx.new_report_id() for _ in range(10_000)]
        inserted = insert_report(tx, new_report(), ids[-1])
        [(now,)] = tx.rows("SELECT clock_timestamp()")
    assert ids == sorted(ids)
    assert moment_of(ids[0]) <= tx.began_at < moment_of(ids[0]) + timedelta(milliseconds=1)
    assert (inserted.id, inserted.created_at) == (ids[-1], moment_of(ids[-1]))
    assert inserted.created_at < now


def test_a_clock_set_back_stores_reports_before_those_that_are_there(
    app: Database, tenant: TenantId
) -> None:
    same = new_report()
    newest = _insert(app, tenant, same)
    with app.tenant_transaction(tenant) as tx:
        tx.began_at -= timedelta(seconds=1)
        earlier = insert_report(tx, same)
    assert newest.created_at - earlier.created_at > timedelta(milliseconds=900)
    assert earlier.duplicate_of == newest.id
    assert [row.id for row in _list(app, tenant)] == [newest.id, earlier.id]
    assert _insert(app, tenant, same).duplicate_of == newest.id


def test_filters_hold_together(app: Database, tenant: TenantId) -> None:
    wanted = _insert(app, tenant, new_report("block", source="s1", stream="x", policy_version="p"))
    for severity, source, stream, version in [
        ("warn", "s1", "x", "p"),
        ("block", "s2", "x", "p"),
        ("block", "s1", "y", "p"),
        ("block", "s1", "x", None),
        ("info", None, None, None),
    ]:
        report = new_report(severity, source=source, stream=stream, policy_version=version)
        _insert(app, tenant, report)
    filters = ReportFilters(("block",), policy_version="p", source="s1", stream="x")
    assert [row.id for row in _list(app, tenant, filters)] == [wanted.id]
    for severities, count in [
        (("warn", "block"), 5),
        (("block", "block"), 4),
        (("info", "warn", "block"), 6),
        ((), 6),
        (("nonsense",), 0),
    ]:
        filters = ReportFilters(severities)
        assert len(_list(app, tenant, filters)) == count
        with app.tenant_transaction(tenant, read_only=True) as tx:
            assert count_reports(tx, filters) == (count, True)


def test_since_is_inclusive_and_until_exclusive_to_the_millisecond(
    app: Database, tenant: TenantId
) -> None:
    moment = _insert(app, tenant, new_report()).created_at
    micro, milli = timedelta(microseconds=1), timedelta(milliseconds=1)
    elsewhere = timezone(timedelta(hours=5, minutes=30))
    for since, shown in [
        (moment, 1),
        (moment.astimezone(elsewhere), 1),
        (moment - micro, 1),
        (moment + micro, 0),
        (moment + milli, 0),
    ]:
        assert len(_list(app, tenant, ReportFilters(since=since))) == shown
    for until, shown in [
        (moment, 0),
        (moment - micro, 0),
        (moment + micro, 1),
        (moment + milli, 1),
    ]:
        assert len(_list(app, tenant, ReportFilters(until=until))) == shown


@pytest.mark.parametrize("year", [1, 1969, 1970, 9999])
def test_the_ends_of_the_calendar_are_bounds_like_any_other(
    app: Database, tenant: TenantId, year: int
) -> None:
    _insert(app, tenant, new_report())
    edge = datetime(year, 1, 1, tzinfo=UTC)
    shown = (
        len(_list(app, tenant, ReportFilters(since=edge))),
        len(_list(app, tenant, ReportFilters(until=edge))),
    )
    assert shown == ((0, 1) if year == 9999 else (1, 0))


def test_counting_stops_at_its_cap(own_database: TestDatabase) -> None:
    own_database.run(
        access.OWNER, BACKFILL, {"tenant": "a", "count": 50, "start": "now", "span": "1 minute"}
    )
    database = Database(own_database.url(access.APP))
    with database.tenant_transaction(TenantId("a"), read_only=True) as tx:
        assert count_reports(tx, _ANY, cap=50) == (50, True)
        assert count_reports(tx, _ANY, cap=49) == (49, False)
        two = ReportFilters(severities=("warn", "block"))
        assert count_reports(tx, two, cap=3) == (3, False)
    database.close()


@pytest.mark.parametrize("severities", [(), ("warn", "block")])
def test_pages_read_while_others_write_skip_and_repeat_nothing(
    app: Database, tenant: TenantId, severities: tuple[str, ...]
) -> None:
    known = {
        _insert(app, tenant, new_report(("warn", "block")[number % 2])).id for number in range(60)
    }
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            _insert(app, tenant, new_report("warn"))

    writers = [threading.Thread(target=write) for _ in range(3)]
    for writer in writers:
        writer.start()
    try:
        for limit in (1, 7, 20):
            read = _read_all_pages(app, tenant, ReportFilters(severities), limit)
            assert read == sorted(set(read), reverse=True)
            assert known <= set(read)
    finally:
        stop.set()
        for writer in writers:
            writer.join()


def _read_all_pages(
    app: Database, tenant: TenantId, filters: ReportFilters, limit: int
) -> list[ReportId]:
    read: list[ReportId] = []
    while page := _list(app, tenant, filters, after=read[-1] if read else None, limit=limit):
        read += [row.id for row in page]
    return read


def test_a_bound_of_an_id_needs_a_time_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        first_id_at(datetime(2026, 1, 1))
