"""Thousands of connections that ask nothing, and clients that leave in the middle."""

import json
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest

from tests.e2e.service_process import Service, running, wait_until

REPORT = {"status": {"api": "pass"}}
FEW_FILES = 400
# Starts what may have so many files open, and can't raise that.
LIMITED = ("sh", "-c", f'ulimit -n {FEW_FILES} && exec "$@"', "sh")
MANY = 5_000


def _idle(service: Service, number: int, opened: ExitStack) -> list[socket.socket]:
    return [
        opened.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=30))
        for _ in range(number)
    ]


@pytest.fixture
def many_files() -> Iterator[int]:
    """How many connections this process can hold: MANY, where the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    raised = hard if hard != resource.RLIM_INFINITY else 65_536
    resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
    yield min(MANY, raised - 512)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_idle_connections_by_the_thousand_keep_nobody_from_being_answered(
    folder: Path, environment: dict[str, str], many_files: int
) -> None:
    with running("up", environment, folder / "log") as service, ExitStack() as opened:
        before = _memory(service.process.pid)
        began = time.monotonic()
        idle = _idle(service, many_files, opened)
        if time.monotonic() - began < 10:
            # Those that waited longer than the service allows are closed already.
            grown = _memory(service.process.pid) - before
            assert grown / len(idle) < 32 * 1024
        with service.client() as client:
            assert client.get("/health").status_code == 200
            assert client.post("/ingest/qc", json=REPORT).status_code == 201
        assert service.stop() == 0


def _memory(pid: int) -> int:
    """Bytes of the process in memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def test_more_connections_than_files_close_the_idle_ones_and_new_ones_are_answered(
    folder: Path, environment: dict[str, str]
) -> None:
    with (
        running("up", environment, folder / "log", launcher=LIMITED) as service,
        ExitStack() as opened,
    ):
        idle = _idle(service, FEW_FILES + 100, opened)
        for _ in range(5):
            with service.client() as client:
                assert client.get("/health").status_code == 200
                assert client.post("/ingest/qc", json=REPORT).status_code == 201
        # The one that came first waited longest.
        assert idle[0].recv(1) == b""
        assert "Too many open files" not in service.log()
        assert service.stop() == 0


def _head(service: Service, length: int, key: str) -> bytes:
    return (
        f"POST /ingest/qc HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Api-Key: {service.keys['operator']}\r\n"
        f"X-Tenant: demo\r\nContent-Type: application/json\r\nIdempotency-Key: {key}\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


def _post(client: httpx2.Client, key: str) -> httpx2.Response:
    return client.post("/ingest/qc", content=BODY, headers={**JSON, "Idempotency-Key": key})


BODY = json.dumps(REPORT).encode()
JSON = {"Content-Type": "application/json"}


def test_client_that_leaves_in_a_body_has_stored_nothing(shared_service: Service) -> None:
    with shared_service.client() as client:
        for cut in (0, 1, len(BODY) - 1):
            key = f"left-in-a-body-{cut}"
            with socket.create_connection(("127.0.0.1", shared_service.port)) as leaving:
                leaving.sendall(_head(shared_service, len(BODY), key) + BODY[:cut])
            again = _post(client, key)
            assert (again.status_code, again.headers.get("Idempotency-Replayed")) == (201, None)


def test_client_that_leaves_before_the_answer_finds_by_its_key_what_it_stored(
    shared_service: Service,
) -> None:
    with shared_service.client() as client:
        for number in range(10):
            key = f"left-before-the-answer-{number}"
            with socket.create_connection(("127.0.0.1", shared_service.port)) as leaving:
                leaving.sendall(_head(shared_service, len(BODY), key) + BODY)
            answers: list[httpx2.Response] = []

            def is_told(key: str = key, answers: list[httpx2.Response] = answers) -> bool:
                answers.append(_post(client, key))
                return answers[-1].status_code == 201

            # 409 as long as the first is at work.
            wait_until(is_told, "the request that nobody waited for to end")
            assert {answer.status_code for answer in answers} <= {201, 409}
            first = answers[-1].json()["id"]
            assert _post(client, key).json()["id"] == first
            assert client.get(f"/reports/{first}").status_code == 200
