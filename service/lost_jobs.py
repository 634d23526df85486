"""Gives the jobs of killed workers to others, from a thread of every worker.

No job itself: one would wait for a free place, or be lost with its own worker.
"""

import threading
from typing import Final, Self

import structlog

from db.errors import DatabaseError
from db.job_upkeep import take_back_lost_jobs
from db.session import Database

_MOST_ATTEMPTS: Final = 5
# Jobs that a worker let go of as it ended are lost at once.
_LONGEST_PAUSE_SECONDS: Final = 5.0

_log = structlog.get_logger("worker")


class LostJobs:
    """Start with `with`; the thread ends with the block."""

    def __init__(self, database: Database, lost_after: float) -> None:
        self._database = database
        self._lost_after = lost_after
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lost-jobs", daemon=True)

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
            say = _log.error if job.failed else _log.warning
            say("job_lost", job_id=job.job_id, task=job.task, failed=job.failed)
