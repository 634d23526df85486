"""A batch is written to a temporary file as it comes: where there's no room, that is a 503."""

import json
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.external_postgres import ExternalPostgres, migrated_postgres
from tests.e2e.external_service import TENANT, external_service, serving

LARGEST_FILE = 1024 * 1024


@pytest.fixture(scope="module")
def postgres() -> Iterator[ExternalPostgres]:
    with migrated_postgres() as started:
        yield started


def test_batch_that_finds_no_room_is_told_to_come_back_and_others_are_served(
    postgres: ExternalPostgres, folder: Path
) -> None:
    """A limit on the size of files stands for the full disk: writing fails in the same place."""
    lines = [
        json.dumps({"status": {"api": "pass"}, "notes": ["x" * 4000, str(n)]}) for n in range(500)
    ]
    batch = "\n".join(lines).encode()
    ndjson = {"Content-Type": "application/x-ndjson"}
    with (
        external_service(serving(postgres), folder / "log") as service,
        service.client(tenant=TENANT) as client,
    ):
        _, hard = resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (LARGEST_FILE, hard))
        refused = client.post("/ingest/qc/batch", content=batch, headers=ndjson)
        assert (refused.status_code, refused.json()["type"]) == (503, "/problems/unavailable")
        assert "no room" in refused.json()["detail"]
        assert int(refused.headers["Retry-After"]) >= 1
        assert client.get("/reports").json()["items"] == []
        assert client.post("/ingest/qc", content=lines[0].encode(), headers=JSON).status_code == 201
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        stored = client.post("/ingest/qc/batch", content=batch, headers=ndjson)
        assert (stored.status_code, stored.json()["refused"]) == (200, 0)


JSON = {"Content-Type": "application/json"}
