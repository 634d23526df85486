"""The library's application: which work it knows, how it connects, and what becomes of failures.

The only module that names procrastinate's classes; what work does stands in `service.tasks`.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import procrastinate
import structlog
from procrastinate.jobs import Job as QueuedJob
from psycopg import AsyncConnection
from sqlalchemy.engine import URL
from typing_extensions import override

from db.errors import DatabaseError
from db.ids import TenantId
from db.job_upkeep import note_failure
from db.session import Database
from service.failures import frames_of, reason_of
from service.tasks.task import Job, PeriodicTask, Registry, TenantTask, WorkerParts
from service.worker_metrics import Outcome, WorkerMetrics

SYSTEM_QUEUE: Final = "system"
TENANT_QUEUE: Final = "tenants"
_LONGEST_PAUSE_SECONDS: Final = 600
# The library's statements are small; one that takes longer waits for something.
_SESSION: Final = """
SELECT set_config('search_path', 'procrastinate', false),
  set_config('timezone', 'UTC', false),
  set_config('statement_timeout', '10s', false),
  set_config('lock_timeout', '5s', false),
  set_config('idle_in_transaction_session_timeout', '10s', false)
"""
_NETWORK: Final = {
    "connect_timeout": 3,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}

_log = structlog.get_logger("worker")


class GrowingPauses(procrastinate.BaseRetryStrategy):
    """Again after 2, 4, 8 … seconds, ten minutes at most; `attempts` runs in all."""

    def __init__(self, attempts: int) -> None:
        self._attempts = attempts

    @override
    def get_retry_decision(
        self, *, exception: BaseException, job: QueuedJob
    ) -> procrastinate.RetryDecision | None:
        if job.attempts + 1 >= self._attempts:
            return None
        pause = min(2 ** (job.attempts + 1), _LONGEST_PAUSE_SECONDS)
        return procrastinate.RetryDecision(retry_at=datetime.now(UTC) + timedelta(seconds=pause))


def build_app(registry: Registry, runner: "JobRunner", url: URL) -> procrastinate.App:
    """Return the application, not yet open. `url` leads to PostgreSQL itself, past any pooler."""
    connector = procrastinate.PsycopgConnector(
        conninfo=url.set(drivername="postgresql").render_as_string(hide_password=False),
        kwargs={
            name: value
            for name, value in {"application_name": "collector worker", **_NETWORK}.items()
            if name not in url.query
        },
        configure=_set_session,
        min_size=1,
        max_size=2,
        timeout=3,
        reconnect_timeout=3,
    )
    app = procrastinate.App(connector=connector)
    for periodic in registry.periodic:
        _add_periodic(app, periodic, runner)
    for task in registry.tenant:
        _add_tenant_task(app, task, runner)
    return app


async def _set_session(connection: AsyncConnection[Any]) -> None:
    # Behind a pooler in transaction mode these would be other callers' too: it is refused before.
    await connection.execute(_SESSION)
    await connection.commit()


def _add_periodic(app: procrastinate.App, periodic: PeriodicTask, runner: "JobRunner") -> None:
    # Waiting ones are no more than one, and never run beside each other.
    @app.periodic(cron=periodic.cron)
    @app.task(
        name=periodic.name,
        queue=SYSTEM_QUEUE,
        lock=periodic.name,
        queueing_lock=periodic.name,
        pass_context=True,
    )
    def run(context: procrastinate.JobContext, timestamp: int) -> None:
        runner.run_periodic(periodic, context.job)


def _add_tenant_task(app: procrastinate.App, task: TenantTask, runner: "JobRunner") -> None:
    @app.task(
        name=task.name, queue=TENANT_QUEUE, pass_context=True, retry=GrowingPauses(task.attempts)
    )
    def run(context: procrastinate.JobContext, /, tenant_id: str, **arguments: Any) -> None:
        runner.run_tenant_task(task, context.job, TenantId(tenant_id), arguments)


class JobRunner:
    """Does the work of jobs, in the worker's threads; logs how it went, and keeps why it failed."""

    def __init__(self, maintenance: Database, parts: WorkerParts, metrics: WorkerMetrics) -> None:
        self._maintenance = maintenance
        self._metrics = metrics
        self._parts = parts
        self._running: set[int] = set()

    @property
    def running(self) -> list[int]:
        """The ids of the jobs that run at this moment."""
        return sorted(self._running)

    def run_periodic(self, periodic: PeriodicTask, queued: QueuedJob) -> None:
        self._run(queued, lambda: periodic.run(self._maintenance, self._parts), None, 1)

    def run_tenant_task(
        self, task: TenantTask, queued: QueuedJob, tenant_id: TenantId, arguments: dict[str, Any]
    ) -> None:
        job = Job(_id_of(queued), tenant_id, arguments, attempt=queued.attempts + 1)
        self._run(queued, lambda: task.run(job, self._parts), tenant_id, task.attempts)

    def _run(
        self, queued: QueuedJob, work: Callable[[], None], tenant: str | None, attempts: int
    ) -> None:
        job_id, attempt = _id_of(queued), queued.attempts + 1
        log = _log.bind(task=queued.task_name, job_id=job_id, attempt=attempt, tenant=tenant)
        self._running.add(job_id)
        began = time.monotonic()
        outcome: Outcome = "done"
        try:
            work()
        except Exception as error:
            reason, last = reason_of(error), attempt >= attempts
            outcome = "failed" if last else "retried"
            log.error("job_failed", reason=reason, frames=frames_of(error), last=last)
            self._keep(job_id, reason)
            raise
        finally:
            self._running.discard(job_id)
            self._metrics.ran(queued.task_name, outcome, time.monotonic() - began)
        log.debug("job_done")

    def _keep(self, job_id: int, reason: str) -> None:
        try:
            note_failure(self._maintenance, job_id, reason)
        except DatabaseError as unreachable:
            # Mostly what failed the job too; the log has both.
            _log.error("job_failure_not_kept", job_id=job_id, reason=str(unreachable))


def _id_of(queued: QueuedJob) -> int:
    if queued.id is None:
        raise ValueError("The queue handed out a job without an id.")
    return queued.id
