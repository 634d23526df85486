"""What is acknowledged stays, whatever is killed; and the service recovers by itself."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx2

from tests.e2e.service_process import ROOT, clean_environment, running, wait_until


def test_everything_acknowledged_is_stored_once_whatever_is_killed() -> None:
    """Each of the six things is killed once; by hand it is run with 10,000 reports."""
    ended = subprocess.run(
        [
            *(sys.executable, ROOT / "scripts/prove_recovery"),
            *("--reports", "400", "--clients", "4", "--kills", "6"),
        ],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "400 of 400 acknowledged reports are there, each once" in ended.stdout
    for killed in ("postmaster", "backends", "server process", "first process", "client"):
        assert killed in ended.stdout


def test_a_killed_database_is_brought_back_and_the_service_is_ready_again(
    folder: Path, environment: dict[str, str]
) -> None:
    with running("up", environment, folder / "log") as service, service.client() as client:
        killed = service.postmaster()
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: client.get("/health").status_code == 200, "readiness")
        assert client.post("/ingest/qc", json={"status": {"api": "pass"}}).status_code == 201
        assert service.postmaster() != killed
        assert client.get("/health/live").status_code == 200


def test_a_request_while_the_database_is_away_is_a_503_problem_that_says_when_to_retry(
    folder: Path, environment: dict[str, str]
) -> None:
    with running("up", environment, folder / "log") as service, service.client() as client:
        client.get("/reports").raise_for_status()
        # Each kill cuts the pool's connections; some request meets that before the server is back.
        refused = [_refusal(client, service.postmaster()) for _ in range(3)]
        for response in filter(None, refused):
            assert response.status_code == 503
            assert response.headers["content-type"] == "application/problem+json"
            assert int(response.headers["Retry-After"]) >= 1
        assert any(refused), "no request met the database while it was away"


def _refusal(client: httpx2.Client, postmaster: int) -> httpx2.Response | None:
    """The first answer that isn't 201 after the kill; None if the server was back too soon."""
    os.kill(postmaster, signal.SIGKILL)
    met = None
    give_up = time.monotonic() + 30
    while time.monotonic() < give_up:
        response = client.post("/ingest/qc", json={"status": {"api": "pass"}})
        if response.status_code == 201:
            return met
        met = response
        time.sleep(0.01)
    raise AssertionError("the database never came back")
