"""Exports by `collector export`: a service with reports of some megabytes, and where they go."""

import os
import secrets
import signal
import subprocess
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from click.testing import CliRunner, Result

from service.export_command import export
from tests.e2e.service_process import (
    COLLECTOR,
    Service,
    clean_environment,
    command_line_of,
    descendants,
    wait_until,
)

LARGE: Final = 60
_RAW_BYTES: Final = 10_000


def store_large_reports(service: Service) -> None:
    """LARGE reports, each with a raw of some 35 kB that can hardly be compressed."""
    with service.client("operator") as client:
        for place in range(LARGE):
            report = {
                "status": {"api": ("pass", "warn", "fail")[place % 3]},
                "notes": [f"ünïcode\n{place}"],
                # Numbers, in which redaction finds no secret.
                "raw": {"bytes": list(secrets.token_bytes(_RAW_BYTES))},
            }
            client.post("/ingest/qc", json=report).raise_for_status()


def listed(service: Service) -> list[dict[str, Any]]:
    """What the API answers of each report, oldest first."""
    with service.client("viewer") as client:
        items = client.get("/reports", params={"limit": 100}).raise_for_status().json()["items"]
        return [client.get(f"/reports/{each['id']}").json() for each in reversed(items)]


@dataclass(frozen=True, slots=True)
class Exported:
    """A service with reports of some megabytes, and a folder to export to."""

    service: Service
    folder: Path

    def environment(self, role: str = "auditor", url: str | None = None) -> dict[str, str]:
        return clean_environment(
            COLLECTOR_URL=url or self.service.url, API_KEY=self.service.keys[role], TENANT_ID="demo"
        )

    def export(self, *arguments: object, role: str = "auditor", url: str | None = None) -> Result:
        """In this process, which is sooner, and in the folder."""
        given = self.environment(role, url)
        with chdir(self.folder):
            ended = CliRunner().invoke(export, [str(each) for each in arguments], env=given)
        assert ended.exception is None or isinstance(ended.exception, SystemExit)
        return ended

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [COLLECTOR, "export", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env=self.environment(),
        )

    def look(self, export_id: str) -> str:
        with self.service.api("auditor") as client:
            return client.get_export(export_id=UUID(export_id)).body.status

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())

    @contextmanager
    def no_worker_works(self) -> Iterator[None]:
        """The worker stands still until the block ends."""
        wait_until(lambda: bool(self._workers()), "a worker")
        [worker] = self._workers()
        os.kill(worker, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(worker, signal.SIGCONT)

    def _workers(self) -> list[int]:
        below = descendants(self.service.process.pid)
        return [pid for pid in below if b"service.worker_command" in command_line_of(pid)]
