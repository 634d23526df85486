"""Runs jobs until it is told to end, through outages of the database; never lost, seldom twice.

Several may run anywhere: the queue hands each job to one of them. A job whose worker was killed
goes to another; that its effect is had once is `db.jobs.claim_effect`'s part.
"""

import asyncio
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final

import procrastinate
import psycopg
import structlog
from procrastinate.exceptions import ConnectorException
from procrastinate.worker import Worker

from db.errors import DatabaseError
from db.job_upkeep import forget_worker
from service.failures import frames_of
from service.job_queue import SYSTEM_QUEUE, TENANT_QUEUE, JobRunner, build_app
from service.job_watch import JobWatch
from service.key_values import with_keys_revealed
from service.retention_rules import configured_retention
from service.settings import Settings
from service.signing import with_development_signing
from service.tasks.task import Registry
from service.worker_databases import WorkerDatabases, worker_databases
from service.worker_metrics import QueueState, WorkerMetrics, served_metrics
from service.worker_parts import worker_parts

_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 30.0
_FORGET_SECONDS: Final = 3.0

_log = structlog.get_logger("worker")


def run_worker(settings: Settings, registry: Registry) -> None:
    """Work until SIGTERM or SIGINT. Raises SettingsError, EmbeddedError, DatabaseError at start."""
    configured_retention(settings)
    if settings.embedded:
        settings = with_development_signing(settings)
    # It signs checkpoints and manifests, and decrypts what an export asks for; it makes no links.
    settings = with_keys_revealed(settings, ["signing-key", "encryption-key"])
    with worker_databases(settings) as databases:
        parts = worker_parts(settings, databases.tenants, databases.maintenance)
        metrics = WorkerMetrics()
        metrics.registry.register(QueueState(databases.maintenance, registry.names))
        watch = JobWatch(
            databases.maintenance,
            metrics,
            lost_after=settings.worker_lost_seconds,
            stuck_after=settings.job_stuck_seconds,
        )
        with served_metrics(metrics.registry, settings.host, settings.metrics_port), watch:
            runner = JobRunner(databases.maintenance, parts, metrics)
            asyncio.run(_Running(settings, registry, databases, runner).until_ended())


class _Running:
    """One worker process at work."""

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        databases: WorkerDatabases,
        runner: JobRunner,
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._databases = databases
        self._runner = runner
        self._ending = asyncio.Event()
        self._worker: Worker | None = None

    async def until_ended(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end)
        threads = self._settings.worker_concurrency
        loop.set_default_executor(ThreadPoolExecutor(threads, thread_name_prefix="job"))
        loop.set_exception_handler(_log_unexpected)
        pause = _FIRST_PAUSE_SECONDS
        while not self._ending.is_set():
            began = loop.time()
            reason = await self._work()
            if self._ending.is_set():
                break
            # The library's worker ends when it loses the database; what is to be done stays there.
            _log.error("worker_interrupted", reason=reason, again_in_seconds=pause)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), pause)
            lasted = loop.time() - began > _LONGEST_PAUSE_SECONDS
            pause = _FIRST_PAUSE_SECONDS if lasted else min(pause * 2, _LONGEST_PAUSE_SECONDS)
        _log.info("worker_ended")

    async def _work(self) -> str:
        """Work until told to end or the database is lost; return why, as the log may say it."""
        # A pool that failed to open stays unusable, so each try has an application of its own.
        app = build_app(self._registry, self._runner, self._databases.queue)
        try:
            async with app.open_async():
                self._worker = self._new_worker(app)
                _log.info("worker_started", concurrency=self._settings.worker_concurrency)
                if not self._ending.is_set():
                    await self._worker.run()  # type: ignore[no-untyped-call]  # the library's
        except (ConnectorException, psycopg.Error) as error:
            cause = error.__cause__ or error
            return f"the queue failed: {type(cause).__name__}"
        finally:
            self._worker = None
        return "the queue's connection was lost"

    def _new_worker(self, app: procrastinate.App) -> Worker:
        lost = self._settings.worker_lost_seconds
        return Worker(
            app=app,
            queues=[SYSTEM_QUEUE, TENANT_QUEUE],
            concurrency=self._settings.worker_concurrency,
            install_signal_handlers=False,
            update_heartbeat_interval=lost / 3,
            stalled_worker_timeout=lost,
        )

    def _end(self) -> None:
        """First signal: take no more jobs, and finish those that run. A second one lets go."""
        if self._ending.is_set():
            self._let_go()
        self._ending.set()
        if self._worker is not None:
            self._worker.stop()  # type: ignore[no-untyped-call]  # the library's
        asyncio.get_running_loop().call_later(self._settings.worker_finish_seconds, self._let_go)

    def _let_go(self) -> None:
        """End without waiting for jobs: threads can't be interrupted, but the process can.

        What they have not committed is rolled back; other workers take the jobs at once.
        """
        worker = self._worker
        _log.warning("worker_let_go", job_ids=self._runner.running)
        if worker is not None and worker.worker_id is not None:
            self._forget(worker.worker_id)
        os._exit(0)

    def _forget(self, worker_id: int) -> None:
        def forget() -> None:
            # Otherwise its heartbeat, which stops now, tells the others somewhat later.
            with suppress(DatabaseError):
                forget_worker(self._databases.maintenance, worker_id)

        thread = threading.Thread(target=forget, daemon=True)
        thread.start()
        thread.join(_FORGET_SECONDS)


def _log_unexpected(_: asyncio.AbstractEventLoop, told: dict[str, Any]) -> None:
    """What nobody awaited, such as how a job ended, told to a database that was gone."""
    failure = told.get("exception")
    kind = "unknown" if failure is None else type(failure.__cause__ or failure).__name__
    _log.error("worker_task_failed", reason=kind, frames=frames_of(failure))
