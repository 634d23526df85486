"""Holds and leases: what they say, whose they are, and that they wait for a deletion."""

import threading
from collections.abc import Callable
from typing import Final
from uuid import UUID

import pytest

from db import access, errors
from db.holds import get_hold, hold_report, list_holds, release_hold
from db.ids import ReportId, TenantId
from db.leases import delete_expired_leases, release_lease, renew_lease, take_lease
from db.reports import insert_report
from db.session import Database
from db.transaction import Transaction
from tests.db.samples import new_report
from tests.support.database import TestDatabase

_ABSENT = ReportId(UUID("0190a6d2-7c1e-7d3b-9a54-2f6f0c1e8b11"))
_FIRST, _LAST, _LEASE = UUID(int=1), UUID(int=9), UUID(int=5)
_DELETION: Final = "SELECT pg_advisory_xact_lock(1668246630, hashtext(%(tenant_id)s))"


def _stored(app: Database, tenant: TenantId, count: int = 1) -> list[ReportId]:
    with app.tenant_transaction(tenant) as tx:
        return [insert_report(tx, new_report()).id for _ in range(count)]


def test_hold_is_read_back_until_it_is_released(app: Database, tenant: TenantId) -> None:
    [report_id] = _stored(app, tenant)
    with app.tenant_transaction(tenant) as tx:
        held = hold_report(tx, report_id, reason="case 1", held_by="key-1")
        assert held is not None
        assert (held.report_id, held.reason, held.held_by) == (report_id, "case 1", "key-1")
        assert get_hold(tx, report_id) == held
        assert release_hold(tx, report_id) is True
        assert get_hold(tx, report_id) is None
        assert release_hold(tx, report_id) is False


def test_second_hold_replaces_reason_key_and_time(app: Database, tenant: TenantId) -> None:
    [report_id] = _stored(app, tenant)
    with app.tenant_transaction(tenant) as tx:
        first = hold_report(tx, report_id, reason="case 1", held_by="key-1")
        second = hold_report(tx, report_id, reason="case 2", held_by="key-2")
        assert first is not None
        assert second is not None
        assert get_hold(tx, report_id) == second
    assert (second.reason, second.held_by) == ("case 2", "key-2")
    assert second.held_at > first.held_at


def test_report_that_is_not_there_or_another_tenants_can_not_be_held(
    app: Database, tenant: TenantId, other_tenant: TenantId
) -> None:
    [report_id] = _stored(app, tenant)
    with app.tenant_transaction(tenant) as tx:
        assert hold_report(tx, _ABSENT, reason="case 1", held_by="key-1") is None
        assert release_hold(tx, _ABSENT) is None
        hold_report(tx, report_id, reason="case 1", held_by="key-1")
    with app.tenant_transaction(other_tenant) as tx:
        assert hold_report(tx, report_id, reason="case 1", held_by="key-1") is None
        assert get_hold(tx, report_id) is None
        assert list_holds(tx, before=None, limit=5) == []
        assert release_hold(tx, report_id) is None
    with app.tenant_transaction(tenant) as tx:
        assert get_hold(tx, report_id) is not None


def test_holds_are_listed_newest_report_first_page_by_page(app: Database, tenant: TenantId) -> None:
    report_ids = _stored(app, tenant, 3)
    with app.tenant_transaction(tenant) as tx:
        for report_id in report_ids:
            hold_report(tx, report_id, reason="case 1", held_by="key-1")
        first = list_holds(tx, before=None, limit=2)
        rest = list_holds(tx, before=first[-1].report_id, limit=2)
    assert [row.report_id for row in [*first, *rest]] == sorted(report_ids, reverse=True)


def test_lease_is_renewed_while_it_lasts_and_never_after(app: Database, tenant: TenantId) -> None:
    with app.tenant_transaction(tenant) as tx:
        take_lease(tx, _LEASE, "export", _FIRST, _LAST, for_seconds=60)
        assert renew_lease(tx, _LEASE, for_seconds=-1)
        assert not renew_lease(tx, _LEASE, for_seconds=60)
        release_lease(tx, _LEASE)
        release_lease(tx, _LEASE)
        assert not renew_lease(tx, _LEASE, for_seconds=60)


def test_lease_of_another_tenant_is_neither_renewed_nor_released(
    app: Database, tenant: TenantId, other_tenant: TenantId
) -> None:
    with app.tenant_transaction(tenant) as tx:
        take_lease(tx, _LEASE, "export", _FIRST, _LAST, for_seconds=60)
    with app.tenant_transaction(other_tenant) as tx:
        assert not renew_lease(tx, _LEASE, for_seconds=60)
        release_lease(tx, _LEASE)
    with app.tenant_transaction(tenant) as tx:
        assert renew_lease(tx, _LEASE, for_seconds=60)


def test_leases_that_ended_long_ago_are_deleted_and_no_others(own_database: TestDatabase) -> None:
    insert = "INSERT INTO report_leases VALUES (%s, %s, 'export', %s, %s, now() + %s::interval)"
    for number, age in enumerate(("-25 hours", "-1 hour", "1 hour")):
        values = ("a", str(UUID(int=number)), str(_FIRST), str(_LAST), age)
        own_database.run(access.OWNER, insert, values)
    maintenance = Database(own_database.url(access.MAINTENANCE))
    assert delete_expired_leases(maintenance) == 1
    maintenance.close()
    assert own_database.run(access.OWNER, "SELECT count(*) FROM report_leases") == [(2,)]


def _hold(tx: Transaction, report_id: ReportId) -> bool:
    return hold_report(tx, report_id, reason="case 1", held_by="key-1") is not None


def _take(tx: Transaction, _: ReportId) -> bool:
    take_lease(tx, _LEASE, "export", _FIRST, _LAST, for_seconds=60)
    return True


@pytest.mark.parametrize("keep", [_hold, _take], ids=["hold", "lease"])
def test_keeping_waits_for_a_deletion_and_sees_what_it_left(
    shared_database: TestDatabase,
    app: Database,
    tenant: TenantId,
    keep: Callable[[Transaction, ReportId], bool],
) -> None:
    [report_id] = _stored(app, tenant)
    began, kept = threading.Event(), []

    def other() -> None:
        with app.tenant_transaction(tenant) as tx:
            began.set()
            kept.append(keep(tx, report_id))

    thread = threading.Thread(target=other)
    with shared_database.login(access.OWNER) as owner, owner.cursor() as deletion:
        deletion.execute("BEGIN; " + _DELETION, {"tenant_id": tenant})
        thread.start()
        assert began.wait(10)
        deletion.execute("DELETE FROM reports WHERE tenant_id = %s", (tenant,))
        assert kept == []
        deletion.execute("COMMIT")
    thread.join(10)
    assert kept == [keep is _take]


def test_keeping_gives_up_on_a_deletion_that_takes_too_long(
    shared_database: TestDatabase, tenant: TenantId
) -> None:
    impatient = Database(shared_database.url(access.APP), lock_timeout_ms=50)
    with shared_database.login(access.OWNER) as owner, owner.cursor() as deletion:
        deletion.execute("BEGIN; " + _DELETION, {"tenant_id": tenant})
        with pytest.raises(errors.LockUnavailable), impatient.tenant_transaction(tenant) as tx:
            _take(tx, _ABSENT)
    impatient.close()
