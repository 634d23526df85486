"""Looks after the queue of jobs as a whole; needs a collector_maint login.

Fetching, finishing and retrying jobs is the library's; here is what it leaves to its users: jobs of
lost workers, why a job failed, and old rows.
"""

from dataclasses import dataclass
from typing import Final

from db import access, errors
from db.session import Database
from db.transaction import Transaction

# The library's functions and triggers name their tables without a schema.
_PATH: Final = "SELECT set_config('search_path', 'procrastinate', true)"
# In one statement, which locks what it judges: of two that look at once, each job is one's.
_LOST: Final = """
SELECT job.id, job.task_name, job.attempts + 1
  FROM procrastinate_jobs AS job
 WHERE job.status = 'doing'
   AND NOT EXISTS (
     SELECT FROM procrastinate_workers AS worker
      WHERE worker.id = job.worker_id
        AND worker.last_heartbeat >= now() - make_interval(secs => %(lost_after)s))
 ORDER BY job.id
 LIMIT 1000
   FOR UPDATE OF job SKIP LOCKED
"""
_RETRY: Final = "SELECT procrastinate_retry_job_v2(%(job_id)s, now(), NULL, NULL, NULL)"
_FAIL: Final = "SELECT procrastinate_finish_job_v1(%(job_id)s, 'failed', false)"
_NOTE: Final = """
INSERT INTO public.job_outcomes (job_id, had_effect, failure, failed_at)
VALUES (%(job_id)s, false, %(reason)s, clock_timestamp())
ON CONFLICT (job_id) DO UPDATE SET failure = excluded.failure, failed_at = excluded.failed_at
"""
_LONGEST_REASON: Final = 1000
_FINISHED: Final = """
DELETE FROM procrastinate_jobs
 WHERE id = ANY (ARRAY(
   SELECT job.id FROM procrastinate_jobs AS job
    WHERE job.status NOT IN ('todo', 'doing')
      AND NOT EXISTS (
        SELECT FROM procrastinate_events AS event
         WHERE event.job_id = job.id
           AND event.at > now() - make_interval(
             hours => CASE job.status WHEN 'succeeded' THEN %(succeeded)s ELSE %(failed)s END))
    ORDER BY job.id LIMIT %(limit)s))
"""
_LEFT_OUTCOMES: Final = """
DELETE FROM public.job_outcomes AS outcome
 WHERE NOT EXISTS (SELECT FROM procrastinate_jobs AS job WHERE job.id = outcome.job_id)
"""
# By the table's id, as its name means nothing to who may not look into its schema.
_RIGHTS: Final = """
SELECT current_user::text, has_schema_privilege(pg_namespace.oid, 'USAGE')
       AND has_table_privilege(pg_class.oid, 'UPDATE')
  FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
 WHERE nspname = 'procrastinate' AND relname = 'procrastinate_jobs'
"""
_FORGET_WORKER: Final = "DELETE FROM procrastinate.procrastinate_workers WHERE id = %(worker_id)s"


@dataclass(frozen=True, slots=True)
class LostJob:
    """A job whose worker is gone. `failed` if that was once too often; else it waits again."""

    job_id: int
    task: str
    failed: bool


def take_back_lost_jobs(
    database: Database, *, lost_after: float, most_attempts: int
) -> list[LostJob]:
    """Give jobs to others whose worker sent no heartbeat for `lost_after` seconds.

    A job that lost its worker `most_attempts` times is failed instead: it may well be what kills
    them. Safe to run by any number at once, and while the worker is only thought dead.
    """
    with database.system_transaction() as tx:
        tx.rows(_PATH)
        return [
            _take_back(tx, LostJob(job_id, task, attempts >= most_attempts))
            for job_id, task, attempts in tx.rows(_LOST, {"lost_after": lost_after})
        ]


def _take_back(tx: Transaction, job: LostJob) -> LostJob:
    tx.rows(_FAIL if job.failed else _RETRY, {"job_id": job.job_id})
    reason = "WorkerLost: the worker that ran it was killed or cut off"
    tx.rows(_NOTE, {"job_id": job.job_id, "reason": reason})
    return job


def note_failure(database: Database, job_id: int, reason: str) -> None:
    """Keep why a job's last attempt failed, beside the job. `reason` holds no input, no secret."""
    with database.system_transaction() as tx:
        tx.rows(_NOTE, {"job_id": job_id, "reason": reason[:_LONGEST_REASON]})


def delete_finished_jobs(
    database: Database, *, succeeded_hours: int, failed_hours: int, chunk: int = 1_000
) -> int:
    """Delete jobs that ended that long ago, a transaction a chunk; return how many."""
    deleted = 0
    while True:
        with database.system_transaction() as tx:
            tx.rows(_PATH)
            kept = {"succeeded": succeeded_hours, "failed": failed_hours, "limit": chunk}
            gone = tx.changed_rows(_FINISHED, kept)
            if gone < chunk:
                tx.rows(_LEFT_OUTCOMES)
        deleted += gone
        if gone < chunk:
            return deleted


def forget_worker(database: Database, worker_id: int) -> None:
    """Have a worker's jobs count as lost at once, because it ends before they do."""
    with database.system_transaction() as tx:
        tx.rows(_FORGET_WORKER, {"worker_id": worker_id})


def require_queue_rights(database: Database) -> None:
    """Return if this login may run jobs; raise AccessRefused that says which may."""
    with database.system_transaction(read_only=True) as tx:
        role, may = tx.row(_RIGHTS) or ("unknown", False)
    if not may:
        raise errors.AccessRefused(
            f"The role {role} may not run jobs; log in as {access.MAINTENANCE}."
        )
