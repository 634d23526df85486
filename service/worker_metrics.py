"""What a worker tells Prometheus, on a port of its own: how its jobs went, and what is queued.

Labels are names of tasks and outcomes, never a tenant or an id.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, Literal

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from db.errors import DatabaseError
from db.job_list import TaskCounts, task_counts
from db.session import Database

Outcome = Literal["done", "retried", "failed"]

_BUCKETS: Final = (0.01, 0.05, 0.25, 1, 5, 15, 60, 300, 900, 3600)

_log = structlog.get_logger("worker")


class WorkerMetrics:
    """The counts of one worker process. Safe in several threads."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._runs = Counter(
            "collector_job_runs",
            "Runs of jobs that ended in this worker: done, failed and to be retried, or failed "
            "for good.",
            ["task", "outcome"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "collector_job_run_seconds",
            "How long runs of jobs took in this worker.",
            ["task"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._lost = Counter(
            "collector_jobs_lost",
            "Jobs that this worker took back from workers that were killed or cut off.",
            ["task"],
            registry=self.registry,
        )

    def ran(self, task: str, outcome: Outcome, seconds: float) -> None:
        self._runs.labels(task, outcome).inc()
        self._seconds.labels(task).observe(seconds)

    def lost(self, task: str) -> None:
        self._lost.labels(task).inc()


class QueueState(Collector):
    """The whole queue as it is when asked; every worker tells the same.

    `tasks` are shown even where no job of theirs is there. An unreachable database is a metric of
    its own, and the rest is then left out: an old figure would look like a fresh one.
    """

    def __init__(self, database: Database, tasks: frozenset[str]) -> None:
        self._database = database
        self._tasks = tasks
        self._asking = threading.Lock()

    def describe(self) -> Iterator[Metric]:
        """Nothing: naming what it tells must not ask the database."""
        return iter(())

    @override
    def collect(self) -> Iterator[Metric]:
        counts = self._counts()
        yield GaugeMetricFamily(
            "collector_job_queue_reachable",
            "1 if the queue could be read, else 0.",
            value=counts is not None,
        )
        if counts is not None:
            yield self._depth(counts)
            yield _ages("waiting", "been due", {c.task: c.oldest_waiting_seconds for c in counts})
            yield _ages(
                "running", "been running", {c.task: c.oldest_running_seconds for c in counts}
            )

    def _counts(self) -> list[TaskCounts] | None:
        # One connection is enough for however many ask.
        with self._asking, suppress(DatabaseError):
            return task_counts(self._database)
        return None

    def _depth(self, counts: list[TaskCounts]) -> Metric:
        family = GaugeMetricFamily(
            "collector_jobs",
            "Jobs in the queue by state; failed ones are kept for two weeks.",
            labels=["task", "state"],
        )
        found = {row.task: (row.waiting, row.running, row.failed) for row in counts}
        for task in sorted(self._tasks | found.keys()):
            states = zip(("waiting", "running", "failed"), found.get(task, (0, 0, 0)), strict=True)
            for state, number in states:
                family.add_metric([task, state], number)
        return family


def _ages(state: str, what: str, seconds: dict[str, float]) -> Metric:
    family = GaugeMetricFamily(
        f"collector_jobs_oldest_{state}_seconds",
        f"How long the oldest {state} job has {what}; 0 where none is.",
        labels=["task"],
    )
    for task, age in seconds.items():
        family.add_metric([task], age)
    return family


@contextmanager
def served_metrics(registry: CollectorRegistry, host: str, port: int) -> Iterator[None]:
    """Serve them over HTTP until the block ends. Work goes on where the port is not to be had."""
    try:
        server, thread = start_http_server(port, addr=host, registry=registry)
    except OSError as error:
        _log.warning("metrics_not_served", host=host, port=port, reason=error.strerror)
        yield
        return
    _log.info("metrics_served", host=host, port=server.server_port)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
