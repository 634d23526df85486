"""What is in the queue and what is stuck there, for whoever operates it; another try for failures.

Needs a collector_maint login.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from db.session import Database

# Since when a job could run, or runs: of a waiting one, when it is due.
_SINCE: Final = """
CASE status WHEN 'todo' THEN coalesce(scheduled_at, (
         SELECT min(at) FROM procrastinate.procrastinate_events AS event
          WHERE event.job_id = job.id))
       WHEN 'doing' THEN (
         SELECT max(at) FROM procrastinate.procrastinate_events AS event
          WHERE event.job_id = job.id AND event.type = 'started') END
"""
_COUNTS: Final = f"""
SELECT task_name,
       count(*) FILTER (WHERE status = 'todo'),
       count(*) FILTER (WHERE status = 'doing'),
       count(*) FILTER (WHERE status = 'failed'),
       min({_SINCE}) FILTER (WHERE status = 'todo'),
       min({_SINCE}) FILTER (WHERE status = 'doing'),
       clock_timestamp()
  FROM procrastinate.procrastinate_jobs AS job GROUP BY task_name ORDER BY task_name
"""  # noqa: S608 - a constant
_STUCK: Final = f"""
SELECT job.id, task_name, args ->> 'tenant_id', status = 'doing', since, worker.last_heartbeat
  FROM procrastinate.procrastinate_jobs AS job
  LEFT JOIN procrastinate.procrastinate_workers AS worker ON worker.id = job.worker_id
 CROSS JOIN LATERAL (SELECT {_SINCE}) AS told (since)
 WHERE status IN ('todo', 'doing')
   AND since < clock_timestamp() - make_interval(secs => %(seconds)s)
 ORDER BY since, job.id LIMIT %(limit)s
"""  # noqa: S608 - a constant
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
    """How many jobs of one task there are.

    `waits_since` is when the oldest that waits was due, or will be; `runs_since` when the oldest
    that runs began. `counted_at` is the database's clock.
    """

    task: str
    waiting: int
    running: int
    failed: int
    waits_since: datetime | None
    runs_since: datetime | None
    counted_at: datetime

    @property
    def oldest_waiting_seconds(self) -> float:
        """How long the oldest has been due; 0 where none is."""
        return _seconds(self.waits_since, self.counted_at)

    @property
    def oldest_running_seconds(self) -> float:
        """How long the oldest has been running; 0 where none is."""
        return _seconds(self.runs_since, self.counted_at)


@dataclass(frozen=True, slots=True)
class StuckJob:
    """A job that has been due, or running, for longer than any should.

    `worker_seen_at` is the last sign of life of the worker that runs it, None if it waits or the
    worker is gone.
    """

    job_id: int
    task: str
    tenant_id: str | None
    runs: bool
    since: datetime
    worker_seen_at: datetime | None


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


def stuck_jobs(database: Database, *, seconds: float, limit: int) -> list[StuckJob]:
    """Return jobs due or running for `seconds` or longer, the oldest first, at most `limit`."""
    with database.system_transaction(read_only=True) as tx:
        return [StuckJob(*row) for row in tx.rows(_STUCK, {"seconds": seconds, "limit": limit})]


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


def _seconds(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0
