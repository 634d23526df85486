"""The servers under test and the load generator as child processes; every wait is bounded."""

import json
import os
import re
import secrets
import select
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from bench.load import Figures, Orders, longest
from bench.workload import API_KEYS, Workload

ROOT: Final = Path(__file__).resolve().parent.parent
START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 15.0
_TICKS: Final = os.sysconf("SC_CLK_TCK")


class BenchError(Exception):
    """The run can't be trusted or can't go on; the message says why."""


@dataclass(frozen=True, slots=True)
class Server:
    """One server process."""

    name: str
    process: subprocess.Popen[str]
    port: int

    def cpu_seconds(self) -> float:
        """User and system time of all its threads so far (proc(5), fields 14 and 15)."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / _TICKS


def commands() -> dict[str, list[str]]:
    """How each server is started, by its name: the service itself as an operator starts it."""
    collector = str(Path(sys.executable).parent / "collector")
    return {
        "ours": [collector, "serve"],
        "unjournaled": [sys.executable, "-m", "bench.unjournaled"],
        "fastapi": [sys.executable, "-m", "bench.server", "fastapi"],
        "connexion": [sys.executable, "-m", "bench.server", "connexion"],
        "bare": [sys.executable, "-m", "bench.server", "bare"],
    }


def environment(app_url: str, pool_size: int) -> dict[str, str]:
    """The same for all servers; nothing of the caller's settings leaks in."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": app_url,
        "DB_POOL_SIZE": str(pool_size),
        "API_KEYS": API_KEYS,
        "ENCRYPTION_KEYS": f"bench:{b64encode(secrets.token_bytes(32)).decode()}",
        "PORT": "0",
        "METRICS_PORT": "0",
        "LOG_LEVEL": "info",
        "DRAIN_SECONDS": "0",
        # Counted as everywhere, but never reached.
        "RATE_LIMIT_KEY_READS": "999999999/minute",
        "RATE_LIMIT_KEY_WRITES": "999999999/minute",
        "RATE_LIMIT_TENANT_READS": "999999999/minute",
        "RATE_LIMIT_TENANT_WRITES": "999999999/minute",
    }


@contextmanager
def serving(name: str, settings: dict[str, str], logs: Path) -> Iterator[Server]:
    """A server until the block ends; its log lines go to `logs`/<name>.log."""
    log_path = logs / f"{name}.log"
    with log_path.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            commands()[name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=settings,
            cwd=ROOT,
        )
    try:
        port = _port(process)
        if port is None:
            raise BenchError(f"{name} did not start:\n{log_path.read_text()[-2000:]}")
        yield Server(name, process, port)
    finally:
        process.terminate()
        try:
            process.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _port(process: subprocess.Popen[str]) -> int | None:
    """The port that the process says it listens on."""
    assert process.stdout is not None
    deadline = time.monotonic() + START_SECONDS
    while (patience := deadline - time.monotonic()) > 0:
        ready, _, _ = select.select([process.stdout], [], [], patience)
        line = process.stdout.readline() if ready else ""
        if not line:
            return None
        if found := re.match(r"Listening on http://[^:]+:(\d+)", line):
            return int(found[1])
    return None


def send_load(orders: Orders) -> Figures:
    """Has a new load generator carry out orders. Raises BenchError if it fails or hangs."""
    bound = longest(orders) + START_SECONDS
    try:
        done = subprocess.run(
            [sys.executable, "-m", "bench.load"],
            input=json.dumps(asdict(orders)),
            capture_output=True,
            text=True,
            timeout=bound,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=True,
        )
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"the load generator did not end within {bound:.0f} s") from error
    except subprocess.CalledProcessError as error:
        raise BenchError(f"the load generator failed:\n{error.stderr[-2000:]}") from error
    return Figures(**json.loads(done.stdout))


def recorded_sql(
    workloads: Sequence[Workload], settings: dict[str, str]
) -> dict[str, Sequence[str]]:
    """What the service sends to the database for each workload, by its name."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "bench.record"],
            input=json.dumps([asdict(workload) for workload in workloads]),
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            cwd=ROOT,
            env=settings,
            check=True,
        )
    except subprocess.SubprocessError as error:
        told = getattr(error, "stderr", None) or ""
        raise BenchError(f"the service's SQL could not be recorded:\n{told[-2000:]}") from error
    found: dict[str, Sequence[str]] = json.loads(done.stdout)
    return found
