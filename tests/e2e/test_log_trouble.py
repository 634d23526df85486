"""The log can't be written: the service serves on."""

import os
import signal
from pathlib import Path

import pytest

from tests.e2e.service_process import Service, running

REPORT = {"status": {"api": "pass"}}
# More than a pipe holds, at some 300 bytes a line.
REQUESTS = 600


def _serves(service: Service) -> None:
    with service.client() as client:
        for _ in range(REQUESTS // 2):
            assert client.get("/health/live").status_code == 200
            assert client.get("/nowhere").status_code == 404
        posted = client.post("/ingest/qc", json=REPORT)
        assert posted.status_code == 201
        assert client.get(f"/reports/{posted.json()['id']}").status_code == 200
        assert client.get("/health").json()["status"] == "ok"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_service_with_its_log_on_a_full_disk_serves_on_and_ends_as_asked(
    folder: Path, environment: dict[str, str], workers: str
) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        settings = {**environment, "WORKERS": workers}
        with running("up", settings, folder / "log", log_descriptor=full) as service:
            _serves(service)
            assert service.stop() == 0
    finally:
        os.close(full)


def test_service_whose_log_nobody_reads_any_more_serves_on(
    folder: Path, environment: dict[str, str]
) -> None:
    reading, writing = os.pipe()
    try:
        with running("up", environment, folder / "log", log_descriptor=writing) as service:
            os.close(reading)
            _serves(service)
            assert service.stop() == 0
    finally:
        os.close(writing)


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_service_whose_log_reader_is_stuck_serves_on(
    folder: Path, environment: dict[str, str], ending: signal.Signals
) -> None:
    reading, writing = os.pipe()
    try:
        with running("up", environment, folder / "log", log_descriptor=writing) as service:
            _serves(service)
            assert service.stop(ending) == 0
    finally:
        os.close(reading)
        os.close(writing)
