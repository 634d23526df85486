"""What is in the queue, for whoever operates it, and another try for what failed.

Needs a collector_maint login.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from db.session import Database

_COUNTS: Final = """
SELECT task_name,
       count(*) FILTER (WHERE status = 'todo'),
       count(*) FILTER (WHERE status = 'doing'),
       count(*) FILTER (WHERE status = 'failed'),
       min(coalesce(scheduled_at, (SELECT min(at) FROM procrastinate.procrastinate_events AS event
                                    WHERE event.job_id = job.id)))
         FILTER (WHERE status = 'todo')
  FROM procrastinate.procrastinate_jobs AS job GROUP BY task_name ORDER BY task_name
"""
_FAILED: Final = """
SELECT job.id, task_name, args ->> 'tenant_id', attempts, failed_at, failure
  FROM procrastinate.procrastinate_jobs AS job
  LEFT JOIN public.job_outcomes AS outcome ON outcome.job_id = job.id
 WHERE status = 'failed' ORDER BY job.id DESC LIMIT %(limit)s
"""
# The queue's triggers name their tables without a schema.
_PATH: Final = "SELECT set_config('search_path', 'procrastinate', true)"
_AGAIN: Final = """
UPDATE procrastinate_jobs SET status = 'todo', attempts = 0, scheduled_at = NULL, worker_id = NULL
 WHERE id = %(job_id)s AND status = 'failed'
"""


@dataclass(frozen=True, slots=True)
class TaskCounts:
    """How many jobs of one task there are; `waits_since` is of the oldest that waits."""

    task: str
    waiting: int
    running: int
    failed: int
    waits_since: datetime | None


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A job that will not be tried again by itself. `tenant_id` is None for periodic work."""

    job_id: int
    task: str
    tenant_id: str | None
    attempts: int
    failed_at: datetime | None
    failure: str | None


def task_counts(database: Database) -> list[TaskCounts]:
    with database.system_transaction(read_only=True) as tx:
        return [TaskCounts(*row) for row in tx.rows(_COUNTS)]


def failed_jobs(database: Database, limit: int) -> list[FailedJob]:
    """Return the last `limit` of them, newest first."""
    with database.system_transaction(read_only=True) as tx:
        return [FailedJob(*row) for row in tx.rows(_FAILED, {"limit": limit})]


def try_again(database: Database, job_id: int) -> bool:
    """Let a failed job wait for a worker as if it were new; False if no such job has failed.

    Raises ConstraintViolated where a job that stands for the same waits already.
    """
    with database.system_transaction() as tx:
        tx.rows(_PATH)
        return tx.changed_rows(_AGAIN, {"job_id": job_id}) == 1
