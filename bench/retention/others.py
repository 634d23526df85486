"""Those who use the service meanwhile: CI that ingests, people who list, and exports."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from bench.deployment import Deployment
from bench.exports.asking import Exports
from bench.load import Figures
from bench.rounds import Plan
from bench.servers import ServerSubject
from bench.workload import INGEST, LIST, Workload

_CLIENTS: Final = 2
_EXPORTED_DAYS: Final = 20


@dataclass(frozen=True, slots=True)
class Felt:
    """What they felt in one stretch of time. `exports` is how many were finished."""

    ingest: Figures
    listed: Figures
    exports: int


def felt(deployment: Deployment, seconds: float) -> Felt:
    """Two clients ingest and two list, one request each at a time, while one export follows
    another. Raises BenchError on any wrong answer.
    """
    subject = ServerSubject(deployment.server)

    def load(workload: Workload) -> Figures:
        plan = Plan(
            rounds=1, seconds=seconds, warm_up=1.0, clients=_CLIENTS, batches=0, workloads=[]
        )
        figures, _ = subject.run(plan, workload)
        return figures

    with _exporting(deployment) as finished, ThreadPoolExecutor(2) as pool:
        ingest, listed = pool.map(load, (INGEST, LIST))
        return Felt(ingest, listed, len(finished))


@contextmanager
def _exporting(deployment: Deployment) -> Iterator[list[str]]:
    """The ids of finished exports; what was raised is raised at the end of the block."""
    exports, finished, ended = Exports(deployment), [], threading.Event()
    until = deployment.size.end
    since = until - timedelta(days=_EXPORTED_DAYS)

    def run() -> None:
        while not ended.is_set():
            export_id = exports.make("ndjson", since, until)
            exports.wait(export_id, "done")
            finished.append(export_id)
            time.sleep(0.2)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run)
        try:
            yield finished
        finally:
            ended.set()
        running.result()
