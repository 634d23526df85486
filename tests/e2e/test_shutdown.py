"""How the service ends: SIGTERM drains and finishes what is in flight, SIGINT does not wait."""

import json
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

import pytest

from tests.e2e.service_process import COLLECTOR, Service, alive, processes_in, running, wait_until

BODY = json.dumps({"status": {"api": "pass"}, "notes": ["x" * 4000] * 20}).encode()


class SlowUpload:
    """A request whose body is sent in two halves, with whatever happens in between.

    Closes its connection at the end of its `with` block.
    """

    def __init__(self, service: Service) -> None:
        head = (
            f"POST /ingest/qc HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Api-Key: {service.keys['operator']}"
            "\r\nX-Tenant: demo\r\nContent-Type: application/json\r\nConnection: close\r\n"
            f"Content-Length: {len(BODY)}\r\n\r\n"
        )
        self._socket = socket.create_connection(("127.0.0.1", service.port), timeout=30)
        self._socket.sendall(head.encode() + BODY[: len(BODY) // 2])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def finish(self) -> bytes:
        """Sends the second half; the whole answer."""
        self._socket.sendall(BODY[len(BODY) // 2 :])
        answer = b""
        while chunk := self._socket.recv(65536):
            answer += chunk
        return answer


@pytest.mark.parametrize("workers", ["1", "2"])
def test_sigterm_fails_readiness_and_finishes_an_upload_before_it_ends(
    folder: Path, environment: dict[str, str], workers: str
) -> None:
    draining = {**environment, "DRAIN_SECONDS": "1.5", "WORKERS": workers}
    with running("up", draining, folder / "log") as service, service.client() as client:
        wait_until(lambda: client.get("/health").status_code == 200, "readiness")
        postmaster = service.postmaster()
        with SlowUpload(service) as upload:
            service.process.send_signal(signal.SIGTERM)
            # Without a drain the connection would be refused before it could say 503.
            wait_until(lambda: client.get("/health").status_code == 503, "readiness to fail")
            failed = time.monotonic()
            assert client.get("/health").json()["database"] == "connected"
            assert client.get("/health/live").status_code == 200
            wait_until(lambda: not takes_connections(service), "the port to be closed")
            assert time.monotonic() - failed > 0.5
            answer = upload.finish()

        assert answer.startswith(b"HTTP/1.1 201"), answer[:300]
        assert service.exit_code() == 0
        assert time.monotonic() - failed < 15
        wait_until(lambda: not alive(postmaster), "the embedded server to end")
        assert not processes_in(folder)


def takes_connections(service: Service) -> bool:
    try:
        socket.create_connection(("127.0.0.1", service.port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


def test_sigint_ends_at_once_without_a_drain(folder: Path, environment: dict[str, str]) -> None:
    with running("up", {**environment, "DRAIN_SECONDS": "30"}, folder / "log") as service:
        began = time.monotonic()
        assert service.stop(signal.SIGINT) == 0
        assert time.monotonic() - began < 10
        assert not processes_in(folder)
        assert "Traceback" not in service.log()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_second_signal_ends_the_drain(
    folder: Path, environment: dict[str, str], workers: str
) -> None:
    draining = {**environment, "DRAIN_SECONDS": "40", "WORKERS": workers}
    with running("up", draining, folder / "log") as service, service.client() as client:
        wait_until(lambda: client.get("/health").status_code == 200, "readiness")
        service.process.send_signal(signal.SIGTERM)
        wait_until(lambda: client.get("/health").status_code == 503, "readiness to fail")
        began = time.monotonic()
        assert service.stop(signal.SIGTERM) == 0
        assert time.monotonic() - began < 20
        assert not processes_in(folder)


def test_sigterm_right_after_the_address_is_printed_leaves_nothing_running(
    folder: Path, environment: dict[str, str]
) -> None:
    for _ in range(2):
        with running("up", environment, folder / "log") as service:
            assert service.stop() == 0
            assert not processes_in(folder)


@pytest.mark.parametrize("seconds", [0.4, 0.8, 1.2, 1.6])
def test_sigterm_at_any_moment_of_the_first_start_leaves_nothing_running(
    folder: Path, environment: dict[str, str], seconds: float
) -> None:
    started = subprocess.Popen(
        [COLLECTOR, "up"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    time.sleep(seconds)
    started.terminate()
    _, errors = started.communicate(timeout=60)
    # Before the command has its handlers, the signal itself ends it.
    assert started.returncode in (0, -signal.SIGTERM), errors
    assert "Traceback" not in errors
    wait_until(lambda: not processes_in(folder), "everything it started to end")
