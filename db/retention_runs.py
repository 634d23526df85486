"""Runs of retention: planned, committed, how far they are, and what they could not delete.

Row level security picks the tenant's rows. Reports themselves are deleted by `db.retention_work`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from db.ids import id_of_tick, tick_of
from db.retention_plan import NO_ID
from db.revisions import RevisionClass, bump_revision
from db.rows import with_bytes
from db.transaction import Row, Transaction


@dataclass(frozen=True, slots=True)
class NewRun:
    """What a dry run has found. `created_by` is None for one that the system made by itself;
    `by_month` has counts by month, such as 2026-11.
    """

    created_by: str | None
    retain_days: int
    cutoff: datetime
    plan_hash: bytes
    candidates: int
    held: int
    by_month: Mapping[str, int]
    first_id: UUID | None
    last_id: UUID | None
    warnings: Sequence[str]


@dataclass(frozen=True, slots=True)
class RunRow:
    """`failed` is how many reports failures are of; `waits_for` says what a waiting run waits for,
    `failure` why one failed.
    """

    run_id: UUID
    created_at: datetime
    created_by: str | None
    retain_days: int
    cutoff: datetime
    plan_hash: bytes
    candidates: int
    held: int
    by_month: Mapping[str, int]
    first_id: UUID | None
    last_id: UUID | None
    warnings: Sequence[str]
    status: str
    committed_at: datetime | None
    committed_by: str | None
    started_at: datetime | None
    ended_at: datetime | None
    deleted: int
    failed: int
    waits_for: str | None
    failure: str | None


@dataclass(frozen=True, slots=True)
class FailureRow:
    """Reports from `first_id` to `last_id`, `reports` in number, that were not deleted, and why."""

    first_id: UUID
    last_id: UUID
    reports: int
    reason: str


_COLUMNS: Final = """
run_id, created_at, created_by, retain_days, cutoff, plan_hash, candidates, held, by_month,
first_id, last_id, warnings, status, committed_at, committed_by, started_at, ended_at, deleted,
(SELECT coalesce(sum(reports), 0)::bigint FROM retention_failures AS failure
  WHERE failure.run_id = retention_runs.run_id),
waits_for, failure
"""
_INSERT: Final = """
INSERT INTO retention_runs (
  tenant_id, run_id, created_at, created_by, retain_days, cutoff, plan_hash, candidates, held,
  by_month, first_id, last_id, warnings, status, looked_through, deleted)
VALUES (
  %(tenant_id)s, %(run_id)s, %(created_at)s, %(created_by)s, %(retain_days)s, %(cutoff)s,
  %(plan_hash)s, %(candidates)s, %(held)s, %(by_month)s, %(first_id)s, %(last_id)s, %(warnings)s,
  'planned', %(no_id)s, 0)
"""
_GET: Final = f"SELECT {_COLUMNS} FROM retention_runs WHERE run_id = %(run_id)s"  # noqa: S608 - constants
_LIST: Final = (
    f"SELECT {_COLUMNS} FROM retention_runs"  # noqa: S608 - constants
    " WHERE %(before)s::uuid IS NULL OR run_id < %(before)s::uuid"
    " ORDER BY run_id DESC LIMIT %(limit)s"
)
_AT_WORK: Final = """
SELECT run_id FROM retention_runs WHERE status IN ('queued', 'running', 'waiting')
"""
_COMMIT: Final = """
UPDATE retention_runs
   SET status = 'queued', committed_at = clock_timestamp(), committed_by = %(key_id)s,
       progressed_at = clock_timestamp()
 WHERE run_id = %(run_id)s AND status = 'planned'
"""
_EARLIER: Final = """
SELECT deleted FROM retention_runs
 WHERE status IN ('done', 'done_with_failures', 'failed') ORDER BY run_id DESC LIMIT %(limit)s
"""
_FAILURES: Final = """
SELECT first_id, last_id, reports, reason FROM retention_failures
 WHERE run_id = %(run_id)s AND (%(after)s::uuid IS NULL OR first_id > %(after)s::uuid)
 ORDER BY first_id LIMIT %(limit)s
"""


def insert_run(tx: Transaction, new: NewRun) -> RunRow:
    """Keep a plan, so that it can be committed."""
    run_id = id_of_tick(tick_of(tx.began_at))
    parameters = {
        "tenant_id": tx.tenant_id,
        "run_id": run_id,
        "created_at": tx.began_at,
        "created_by": new.created_by,
        "retain_days": new.retain_days,
        "cutoff": new.cutoff,
        "plan_hash": new.plan_hash,
        "candidates": new.candidates,
        "held": new.held,
        "by_month": json.dumps(dict(new.by_month)),
        "first_id": new.first_id,
        "last_id": new.last_id,
        "warnings": json.dumps(list(new.warnings)),
        "no_id": NO_ID,
    }
    tx.rows(_INSERT, parameters)
    bump_revision(tx, RevisionClass.RETENTION)
    kept = get_run(tx, run_id)
    if kept is None:
        raise AssertionError("a row that was just inserted is not there")
    return kept


def get_run(tx: Transaction, run_id: UUID) -> RunRow | None:
    row = tx.row(_GET, {"run_id": run_id})
    return None if row is None else _run(row)


def lock_run(tx: Transaction, run_id: UUID) -> RunRow | None:
    """Like `get_run`, and nobody else changes it until this transaction ends."""
    row = tx.row(f"{_GET} FOR UPDATE OF retention_runs", {"run_id": run_id})
    return None if row is None else _run(row)


def list_runs(tx: Transaction, *, before: UUID | None, limit: int) -> list[RunRow]:
    """Runs, newest first, older than the run `before`."""
    return [_run(row) for row in tx.rows(_LIST, {"before": before, "limit": limit})]


def run_at_work(tx: Transaction) -> UUID | None:
    """The run that was committed and has not ended; there is one at most."""
    row = tx.row(_AT_WORK)
    return row[0] if row else None


def commit_run(tx: Transaction, run_id: UUID, key_id: str) -> None:
    """Have a planned run carried out. Raises ConstraintViolated where another is at work."""
    tx.rows(_COMMIT, {"run_id": run_id, "key_id": key_id})
    bump_revision(tx, RevisionClass.RETENTION)


def earlier_deletions(tx: Transaction, limit: int) -> list[int]:
    """How many reports the last runs that ended have deleted, the newest first."""
    return [row[0] for row in tx.rows(_EARLIER, {"limit": limit})]


def list_failures(
    tx: Transaction, run_id: UUID, *, after: UUID | None, limit: int
) -> list[FailureRow]:
    """What a run could not delete, in the order of ids, from after the id `after` on."""
    parameters = {"run_id": run_id, "after": after, "limit": limit}
    return [FailureRow(*row) for row in tx.rows(_FAILURES, parameters)]


def _run(row: Row) -> RunRow:
    return RunRow(*with_bytes(row))
