"""Worker processes of a test, and the jobs that they are given."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from db import access
from db.ids import TenantId
from db.jobs import enqueue
from db.session import Database
from tests.e2e.service_process import ROOT, clean_environment, wait_until
from tests.support.database import TestDatabase

TENANT = TenantId("acme")
_SHOWN = 6000
_EFFECTS = """
CREATE TABLE effects (job_id bigint NOT NULL, stage text NOT NULL);
GRANT INSERT ON effects TO collector_app;
"""


@dataclass(slots=True)
class WorkerProcess:
    """A worker at work."""

    process: subprocess.Popen[bytes]
    log_path: Path

    def events(self, name: str) -> list[dict[str, Any]]:
        """The lines of its log that tell of this event."""
        # PostgreSQL's client library itself prints why the server ended an idle connection.
        written = self.log_path.read_text().splitlines()
        lines = [json.loads(line) for line in written if not line.startswith("FATAL:  ")]
        return [line for line in lines if line["event"] == name]

    def wait_until_working(self, times: int = 1) -> None:
        wait_until(lambda: len(self.events("worker_started")) >= times, "a worker at work")

    def end(self, seconds: float = 30) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=seconds)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(timeout=30)


@contextmanager
def worker(
    environment: Mapping[str, str],
    log_path: Path,
    module: str = "tests.e2e.worker_with_tasks",
) -> Iterator[WorkerProcess]:
    """A worker until the block ends; killed there if it still runs."""
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # Where Python adds no folder by itself, `tests` is found by this alone.
            env={**environment, "PYTHONPATH": str(ROOT)},
        )
    started = WorkerProcess(process, log_path)
    try:
        yield started
    except BaseException:
        # Shown if the test fails; the folder that it stands in is gone then.
        print(f"{log_path.name} ends with:\n{log_path.read_text()[-_SHOWN:]}")
        raise
    finally:
        if process.poll() is None:
            started.kill()


def worker_environment(database: TestDatabase, **settings: str) -> dict[str, str]:
    """Variables of a worker on this database, quick to notice that another one is lost."""
    return clean_environment(
        DATABASE_URL=database.url(access.APP),
        MAINTENANCE_DATABASE_URL=database.direct_url(access.MAINTENANCE),
        **{"WORKER_LOST_SECONDS": "3", "LOG_LEVEL": "debug", **settings},
    )


def make_effects_table(database: TestDatabase) -> None:
    database.run(access.OWNER, _EFFECTS)


def enqueue_jobs(app_url: str, task: str, count: int, **arguments: int) -> list[int]:
    database = Database(app_url)
    try:
        with database.tenant_transaction(TENANT) as tx:
            found = [enqueue(tx, task, arguments) for _ in range(count)]
    finally:
        database.close()
    return [job_id for job_id in found if job_id is not None]
