"""A service that gives exports, and the workers that write them, as processes of a test."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx2

from db import access
from policies.exports import folder_name
from service.keyring import new_entry
from tests.db.samples import BACKFILL
from tests.e2e.conftest import new_signing_key
from tests.e2e.service_process import Service, running, wait_until
from tests.e2e.worker_process import WorkerProcess, worker, worker_environment
from tests.support.database import TestDatabase
from tests.support.exports import window

TENANT: Final = "acme"
_KEY: Final = "auditor-key-of-the-export-tests"
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

    def fill(self, count: int) -> None:
        """So many reports of the tenant, of the last hour."""
        values = {"tenant": TENANT, "count": count, "start": "now", "span": "-1 hour"}
        self.database.run(access.OWNER, BACKFILL, values)

    def call(self, method: str, path: str, **options: Any) -> httpx2.Response:
        headers = {"X-Tenant": TENANT, "X-Api-Key": _KEY}
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

    def wait_to_have_written(self, **more: Any) -> int:
        """How large such an export is; it is cancelled again, and a worker had for it alone."""
        export_id = self.ask(**more)
        with self.worker():
            size: int = self.wait_for(export_id, "done")["size"]
            assert self.call("POST", f"/exports/{export_id}/cancel").status_code == 200
            wait_until(lambda: self.files(export_id) == [], "its file to be deleted")
        return size

    def download(self, export_id: str) -> bytes:
        """The file, from the store itself where the service leads there."""
        answer = self.call("GET", self.look(export_id)["download_url"])
        if answer.status_code == 303:
            # What the service is sent is none of the store's business.
            answer = httpx2.get(answer.headers["location"], trust_env=False, timeout=30)
        assert answer.status_code == 200, answer.content
        content: bytes = answer.content
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
        below = self.folder / "exports" / folder_name(TENANT, UUID(export_id))
        return sorted(file.name for file in below.iterdir()) if below.exists() else []

    @contextmanager
    def worker(self) -> Iterator[WorkerProcess]:
        self.started += 1
        log = self.folder / f"worker-{self.started}"
        with worker(self.environment, log, _MODULE) as process:
            yield process


@contextmanager
def exporting_with(
    database: TestDatabase, folder: Path, settings: Mapping[str, str]
) -> Iterator[Exporting]:
    """`settings` say where exports lie; logs and all else that is made go to `folder`."""
    environment = worker_environment(
        database,
        API_KEYS=f"eve:{TENANT}:auditor:{_KEY}",
        SIGNING_KEY=new_signing_key(),
        ENCRYPTION_KEYS=new_entry(),
        EXPORT_SIGN_SECRET="a secret of the links of these tests",
        COLLECTOR_HOME=str(folder / "home"),
        METRICS_PORT="0",
        DRAIN_SECONDS="0",
        **settings,
    )
    with running("serve", environment, folder / "log") as service:
        yield Exporting(service, database, environment, folder)
