"""Large batches through a real process: memory stays small, and what is cut off leaves nothing."""

import json
import os
import random
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2

from tests.e2e.service_process import Service, running, wait_until

MIB = 1024 * 1024
NDJSON = {"Content-Type": "application/x-ndjson"}


def memory(pid: int, field: str) -> int:
    """Resident memory of a process in bytes: `VmRSS`, or its highest so far, `VmHWM`."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    [found] = [line for line in lines if line.startswith(f"{field}:")]
    return int(found.split()[1]) * 1024


def batch(lines: int, size: int) -> Iterator[bytes]:
    """Lines of different reports, each of some `size` bytes of words that hardly compress."""
    rng = random.Random(size)
    for number in range(lines):
        text = f"{number} " + " ".join(f"w{rng.randrange(10**6)}" for _ in range(size // 9))
        notes = [text[start : start + 8000] for start in range(0, len(text), 8000)]
        report = {"status": {"n": "pass"}, "notes": notes, "raw": {"text": text[: size // 10]}}
        yield json.dumps(report).encode() + b"\n"


def stored(client: httpx2.Client) -> int:
    page = client.get("/reports", params={"include_total": True}).json()
    count: int = page["total"]["count"]
    return count


def settings_of(environment: dict[str, str]) -> dict[str, str]:
    limits = dict.fromkeys(("RATE_LIMIT_KEY_WRITES", "RATE_LIMIT_TENANT_WRITES"), "off")
    return {**environment, **limits}


def test_memory_does_not_grow_with_a_batch(folder: Path, environment: dict[str, str]) -> None:
    settings = settings_of(environment)
    with running("up", settings, folder / "log") as service, service.client() as client:
        client.timeout = httpx2.Timeout(120)
        # Warm: whatever is loaded once is loaded.
        client.post("/ingest/qc/batch", content=b"".join(batch(2000, 500)), headers=NDJSON)
        idle = memory(service.process.pid, "VmRSS")
        Path(f"/proc/{service.process.pid}/clear_refs").write_text("5")
        for lines, size in ((10_000, 5_500), (60, 900_000)):
            body = b"".join(batch(lines, size))
            assert 48 * MIB < len(body) <= 64 * MIB
            answer = client.post("/ingest/qc/batch", content=body, headers=NDJSON)
            assert (answer.status_code, answer.json()["created"]) == (200, lines)
        grown = memory(service.process.pid, "VmHWM") - idle
        assert grown < 100 * MIB, f"{grown / MIB:.0f} MiB over idle"


def test_client_that_leaves_in_the_middle_of_a_batch_stores_nothing(
    shared_service: Service,
) -> None:
    with shared_service.client() as client:
        before = stored(client)
        head = (
            f"POST /ingest/qc/batch HTTP/1.1\r\nHost: collector\r\nX-Tenant: demo\r\n"
            f"X-Api-Key: {shared_service.keys['operator']}\r\n"
            f"Content-Type: application/x-ndjson\r\nContent-Length: 10000000\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", shared_service.port)) as connection:
            connection.sendall(head.encode() + b'{"status":{"left":"pass"}}\n' * 20_000)
        wait_until(lambda: _was_deserted(shared_service), "the log of the request")
        assert stored(client) == before


def _was_deserted(service: Service) -> bool:
    return '"status":499' in service.log().replace(" ", "")


def test_batch_is_whole_or_absent_whatever_is_killed_and_a_retry_completes_it(
    folder: Path, environment: dict[str, str]
) -> None:
    secret = "k" * 40
    settings = {**settings_of(environment), "API_KEYS": f"ci:demo:operator:{secret}"}
    body = b"".join(batch(800, 900))
    headers = {**NDJSON, "Idempotency-Key": "one"}
    created = 0
    for pause in (0.02, 0.1, 0.2, 0.4):
        with running("up", settings, folder / "log") as service:
            service.keys["operator"] = secret
            with service.client() as client:
                victim = threading.Timer(pause, service.kill_everything)
                victim.start()
                try:
                    answer = client.post("/ingest/qc/batch", content=body, headers=headers)
                    created = answer.json()["created"]
                except httpx2.TransportError:
                    created = 0
                victim.join()
    with running("up", settings, folder / "log") as service:
        service.keys["operator"] = secret
        with service.client() as client:
            assert stored(client) in ({800} if created else {0, 800})
            answers = [
                client.post("/ingest/qc/batch", content=body, headers=headers) for _ in range(2)
            ]
            assert answers[0].json()["created"] == 800
            assert answers[1].content == answers[0].content
            assert stored(client) == 800


def test_database_that_dies_during_a_batch_is_a_503_and_the_same_key_completes_it(
    folder: Path, environment: dict[str, str]
) -> None:
    body = b"".join(batch(9000, 900))
    headers = {**NDJSON, "Idempotency-Key": "one"}
    settings = settings_of(environment)
    with running("up", settings, folder / "log") as service, service.client() as client:
        client.get("/reports").raise_for_status()
        postmaster = service.postmaster()
        threading.Timer(0.3, os.kill, (postmaster, signal.SIGKILL)).start()
        answer = client.post("/ingest/qc/batch", content=body, headers=headers)
        assert answer.status_code in (200, 503), answer.text
        if answer.status_code == 503:
            assert int(answer.headers["Retry-After"]) >= 1
        give_up = time.monotonic() + 60
        while answer.status_code == 503 and time.monotonic() < give_up:
            time.sleep(0.2)
            answer = client.post("/ingest/qc/batch", content=body, headers=headers)
        assert answer.json()["created"] == 9000
        again = client.post("/ingest/qc/batch", content=body, headers=headers)
        assert again.content == answer.content
