"""A batch of reports by SQLAlchemy's own means: statements of many rows, made of a list."""

from collections.abc import Callable, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, column, table
from sqlalchemy.dialects.postgresql import insert

from bench.callers import Principal
from bench.store import transactions
from bench.store.preparation import stored_values
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


def store_batch(
    body: bytes,
    caller: Principal,
    request_id: str,
    report_in: Callable[[bytes], dict[str, Any] | None],
) -> dict[str, Any]:
    """Stores what is right of a body's lines; the receipt.

    `report_in` reads and validates a line; None where that is no report.
    """
    outcomes: list[dict[str, Any]] = []
    ready: list[tuple[int, dict[str, Any]]] = []
    for number, line in enumerate(body.splitlines(), start=1):
        if not line.strip():
            continue
        content = report_in(line)
        if content is None:
            outcomes.append(_refused_outcome(number))
        else:
            ready.append((number, stored_values(content, caller, request_id)))
    with transactions.writing(caller.tenant_id) as connection:
        duplicates = _insert_reports(connection, [values for _, values in ready])
    outcomes += [
        _stored_outcome(number, values, duplicate_of)
        for (number, values), duplicate_of in zip(ready, duplicates, strict=True)
    ]
    return _receipt(sorted(outcomes, key=lambda outcome: outcome["line"]))


def _insert_reports(connection: Connection, rows: Sequence[dict[str, Any]]) -> list[UUID | None]:
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


def _stored_outcome(line: int, values: dict[str, Any], duplicate_of: UUID | None) -> dict[str, Any]:
    outcome = {
        "line": line,
        "outcome": "created" if duplicate_of is None else "duplicate",
        "id": values["id"],
        "severity": values["severity"],
        "inconsistencies": values["inconsistencies"],
    }
    return outcome if duplicate_of is None else {**outcome, "duplicate_of": duplicate_of}


def _refused_outcome(line: int) -> dict[str, Any]:
    problem = {
        "type": "/problems/invalid-input",
        "title": "Invalid input",
        "status": 422,
        "detail": "The line does not fit the contract.",
    }
    return {"line": line, "outcome": "refused", "problem": problem}


def _receipt(outcomes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    kinds = [outcome["outcome"] for outcome in outcomes]
    return {
        "created": kinds.count("created"),
        "duplicates": kinds.count("duplicate"),
        "refused": kinds.count("refused"),
        "outcomes": outcomes,
    }
