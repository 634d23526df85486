"""The running service: a process of its own, as in production."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx2
import pytest


@pytest.fixture(scope="session")
def url() -> Iterator[str]:
    port = _free_port()
    with subprocess.Popen(
        [sys.executable, "service.py"], env={**os.environ, "PORT": str(port)}
    ) as process:
        try:
            _wait(f"http://127.0.0.1:{port}/notes", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


@pytest.fixture
def client(url: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=url) as client:
        yield client


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None, "the service ended before it answered"
        try:
            httpx2.get(url)
        except httpx2.TransportError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the service did not answer within 30 s")
