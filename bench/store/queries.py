"""The peers' statements: SQLAlchemy Core over the same tables, the same work for the database."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Text, cast, func, select, text
from sqlalchemy.dialects.postgresql import insert

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
_WHOLE: Final = (
    reports.c.id,
    reports.c.created_at,
    reports.c.severity,
    reports.c.pass_count,
    reports.c.warn_count,
    reports.c.block_count,
    reports.c.inconsistencies,
    reports.c.duplicate_of,
    reports.c.sha256,
    reports.c.raw_kid,
    reports.c.raw_sealed,
    # As text: the answer's JSON is made of it once.
    cast(reports.c.document, Text).label("document"),
)
# One round trip for digest and report, which Core can't say more plainly.
_INSERT: Final = text("""
WITH digest AS (
  INSERT INTO report_digests AS known (tenant_id, sha256, report_id)
  VALUES (:tenant_id, :sha256, :id)
  ON CONFLICT (tenant_id, sha256) DO UPDATE
    SET previous_report_id = known.report_id,
        report_id = greatest(known.report_id, EXCLUDED.report_id)
  RETURNING previous_report_id
)
INSERT INTO reports (
  tenant_id, id, created_at, severity, policy_version, source, stream, pass_count, warn_count,
  block_count, inconsistencies, duplicate_of, sha256, key_id, request_id, document, raw_kid,
  raw_sealed)
SELECT
  :tenant_id, :id, :created_at, :severity, :policy_version, :source, :stream, :pass_count,
  :warn_count, :block_count, :inconsistencies, previous_report_id, :sha256, :key_id, :request_id,
  :document, :raw_kid, :raw_sealed
FROM digest
RETURNING duplicate_of
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which reports a list shows."""

    severity: Sequence[str] | None = None
    policy_version: str | None = None
    source: str | None = None
    stream: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def read_revisions(connection: Connection) -> str:
    """What the tenant's list of reports depends on, as text."""
    statement = (
        select(epoch.c.value, revisions.c.slot, revisions.c.value)
        .select_from(epoch.outerjoin(revisions, revisions.c["class"] == "reports"))
        .order_by(revisions.c.slot)
    )
    return repr([tuple(row) for row in connection.execute(statement)])


def list_reports(
    connection: Connection, wanted: Wanted, limit: int, after: UUID | None
) -> Sequence[Any]:
    """One row more than the page shows, newest first."""
    statement = (
        select(*_SUMMARY).where(*_conditions(wanted)).order_by(reports.c.id.desc()).limit(limit + 1)
    )
    if after is not None:
        statement = statement.where(reports.c.id < after)
    return connection.execute(statement).all()


def count_reports(connection: Connection, wanted: Wanted, cap: int) -> int:
    capped = select(reports.c.id).where(*_conditions(wanted)).limit(cap + 1).subquery()
    return connection.execute(select(func.count()).select_from(capped)).scalar_one()


def get_report(connection: Connection, report_id: UUID) -> Any:
    return connection.execute(select(*_WHOLE).where(reports.c.id == report_id)).one_or_none()


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    # The upper bound spares PostgreSQL from planning the empty partitions of the weeks ahead.
    end = wanted.until or datetime.now(UTC) + timedelta(days=1)
    conditions = [reports.c.id < first_id_at(end)]
    if wanted.since is not None:
        conditions.append(reports.c.id >= first_id_at(wanted.since))
    if wanted.severity is not None:
        conditions.append(reports.c.severity.in_(wanted.severity))
    for column in (reports.c.policy_version, reports.c.source, reports.c.stream):
        if (value := getattr(wanted, column.name)) is not None:
            conditions.append(column == value)
    return conditions


def insert_report(connection: Connection, values: Mapping[str, Any]) -> UUID | None:
    """The id of the newest earlier report with the same content."""
    duplicate_of: UUID | None = connection.execute(_INSERT, values).scalar_one()
    bump_revision(connection, values["tenant_id"])
    return duplicate_of


def bump_revision(connection: Connection, tenant_id: str) -> None:
    bump = insert(revisions).values(
        {"tenant_id": tenant_id, "class": "reports", "slot": secrets.randbelow(16), "value": 1}
    )
    connection.execute(
        bump.on_conflict_do_update(
            index_elements=["tenant_id", "class", "slot"],
            set_={"value": revisions.c.value + 1},
        )
    )
