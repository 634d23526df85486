"""The database's disk fills up: writes are refused, reads go on, and freed space is enough.

Both ways in which PostgreSQL meets it: as an error where it extends a table, and as a panic where
it can't make the next file of its write-ahead log.
"""

import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx2
import psycopg2
import pytest

from ci.disk_full.small_disk import fill, small_disk_at
from db.embedded import ADMINISTRATOR, EmbeddedDatabase
from tests.e2e.service_process import (
    Service,
    clean_environment,
    running,
    short_folder,
    wait_until,
)

SIZE = "192m"
GIVE_UP_SECONDS = 60


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """An empty file system of SIZE."""
    with short_folder() as folder, small_disk_at(folder / "disk", SIZE) as disk:
        yield disk


@pytest.fixture
def service(small_disk: Path) -> Iterator[Service]:
    environment = clean_environment(
        COLLECTOR_HOME=str(small_disk / "home"),
        DRAIN_SECONDS="0",
        RATE_LIMIT_KEY_WRITES="off",
        RATE_LIMIT_TENANT_WRITES="off",
    )
    with running("up", environment, small_disk.parent / "log") as started:
        yield started


def _post(client: httpx2.Client) -> httpx2.Response:
    # What compression can't shrink.
    notes = [secrets.token_hex(4000) for _ in range(20)]
    return client.post("/ingest/qc", json={"status": {"api": "pass"}, "notes": notes})


def _post_until_refused(client: httpx2.Client, stored: list[str]) -> httpx2.Response:
    give_up = time.monotonic() + GIVE_UP_SECONDS
    while time.monotonic() < give_up:
        answer = _post(client)
        if answer.status_code != 201:
            return answer
        stored.append(answer.json()["id"])
    raise AssertionError("the disk never filled up")


def _is_refusal(answer: httpx2.Response) -> bool:
    return answer.status_code == 503 and answer.headers["content-type"].endswith("problem+json")


def test_full_disk_refuses_reports_and_loses_none_until_space_is_freed(
    small_disk: Path, service: Service
) -> None:
    with service.client() as client:
        stored = [_post(client).json()["id"] for _ in range(5)]
        filler = fill(small_disk)
        refused = _post_until_refused(client, stored)
        assert _is_refusal(refused)
        assert "reading goes on" in refused.json()["detail"]
        assert int(refused.headers["Retry-After"]) >= 1
        assert client.get("/reports").status_code == 200
        health = client.get("/health")
        assert (health.status_code, health.json()["database"]) == (200, "refuses_writes")
        assert "StorageFull" in service.log()
        filler.unlink()
        assert _post(client).status_code == 201
        assert client.get("/health").json()["status"] == "ok"
        assert {client.get(f"/reports/{each}").status_code for each in stored} == {200}
        assert service.stop() == 0


def test_full_disk_under_the_write_ahead_log_makes_postgresql_panic_and_loses_nothing(
    small_disk: Path, service: Service
) -> None:
    with service.client() as client:
        stored = [_post(client).json()["id"] for _ in range(5)]
        filler = fill(small_disk)
        # It recovers by itself, or, where that needs room too, ends and is started again.
        _use_up_log_files(small_disk / "home")
        assert "PANIC" in (small_disk / "home" / "postgres" / "server.log").read_text()
        assert _is_refusal(_post_until_refused(client, stored))
        assert client.get("/health/live").status_code == 200
        filler.unlink()
        wait_until(lambda: _post(client).status_code == 201, "reports to be stored again", 60)
        wait_until(lambda: client.get("/health").status_code == 200, "readiness")
        assert {client.get(f"/reports/{each}").status_code for each in stored} == {200}
        assert service.stop() == 0


def _use_up_log_files(home: Path) -> None:
    """Goes through the files of the write-ahead log that were made ahead, until one is missing."""
    database = EmbeddedDatabase.attach(home)
    connection = psycopg2.connect(database.libpq_dsn(ADMINISTRATOR))
    connection.autocommit = True
    with suppress(psycopg2.OperationalError), connection.cursor() as cursor:
        for _ in range(100):
            cursor.execute("SELECT pg_logical_emit_message(true, '', 'x'); SELECT pg_switch_wal()")
    connection.close()
