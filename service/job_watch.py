"""Gives the jobs of killed workers to others, and tells of stuck ones.

A thread of every worker and no job itself: one would wait for a free place, or be lost with its
own worker.
"""

import threading
import time
from typing import Final, Self

import structlog

from db.errors import DatabaseError
from db.job_list import StuckJob, stuck_jobs
from db.job_upkeep import take_back_lost_jobs
from db.session import Database
from service.worker_metrics import WorkerMetrics

_MOST_ATTEMPTS: Final = 5
# Jobs that a worker let go of as it ended are lost at once.
_LONGEST_PAUSE_SECONDS: Final = 5.0
_BETWEEN_LOOKS_SECONDS: Final = 30.0
_MOST_TOLD: Final = 20

_log = structlog.get_logger("worker")


class JobWatch:
    """Start with `with`; the thread ends with the block.

    A worker without a sign of life for `lost_after` seconds has lost its jobs; a job that is due
    or runs for `stuck_after` seconds is told of, once.
    """

    def __init__(
        self, database: Database, metrics: WorkerMetrics, *, lost_after: float, stuck_after: float
    ) -> None:
        self._database = database
        self._metrics = metrics
        self._lost_after = lost_after
        self._stuck_after = stuck_after
        self._looked_at = float("-inf")
        self._told: frozenset[tuple[int, bool]] = frozenset()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="job-watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        known = True
        while not self._ended.wait(min(self._lost_after / 3, _LONGEST_PAUSE_SECONDS)):
            try:
                self._take_back()
                self._look_for_stuck()
            except DatabaseError as error:
                # The next round tries again. An outage is told of once, not each second.
                if known:
                    _log.error("lost_jobs_unknown", reason=str(error))
                known = False
            else:
                known = True

    def _take_back(self) -> None:
        lost = take_back_lost_jobs(
            self._database, lost_after=self._lost_after, most_attempts=_MOST_ATTEMPTS
        )
        for job in lost:
            self._metrics.lost(job.task)
            say = _log.error if job.failed else _log.warning
            say("job_lost", job_id=job.job_id, task=job.task, failed=job.failed)

    def _look_for_stuck(self) -> None:
        if time.monotonic() - self._looked_at < min(self._stuck_after / 4, _BETWEEN_LOOKS_SECONDS):
            return
        stuck = stuck_jobs(self._database, seconds=self._stuck_after, limit=_MOST_TOLD)
        for job in stuck:
            if (job.job_id, job.runs) not in self._told:
                _tell(job)
        self._told = frozenset((job.job_id, job.runs) for job in stuck)
        self._looked_at = time.monotonic()


def _tell(job: StuckJob) -> None:
    _log.warning(
        "job_stuck",
        job_id=job.job_id,
        task=job.task,
        tenant=job.tenant_id,
        state="running" if job.runs else "waiting",
        since=job.since.isoformat(),
    )
