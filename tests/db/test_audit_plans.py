"""Pages of a long audit log read an index in order, whatever is asked for, with row security on."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from db import access
from db.audit_log import AuditFilters, chain_entries, chain_state, list_entries
from db.ids import TenantId
from db.session import Database
from tests.support.database import PostgresServer, TestDatabase

_FILL = """
INSERT INTO audit_entries (tenant_id, seq, hash, body, at, action, actor, object_id, outcome)
SELECT 'tenant-' || tenant, n, sha256(n::text::bytea), '{}',
  timestamptz '2026-01-01' + n * interval '1 minute',
  'action_' || n % 40, 'key-' || n % 40, 'object-' || n % 2000, 'done'
FROM generate_series(1, 3) AS tenant, generate_series(1, 20000) AS n
"""
_READ_AT_MOST = 300


@pytest.fixture(scope="module")
def database(postgres_server: PostgresServer, migrated_template: str) -> Iterator[Database]:
    """Three tenants with 20,000 entries each, one a minute."""
    with postgres_server.database(migrated_template) as made:
        _fill(made)
        opened = Database(made.url(access.APP))
        yield opened
        opened.close()


def _fill(made: TestDatabase) -> None:
    made.run(access.OWNER, _FILL)
    made.run(access.OWNER, "VACUUM (ANALYZE) audit_entries")


def _rows_read(plan: dict[str, Any]) -> int:
    """Rows that the plan's scans found and passed on, or threw away."""
    read = 0
    if plan["Node Type"].endswith("Scan"):
        read = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
        assert plan["Node Type"] != "Seq Scan", plan
    return read + sum(_rows_read(child) for child in plan.get("Plans", []))


@pytest.mark.parametrize(
    "filters",
    [
        AuditFilters(),
        AuditFilters(action="action_7"),
        AuditFilters(actor="key-7"),
        AuditFilters(object_id="object-7"),
        AuditFilters(action="no_such_action"),
        AuditFilters(actor="no-such-key"),
        AuditFilters(since=datetime(2026, 1, 3, tzinfo=UTC)),
        AuditFilters(
            since=datetime(2026, 1, 3, tzinfo=UTC), until=datetime(2026, 1, 3, 3, tzinfo=UTC)
        ),
    ],
)
@pytest.mark.parametrize("before", [None, 15_000])
def test_page_reads_little_more_than_it_shows(
    database: Database, filters: AuditFilters, before: int | None
) -> None:
    with database.tenant_transaction(TenantId("tenant-2"), read_only=True) as tx:
        list_entries(tx, filters, before=before, limit=50)
        sent = tx._cursor.query
        assert sent is not None
        ((plan,),) = tx.rows(f"EXPLAIN (ANALYZE, FORMAT JSON) {sent.decode()}")
    assert _rows_read(plan[0]["Plan"]) <= _READ_AT_MOST


def test_part_of_the_chain_reads_what_it_shows(database: Database) -> None:
    with database.tenant_transaction(TenantId("tenant-2"), read_only=True) as tx:
        rows = chain_entries(tx, after=12_000, limit=100)
        sent = tx._cursor.query
        assert sent is not None
        ((plan,),) = tx.rows(f"EXPLAIN (ANALYZE, FORMAT JSON) {sent.decode()}")
        assert chain_state(tx).dropped_through == 0
    assert [row.seq for row in rows] == list(range(12_001, 12_101))
    assert _rows_read(plan[0]["Plan"]) <= _READ_AT_MOST
