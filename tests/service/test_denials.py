"""Refused calls: counted without the database, written few, and never more than memory holds."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from db import access
from db.audit import SYSTEM_TENANT
from db.audit_log import AuditFilters, list_entries
from db.ids import TenantId
from db.session import Database
from generated.runtime.exchange import RequestRecord
from handlers.context import Principal
from policies.audit_entries import read_body
from policies.link_tokens import Link
from service.auth import Bearer, Denied, Refusal
from service.denials import Denials
from tests.support.database import TestDatabase


class _Clock:
    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def database(own_database: TestDatabase) -> Iterator[Database]:
    opened = Database(own_database.url(access.APP), pool_timeout=0.2)
    yield opened
    opened.close()


def _refused(peer: str | None = "192.0.2.1", failure: BaseException | None = None) -> RequestRecord:
    status = failure.status if isinstance(failure, Denied) else 401
    return RequestRecord("request-1", "GET", "list_reports", status, 0.0, {}, failure, peer)


def _role(tenant: TenantId) -> Denied:
    return Denied(
        403, "forbidden", "", "", refusal=Refusal.ROLE, key_id="k", tenant_id=tenant, role="viewer"
    )


def _told(database: Database, tenant: str = SYSTEM_TENANT) -> list[dict[str, Any]]:
    """The details of the entries, oldest first."""
    with database.tenant_transaction(TenantId(tenant), read_only=True) as tx:
        rows = list_entries(tx, AuditFilters(), before=None, limit=5000)
    return [(read_body(row.body) or {})["details"] for row in reversed(rows)]


def test_calls_of_one_source_in_one_minute_make_two_entries(database: Database) -> None:
    clock = _Clock()
    denials = Denials(database, clock=clock)
    for calls in (3, 40, 2):
        for _ in range(calls):
            denials.note(_refused())
        denials.flush()
    assert [told["calls"] for told in _told(database)] == [3]
    clock.seconds += 60
    denials.flush()
    denials.flush()
    assert [told["calls"] for told in _told(database)] == [3, 42]
    assert {told["minute"] for told in _told(database)} == {"2027-01-15T08:00Z"}


def test_link_that_is_refused_is_told_to_its_own_tenant(database: Database) -> None:
    issued = datetime(2026, 11, 20, 12, tzinfo=UTC)
    link = Link("a", UUID(int=1), "bundle", UUID(int=2), issued, issued + timedelta(hours=1))
    bearer = Bearer(Principal(TenantId("a"), f"link:{link.grant_id}", "bearer"), link)
    denials = Denials(database)
    known = {"BundleToken": bearer}
    for status in (401, 403):
        record = RequestRecord("request-1", "GET", "download_bundle", status, 0, known, None, None)
        denials.note(record)
    denials.flush()
    [told] = _told(database, "a")
    assert (told["reason"], told["calls"]) == ("link", 2)
    with database.tenant_transaction(TenantId("a"), read_only=True) as tx:
        [row] = list_entries(tx, AuditFilters(), before=None, limit=5)
    assert (row.action, row.actor) == ("download_bundle", f"link:{UUID(int=2)}")
    assert _told(database) == []


def test_each_minute_is_told_by_itself(database: Database) -> None:
    clock = _Clock()
    denials = Denials(database, clock=clock)
    for _ in range(3):
        denials.note(_refused())
        clock.seconds += 60
    denials.flush()
    assert [told["calls"] for told in _told(database)] == [1, 1, 1]


def test_what_is_left_is_written_at_the_end(database: Database) -> None:
    denials = Denials(database)
    denials.start()
    denials.note(_refused())
    denials.note(_refused())
    denials.close()
    assert sum(told["calls"] for told in _told(database)) == 2


def test_thread_writes_by_itself(database: Database) -> None:
    denials = Denials(database, every_seconds=0.05)
    denials.start()
    denials.note(_refused())
    for _ in range(200):
        if _told(database):
            break
        denials._ended.wait(0.05)
    assert [told["calls"] for told in _told(database)] == [1]
    denials.close()


def test_flood_from_many_sources_is_counted_together_and_loses_none(database: Database) -> None:
    denials = Denials(database, most_sources=20)
    for number in range(5_000):
        denials.note(_refused(f"192.0.{number // 250}.{number % 250}"))
    denials.close()
    told = _told(database)
    assert len(told) == 21
    assert sum(each["calls"] for each in told) == 5_000
    assert [each["calls"] for each in told if each["reason"] == "others"] == [4_980]


@pytest.mark.parametrize(
    ("peer", "source"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("not-an-address", None),
        (None, None),
    ],
)
def test_source_is_an_address_or_the_network_of_one(
    database: Database, peer: str | None, source: str | None
) -> None:
    denials = Denials(database)
    denials.note(_refused(peer))
    denials.flush()
    assert [told.get("source") for told in _told(database)] == [source]


def test_denied_role_goes_to_the_tenants_own_chain(database: Database) -> None:
    denials = Denials(database)
    tenant = TenantId("demo")
    denials.note(_refused(failure=_role(tenant)))
    denials.note(_refused())
    denials.flush()
    assert [told["reason"] for told in _told(database, tenant)] == ["role"]
    assert [told["reason"] for told in _told(database)] == ["unauthenticated"]


@pytest.mark.parametrize("status", [200, 304, 404, 422, 429, 500])
def test_what_was_not_refused_is_not_counted(database: Database, status: int) -> None:
    denials = Denials(database)
    denials.note(RequestRecord("r", "GET", "list_reports", status, 0.0, {}, None, "192.0.2.1"))
    denials.flush(all_of_them=True)
    assert _told(database) == []


def test_what_can_not_be_written_now_is_written_later(
    own_database: TestDatabase, database: Database
) -> None:
    denials = Denials(database)
    denials.note(_refused())
    with own_database.login(access.OWNER) as other, other.cursor() as cursor:
        cursor.execute("ALTER FUNCTION collector_append_audit(json) RENAME TO elsewhere")
        denials.flush()
        denials.note(_refused())
        cursor.execute("ALTER FUNCTION elsewhere(json) RENAME TO collector_append_audit")
    assert _told(database) == []
    denials.flush(all_of_them=True)
    assert [told["calls"] for told in _told(database)] == [2]
