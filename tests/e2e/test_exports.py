"""Exports by real workers, which are killed or find no room; a service gives the files."""

import gzip
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest

from db import access
from policies.exports import folder_name
from service.keyring import new_entry
from tests.db.samples import BACKFILL
from tests.e2e.conftest import new_signing_key
from tests.e2e.service_process import Service, running, wait_until
from tests.e2e.worker_process import WorkerProcess, worker, worker_environment
from tests.support.database import TestDatabase
from tests.support.exports import window

_KEY, _TENANT = "auditor-key-of-the-export-tests", "acme"
_PARTS = "SELECT count(*)::int FROM export_parts WHERE export_id = %s"
_MODULE = "service.worker_command"


@dataclass(slots=True)
class Exporting:
    """A service, and what its workers are started with; none runs yet."""

    service: Service
    database: TestDatabase
    environment: dict[str, str]
    folder: Path
    started: int = 0

    def call(self, method: str, path: str, **options: Any) -> httpx2.Response:
        headers = {"X-Tenant": _TENANT, "X-Api-Key": _KEY}
        with httpx2.Client(base_url=self.service.url, trust_env=False, timeout=30) as client:
            return client.request(method, path, headers=headers, **options)

    def ask(self, **more: Any) -> str:
        answer = self.call("POST", "/exports", json={**window(), "format": "ndjson", **more})
        assert answer.status_code == 202, answer.content
        export_id: str = answer.json()["id"]
        return export_id

    def look(self, export_id: str) -> dict[str, Any]:
        told: dict[str, Any] = self.call("GET", f"/exports/{export_id}").json()
        return told

    def wait_for(self, export_id: str, status: str) -> dict[str, Any]:
        wait_until(lambda: self.look(export_id)["status"] == status, f"it to be {status}", 90)
        return self.look(export_id)

    def download(self, export_id: str) -> bytes:
        content: bytes = self.call("GET", self.look(export_id)["download_url"]).content
        return content

    def parts(self, export_id: str) -> int:
        [(count,)] = self.database.run(access.OWNER, _PARTS, (export_id,))
        assert isinstance(count, int)
        return count

    def is_at(self, export_id: str, parts: int) -> bool:
        """Whether it is being written, and has so many parts."""
        runs = self.look(export_id)["status"] == "running"
        return runs and self.parts(export_id) >= parts

    def files(self, export_id: str) -> list[str]:
        below = self.folder / "exports" / folder_name(_TENANT, UUID(export_id))
        return sorted(file.name for file in below.iterdir()) if below.exists() else []

    @contextmanager
    def worker(self) -> Iterator[WorkerProcess]:
        self.started += 1
        log = self.folder / f"worker-{self.started}"
        with worker(self.environment, log, _MODULE) as process:
            yield process


@pytest.fixture
def exporting(own_database: TestDatabase, folder: Path) -> Iterator[Exporting]:
    environment = worker_environment(
        own_database,
        API_KEYS=f"eve:{_TENANT}:auditor:{_KEY}",
        SIGNING_KEY=new_signing_key(),
        ENCRYPTION_KEYS=new_entry(),
        EXPORT_SIGN_SECRET="a secret of the links of these tests",
        EXPORT_STORE=str(folder / "exports"),
        COLLECTOR_HOME=str(folder / "home"),
        METRICS_PORT="0",
        DRAIN_SECONDS="0",
    )
    with running("serve", environment, folder / "log") as service:
        yield Exporting(service, own_database, environment, folder)


def _fill(exporting: Exporting, count: int) -> None:
    values = {"tenant": _TENANT, "count": count, "start": "now", "span": "-1 hour"}
    exporting.database.run(access.OWNER, BACKFILL, values)


def test_worker_killed_three_times_leaves_the_file_it_would_have_been(
    exporting: Exporting,
) -> None:
    _fill(exporting, 120_000)
    killed = exporting.ask()
    for parts in range(3):
        with exporting.worker() as process:
            wait_until(partial(exporting.is_at, killed, parts), f"{parts} parts", 60)
            process.kill()
    undisturbed = exporting.ask()
    with exporting.worker():
        told = exporting.wait_for(killed, "done")
        other = exporting.wait_for(undisturbed, "done")
    assert told["progress"] == {"done": 120_000, "total": 120_000}
    assert told["sha256"] == other["sha256"]
    content = exporting.download(killed)
    assert content == exporting.download(undisturbed)
    assert gzip.decompress(content).count(b"\n") == 120_000
    assert exporting.files(killed) == exporting.files(undisturbed) == ["export.ndjson.gz"]


def test_export_cancelled_on_the_way_leaves_nothing(exporting: Exporting) -> None:
    _fill(exporting, 120_000)
    export_id = exporting.ask()
    with exporting.worker():
        wait_until(lambda: exporting.parts(export_id) >= 1, "a part", 60)
        assert exporting.call("POST", f"/exports/{export_id}/cancel").status_code == 200
        wait_until(lambda: exporting.parts(export_id) == 0, "its ledger to be struck")
    assert exporting.files(export_id) == []


def test_where_there_is_no_room_an_export_waits_until_there_is(exporting: Exporting) -> None:
    """A limit on the size of files stands for the full disk: writing fails in the same place."""
    _fill(exporting, 60_000)
    export_id = exporting.ask(compression="none")
    with exporting.worker() as process:
        process.wait_until_working()
        _, hard = resource.prlimit(process.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.process.pid, resource.RLIMIT_FSIZE, (1024 * 1024, hard))
        wait_until(lambda: bool(process.events("job_failed")), "it to find no room", 60)
        assert exporting.look(export_id)["status"] == "running"
        assert exporting.files(export_id) == []
        resource.prlimit(process.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        exporting.wait_for(export_id, "done")
    [failed, *_] = process.events("job_failed")
    assert "StoreUnavailable" in failed["reason"]
    assert exporting.download(export_id).count(b"\n") == 60_000
