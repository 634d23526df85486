"""WORKERS > 1: a killed server process comes back, a killed parent leaves nobody behind."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from generated.client import ClientError
from generated.models import QcReport
from tests.e2e.service_process import Service, alive, processes_in, running, wait_until


@pytest.fixture
def service(folder: Path, environment: dict[str, str]) -> Iterator[Service]:
    with running("up", {**environment, "WORKERS": "2"}, folder / "log") as started:
        wait_until(lambda: len(started.workers()) == 2, "two server processes")
        yield started


def _answers(service: Service) -> bool:
    with service.api() as client:
        try:
            return client.list_reports().status == 200
        except ClientError:
            return False


def test_two_server_processes_share_keys_and_reports(service: Service) -> None:
    report = QcReport.model_validate({"status": {"n": "pass"}})
    with service.api() as client:
        ids = {client.ingest_qc(body=report).body.id for _ in range(10)}
    shown = [client_get_ids(service) for _ in range(10)]
    assert all(page == ids for page in shown)
    assert service.stop() == 0


def client_get_ids(service: Service) -> set[UUID]:
    """Over a new connection, so that either process may answer."""
    with service.api("viewer") as client:
        return {item.id for item in client.list_reports().body.items}


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
