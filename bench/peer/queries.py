"""The peer's statements: SQLAlchemy Core over the same tables, the same work for the database."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, func, select, text
from sqlalchemy.dialects.postgresql import insert

from bench.peer.models import ReportQuery
from db.ids import first_id_at
from db.tables import epoch, reports, revisions

_SUMMARY: Final = (
    reports.c.id,
    reports.c.created_at,
    reports.c.severity,
    reports.c.policy_version,
    reports.c.source,
    reports.c.stream,
    reports.c.pass_count,
    reports.c.warn_count,
    reports.c.block_count,
)
# One round trip for digest and report, which Core can't say more plainly.
_INSERT: Final = text("""
WITH clock AS MATERIALIZED (SELECT clock_timestamp() AS moment),
identity AS MATERIALIZED (
  SELECT collector_uuid7(moment) AS id, date_trunc('milliseconds', moment) AS created_at FROM clock
),
digest AS (
  INSERT INTO report_digests AS known (tenant_id, sha256, report_id)
  SELECT :tenant_id, :sha256, id FROM identity
  ON CONFLICT (tenant_id, sha256) DO UPDATE
    SET previous_report_id = known.report_id,
        report_id = greatest(known.report_id, EXCLUDED.report_id)
  RETURNING previous_report_id
)
INSERT INTO reports (
  tenant_id, id, created_at, severity, policy_version, source, stream, pass_count, warn_count,
  block_count, inconsistencies, duplicate_of, sha256, key_id, request_id, document)
SELECT
  :tenant_id, id, created_at, :severity, :policy_version, :source, :stream, :pass_count,
  :warn_count, :block_count, :inconsistencies, previous_report_id, :sha256, :key_id, :request_id,
  :document
FROM identity CROSS JOIN digest
RETURNING id, duplicate_of
""")


def read_revisions(connection: Connection) -> str:
    """What the tenant's list of reports depends on, as text."""
    statement = (
        select(epoch.c.value, revisions.c.slot, revisions.c.value)
        .select_from(epoch.outerjoin(revisions, revisions.c["class"] == "reports"))
        .order_by(revisions.c.slot)
    )
    return repr([tuple(row) for row in connection.execute(statement)])


def list_reports(connection: Connection, query: ReportQuery, after: UUID | None) -> Sequence[Any]:
    """One row more than the page shows, newest first."""
    statement = (
        select(*_SUMMARY)
        .where(*_conditions(query))
        .order_by(reports.c.id.desc())
        .limit(query.limit + 1)
    )
    if after is not None:
        statement = statement.where(reports.c.id < after)
    return connection.execute(statement).all()


def count_reports(connection: Connection, query: ReportQuery, cap: int) -> int:
    capped = select(reports.c.id).where(*_conditions(query)).limit(cap + 1).subquery()
    return connection.execute(select(func.count()).select_from(capped)).scalar_one()


def _conditions(query: ReportQuery) -> list[ColumnElement[bool]]:
    # The upper bound spares PostgreSQL from planning the empty partitions of the weeks ahead.
    end = query.until or datetime.now(UTC) + timedelta(days=1)
    conditions = [reports.c.id < first_id_at(end)]
    if query.since is not None:
        conditions.append(reports.c.id >= first_id_at(query.since))
    if query.severity is not None:
        conditions.append(reports.c.severity.in_(query.severity))
    for column in (reports.c.policy_version, reports.c.source, reports.c.stream):
        if (wanted := getattr(query, column.name)) is not None:
            conditions.append(column == wanted)
    return conditions


def insert_report(connection: Connection, values: Mapping[str, Any]) -> Row[Any]:
    """The id of the stored report and of the newest earlier one with its content."""
    stored = connection.execute(_INSERT, values).one()
    bump = insert(revisions).values(
        {"tenant_id": values["tenant_id"], "class": "reports", "slot": secrets.randbelow(16)}
        | {"value": 1}
    )
    connection.execute(
        bump.on_conflict_do_update(
            index_elements=["tenant_id", "class", "slot"],
            set_={"value": revisions.c.value + 1},
        )
    )
    return stored
