"""Carries a committed run out, chunk by chunk, and notes how far it is.

Chunks need a collector_maint login; all else is done in the tenant's transactions.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from db.ids import TenantId
from db.revisions import RevisionClass, bump_revision
from db.session import Database
from db.transaction import Transaction

_BEGIN: Final = """
UPDATE retention_runs AS run
   SET status = 'running', waits_for = NULL, progressed_at = clock_timestamp(),
       started_at = coalesce(run.started_at, clock_timestamp())
  FROM retention_runs AS before
 WHERE run.run_id = %(run_id)s AND before.run_id = run.run_id
   AND before.status IN ('queued', 'running', 'waiting')
RETURNING before.status
"""
_DELETE: Final = """
SELECT ended, deleted_now, waits_for, waits_until
  FROM collector_delete_reports(%(tenant)s, %(run_id)s, %(most)s)
"""
_NEXT: Final = """
SELECT count(*), (min(id::text COLLATE "C"))::uuid, (max(id::text COLLATE "C"))::uuid
  FROM (SELECT reports.id FROM retention_runs AS run, reports
         WHERE run.run_id = %(run_id)s AND reports.id > run.looked_through
           AND reports.id < %(end)s
         ORDER BY reports.id LIMIT %(limit)s) AS upcoming
"""
_FAIL: Final = """
INSERT INTO retention_failures (
  tenant_id, run_id, first_id, last_id, reports, reason, failed_at)
VALUES (%(tenant_id)s, %(run_id)s, %(first_id)s, %(last_id)s, %(reports)s, %(reason)s,
        clock_timestamp())
"""
_SKIP: Final = """
UPDATE retention_runs SET looked_through = %(last_id)s, progressed_at = clock_timestamp()
 WHERE run_id = %(run_id)s AND status = 'running' AND looked_through < %(last_id)s
"""
# What failed in the part that is gone through again is found again.
_FORGET_FAILURES: Final = """
DELETE FROM retention_failures AS failure USING retention_runs AS run
 WHERE run.run_id = %(run_id)s AND failure.run_id = run.run_id
   AND failure.first_id > run.deferred_from
"""
_WAIT: Final = """
UPDATE retention_runs AS run
   SET status = 'waiting', looked_through = run.deferred_from, deferred_from = NULL,
       progressed_at = clock_timestamp(),
       waits_for = (
         SELECT what || ', which reads reports that are to be deleted, and has them until '
                || to_char(expires_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') || ' or longer'
           FROM report_leases AS lease
          WHERE lease.expires_at > clock_timestamp() AND lease.last_id > run.deferred_from
          ORDER BY lease.first_id LIMIT 1)
 WHERE run_id = %(run_id)s AND status = 'running' AND deferred_from IS NOT NULL
"""
_END: Final = """
UPDATE retention_runs AS run
   SET status = CASE WHEN %(failure)s::text IS NOT NULL THEN 'failed'
                     WHEN EXISTS (SELECT FROM retention_failures AS failed
                                   WHERE failed.run_id = run.run_id) THEN 'done_with_failures'
                     ELSE 'done' END,
       failure = %(failure)s, waits_for = NULL, ended_at = clock_timestamp(),
       progressed_at = clock_timestamp()
 WHERE run_id = %(run_id)s AND status IN ('queued', 'running', 'waiting')
RETURNING run.status
"""
# A run whose job was given up is at work for nobody.
_LEFT: Final = """
SELECT run.tenant_id, run.run_id, outcome.failure
  FROM retention_runs AS run
  LEFT JOIN LATERAL (
    SELECT job.id FROM procrastinate.procrastinate_jobs AS job
     WHERE job.task_name = %(task)s AND job.args ->> 'run_id' = run.run_id::text
     ORDER BY job.id DESC LIMIT 1) AS last ON true
  LEFT JOIN job_outcomes AS outcome ON outcome.job_id = last.id
 WHERE run.status IN ('queued', 'running', 'waiting')
   AND run.progressed_at < clock_timestamp() - make_interval(secs => %(seconds)s)
   AND NOT EXISTS (
     SELECT FROM procrastinate.procrastinate_jobs AS job
      WHERE job.task_name = %(task)s AND job.args ->> 'run_id' = run.run_id::text
        AND job.status IN ('todo', 'doing'))
"""
_FORGET: Final = """
WITH old AS (
  DELETE FROM retention_runs
   WHERE status NOT IN ('queued', 'running', 'waiting')
     AND coalesce(ended_at, created_at) < clock_timestamp() - make_interval(
       days => CASE status WHEN 'planned' THEN %(planned)s ELSE %(ended)s END)
  RETURNING tenant_id, run_id
), failures AS (
  DELETE FROM retention_failures AS failure USING old
   WHERE failure.tenant_id = old.tenant_id AND failure.run_id = old.run_id
)
SELECT count(*) FROM old
"""


@dataclass(frozen=True, slots=True)
class ChunkRow:
    """What one chunk came to. `ended` if there was nothing left to look at; `waits_for` names what
    has a lease of reports that were passed over, which lasts `waits_until` unless it is renewed.
    """

    ended: bool
    deleted: int
    waits_for: str | None
    waits_until: datetime | None


@dataclass(frozen=True, slots=True)
class Upcoming:
    """The reports that the next chunk would look at."""

    reports: int
    first_id: UUID
    last_id: UUID


@dataclass(frozen=True, slots=True)
class LeftRun:
    """A run that is at work, and no job of it; `failure` is why its last job failed, if known."""

    tenant_id: TenantId
    run_id: UUID
    failure: str | None


def begin_run(tx: Transaction, run_id: UUID) -> str | None:
    """Have the run be at work; return the status it had, or None if it has ended or isn't there."""
    row = tx.row(_BEGIN, {"run_id": run_id})
    if row is not None:
        bump_revision(tx, RevisionClass.RETENTION)
    return row[0] if row else None


def delete_chunk(maintenance: Database, tenant_id: TenantId, run_id: UUID, most: int) -> ChunkRow:
    """Delete the next `most` reports of the run, save held ones, in a transaction of its own.

    With them goes what was made of them. Raises DatabaseError, and then nothing was deleted.
    """
    parameters = {"tenant": tenant_id, "run_id": run_id, "most": most}
    with maintenance.system_transaction() as tx:
        row = tx.row(_DELETE, parameters)
    if row is None:
        raise AssertionError("a function with output parameters answered no row")
    return ChunkRow(*row)


def upcoming(tx: Transaction, run_id: UUID, end: UUID, limit: int) -> Upcoming | None:
    """The next reports of the run, those before the id `end`; None if there are none."""
    row = tx.row(_NEXT, {"run_id": run_id, "end": end, "limit": limit})
    return Upcoming(*row) if row and row[0] else None


def fail_chunk(tx: Transaction, run_id: UUID, chunk: Upcoming, reason: str) -> None:
    """Note that these could not be deleted, and go on after them."""
    parameters = {
        "tenant_id": tx.tenant_id,
        "run_id": run_id,
        "first_id": chunk.first_id,
        "last_id": chunk.last_id,
        "reports": chunk.reports,
        "reason": reason[:1000],
    }
    tx.rows(_FAIL, parameters)
    tx.rows(_SKIP, parameters)
    bump_revision(tx, RevisionClass.RETENTION)


def wait_with_run(tx: Transaction, run_id: UUID) -> bool:
    """Have the run wait, if it passed anything over, to go on from there; False if it didn't."""
    tx.rows(_FORGET_FAILURES, {"run_id": run_id})
    waits = tx.changed_rows(_WAIT, {"run_id": run_id}) == 1
    if waits:
        bump_revision(tx, RevisionClass.RETENTION)
    return waits


def end_run(tx: Transaction, run_id: UUID, failure: str | None = None) -> str | None:
    """End the run, failed if a failure is given; return its status, None if it had ended."""
    row = tx.row(_END, {"run_id": run_id, "failure": failure and failure[:1000]})
    if row is not None:
        bump_revision(tx, RevisionClass.RETENTION)
    return row[0] if row else None


def left_runs(maintenance: Database, task: str, seconds: float) -> list[LeftRun]:
    """Runs that nobody has worked on for so long, and for which no job of `task` waits or runs."""
    with maintenance.system_transaction(read_only=True) as tx:
        rows = tx.rows(_LEFT, {"task": task, "seconds": seconds})
    return [LeftRun(TenantId(row[0]), *row[1:]) for row in rows]


def delete_old_runs(maintenance: Database, *, planned_days: int, ended_days: int) -> int:
    """Delete what was planned or has ended so many days ago, failures too; return how many runs."""
    with maintenance.system_transaction() as tx:
        row = tx.row(_FORGET, {"planned": planned_days, "ended": ended_days})
    return row[0] if row else 0
