"""The log can't be written: the service serves on."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.service_process import COLLECTOR, Service

REPORT = {"status": {"api": "pass"}}
# More than a pipe holds, at some 300 bytes a line.
REQUESTS = 600


@contextmanager
def _service_that_logs_to(
    descriptor: int, environment: dict[str, str], log_path: Path
) -> Iterator[Service]:
    log_path.touch()
    process = subprocess.Popen(
        [COLLECTOR, "up"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=descriptor,
        text=True,
        env=environment,
    )
    service = Service(process, log_path)
    try:
        service.wait_until_serving()
        yield service
    finally:
        if process.poll() is None:
            service.kill_everything()


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
        with _service_that_logs_to(
            full, {**environment, "WORKERS": workers}, folder / "log"
        ) as service:
            _serves(service)
            assert service.stop() == 0
    finally:
        os.close(full)


def test_service_whose_log_nobody_reads_any_more_serves_on(
    folder: Path, environment: dict[str, str]
) -> None:
    reading, writing = os.pipe()
    try:
        with _service_that_logs_to(writing, environment, folder / "log") as service:
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
        with _service_that_logs_to(writing, environment, folder / "log") as service:
            _serves(service)
            assert service.stop(ending) == 0
    finally:
        os.close(reading)
        os.close(writing)
