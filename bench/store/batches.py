"""A batch of reports by SQLAlchemy's own means: statements of many rows, made of a list."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, column, table
from sqlalchemy.dialects.postgresql import insert

from bench.store.queries import bump_revision
from db.tables import report_digests

_COLUMNS: Final = (
    "tenant_id",
    "id",
    "created_at",
    "severity",
    "policy_version",
    "source",
    "stream",
    "pass_count",
    "warn_count",
    "block_count",
    "inconsistencies",
    "duplicate_of",
    "sha256",
    "key_id",
    "request_id",
    "document",
    "raw_kid",
    "raw_sealed",
)
# Without types: the document is text already, which the table's own type would encode again.
_REPORTS: Final = table("reports", *map(column, _COLUMNS))


def insert_reports(connection: Connection, rows: Sequence[dict[str, Any]]) -> list[UUID | None]:
    """What each report is a duplicate of: an earlier one of the tenant, or of the batch."""
    if not rows:
        return []
    known = _upsert_digests(connection, rows)
    duplicates = []
    for row in rows:
        duplicates.append(known.get(row["sha256"]))
        known[row["sha256"]] = row["id"]
    connection.execute(
        insert(_REPORTS),
        [
            {**row, "duplicate_of": duplicate}
            for row, duplicate in zip(rows, duplicates, strict=True)
        ],
    )
    bump_revision(connection, rows[0]["tenant_id"])
    return duplicates


def _upsert_digests(
    connection: Connection, rows: Sequence[dict[str, Any]]
) -> dict[bytes, UUID | None]:
    """The newest earlier report by digest; in one order, so that two batches can't deadlock."""
    newest = {row["sha256"]: row for row in rows}
    statement = insert(report_digests)
    upsert = statement.on_conflict_do_update(
        index_elements=["tenant_id", "sha256"],
        set_={
            "previous_report_id": report_digests.c.report_id,
            "report_id": statement.excluded.report_id,
        },
    ).returning(report_digests.c.sha256, report_digests.c.previous_report_id)
    found = connection.execute(
        upsert,
        [
            {"tenant_id": row["tenant_id"], "sha256": digest, "report_id": row["id"]}
            for digest, row in sorted(newest.items())
        ],
    )
    return {bytes(row.sha256): row.previous_report_id for row in found}


def stored_outcome(line: int, values: dict[str, Any], duplicate_of: UUID | None) -> dict[str, Any]:
    outcome = {
        "line": line,
        "outcome": "created" if duplicate_of is None else "duplicate",
        "id": values["id"],
        "severity": values["severity"],
        "inconsistencies": values["inconsistencies"],
    }
    return outcome if duplicate_of is None else {**outcome, "duplicate_of": duplicate_of}


def refused_outcome(line: int) -> dict[str, Any]:
    problem = {
        "type": "/problems/invalid-input",
        "title": "Invalid input",
        "status": 422,
        "detail": "The line does not fit the contract.",
    }
    return {"line": line, "outcome": "refused", "problem": problem}


def batch_receipt(outcomes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    kinds = [outcome["outcome"] for outcome in outcomes]
    return {
        "created": kinds.count("created"),
        "duplicates": kinds.count("duplicate"),
        "refused": kinds.count("refused"),
        "outcomes": outcomes,
    }
