"""WORKERS > 1: a killed server process comes back, a killed parent leaves nobody behind."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.e2e.service_process import Service, alive, processes_in, running, wait_until


@pytest.fixture
def service(folder: Path, environment: dict[str, str]) -> Iterator[Service]:
    with running("up", {**environment, "WORKERS": "2"}, folder / "log") as started:
        wait_until(lambda: len(started.workers()) == 2, "two server processes")
        yield started


def _answers(service: Service) -> bool:
    with service.client() as client:
        try:
            return client.get("/reports").status_code == 200
        except httpx2.TransportError:
            return False


def test_two_server_processes_share_keys_and_reports(service: Service) -> None:
    with service.client() as client:
        ids = {
            client.post("/ingest/qc", json={"status": {"n": "pass"}}).json()["id"]
            for _ in range(10)
        }
    shown = [client_get_ids(service) for _ in range(10)]
    assert all(page == ids for page in shown)
    assert service.stop() == 0


def client_get_ids(service: Service) -> set[str]:
    """Over a new connection, so that either process may answer."""
    with service.client("viewer") as client:
        return {item["id"] for item in client.get("/reports").json()["items"]}


def test_a_killed_server_process_is_replaced(service: Service) -> None:
    killed = service.workers()[0]
    os.kill(killed, signal.SIGKILL)
    wait_until(
        lambda: len([pid for pid in service.workers() if pid != killed and alive(pid)]) == 2,
        "a new server process",
    )
    wait_until(lambda: all(_answers(service) for _ in range(10)), "both to answer")
    assert service.stop() == 0


def test_a_killed_parent_leaves_nobody_holding_the_port(service: Service, folder: Path) -> None:
    workers = service.workers()
    service.process.kill()
    service.process.communicate(timeout=30)
    wait_until(lambda: not any(map(alive, workers)), "the server processes to end")
    wait_until(lambda: not processes_in(folder), "the embedded server to end")
    with socket.create_server(("127.0.0.1", service.port)):
        pass
