"""Reads what retention would delete of a tenant, part by part, each in one statement.

Row level security picks the tenant's rows; these queries never filter by tenant themselves.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from db.ids import TenantId, first_id_at
from db.rows import with_bytes
from db.session import Database
from db.transaction import Transaction

NO_ID: Final = UUID(int=0)
"""Before all ids of reports."""

# The key has all that is asked for, so that reports themselves are mostly not read.
_PART: Final = """
WITH part AS MATERIALIZED (
  SELECT report.id, report.created_at, hold.report_id IS NOT NULL AS held
    FROM (SELECT id, created_at FROM reports
           WHERE id > %(after)s AND id < %(end)s ORDER BY id LIMIT %(limit)s) AS report
    LEFT JOIN report_holds AS hold ON hold.report_id = report.id
)
SELECT to_char(month, 'YYYY-MM'), candidates, held,
       encode(substring(ids FROM 1 FOR 16), 'hex')::uuid,
       encode(substring(ids FROM octet_length(ids) - 15), 'hex')::uuid,
       sha256(ids),
       (SELECT id FROM part ORDER BY id DESC LIMIT 1)
  FROM (SELECT date_trunc('month', created_at) AS month,
               count(*) FILTER (WHERE NOT held) AS candidates,
               count(*) FILTER (WHERE held) AS held,
               string_agg(uuid_send(id), ''::bytea ORDER BY id) FILTER (WHERE NOT held) AS ids
          FROM part GROUP BY 1) AS months
 ORDER BY month
"""
_YOUNGER: Final = """
SELECT count(*) FROM (SELECT FROM reports WHERE id >= %(first)s LIMIT %(limit)s) AS counted
"""
# Each tenant is one step along the key, however many reports it has.
_TENANTS: Final = """
WITH RECURSIVE found AS (
  (SELECT tenant_id FROM reports ORDER BY tenant_id LIMIT 1)
  UNION ALL
  SELECT (SELECT tenant_id FROM reports WHERE tenant_id > found.tenant_id
           ORDER BY tenant_id LIMIT 1)
    FROM found WHERE found.tenant_id IS NOT NULL
)
SELECT tenant_id FROM found WHERE tenant_id IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class PlanPartRow:
    """Reports of one month in a part; `digest` is SHA-256 of the ids of those that aren't held, in
    their order, and None if all are.
    """

    month: str
    candidates: int
    held: int
    first_id: UUID | None
    last_id: UUID | None
    digest: bytes | None


def plan_parts(
    tx: Transaction, cutoff: datetime, *, reports_a_part: int = 50_000
) -> Iterator[PlanPartRow]:
    """What is older than `cutoff`, oldest first. The same reports make the same parts."""
    after, end = NO_ID, first_id_at(cutoff)
    while True:
        rows = tx.rows(_PART, {"after": after, "end": end, "limit": reports_a_part})
        yield from (PlanPartRow(*with_bytes(row[:-1])) for row in rows)
        if sum(row[1] + row[2] for row in rows) < reports_a_part:
            return
        after = rows[-1][-1]


def count_younger(tx: Transaction, cutoff: datetime, cap: int) -> int:
    """How many reports are not older than `cutoff`, counted up to `cap`."""
    row = tx.row(_YOUNGER, {"first": first_id_at(cutoff), "limit": cap})
    return row[0] if row else 0


def tenants_with_reports(database: Database) -> list[TenantId]:
    """Every tenant that has a report; needs a collector_maint login."""
    with database.system_transaction(read_only=True) as tx:
        return [TenantId(row[0]) for row in tx.rows(_TENANTS)]
