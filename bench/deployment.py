"""The service as it is deployed, API and worker, on a filled database; the worker can be killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bench.processes import ROOT, BenchError, Server, environment, serving
from bench.scale.fill import NEIGHBOUR, Size, filled_cluster
from bench.workload import API_KEYS, TENANT
from db.access import APP, MAINTENANCE
from db.embedded import EmbeddedDatabase
from db.session import Database

_ADMIN_KEY: Final = "admin-key-of-the-benchmark-alone"
_POOL_SIZE: Final = 8
_END_SECONDS: Final = 60.0
_ASK_EVERY_SECONDS: Final = 0.1


@dataclass(slots=True)
class Worker:
    """`collector worker`, one process at a time. What it logs goes to `log`."""

    settings: dict[str, str]
    log: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        command = [str(Path(sys.executable).parent / "collector"), "worker"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.settings,
                cwd=ROOT,
            )

    @property
    def pid(self) -> int:
        if self._process is None:
            raise BenchError("the worker was not started")
        return self._process.pid

    def kill_and_start_again(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self._ended()
        self.start()

    def stop(self) -> None:
        os.kill(self.pid, signal.SIGTERM)
        self._ended()

    def _ended(self) -> None:
        if self._process is not None:
            self._process.wait(_END_SECONDS)

    def peak_bytes(self) -> int:
        """The most resident memory that it had (proc(5), VmHWM)."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        [line] = [line for line in status.splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024


@dataclass(frozen=True, slots=True)
class Deployment:
    """`store` is the folder of exports; `admin` and `neighbour` are administrators' clients of the
    measured tenant and of the small one beside it.
    """

    embedded: EmbeddedDatabase
    size: Size
    server: Server
    worker: Worker
    store: Path
    admin: httpx2.Client
    neighbour: httpx2.Client
    maintenance: Database


@contextmanager
def deployed(
    home: Path, reports: int, say: Callable[[str], None], **settings: str
) -> Iterator[Deployment]:
    """One tenant with so many reports in the past twelve weeks, an API process and a worker.

    `settings` are further environment variables of both.
    """
    store, logs = home / "exports", home / "logs"
    with ExitStack() as stack:
        embedded, [size] = stack.enter_context(filled_cluster(home / "data", [reports], say))
        logs.mkdir()
        variables = environment(embedded.url(APP, size.database), _POOL_SIZE) | {
            "MAINTENANCE_DATABASE_URL": embedded.url(MAINTENANCE, size.database),
            "API_KEYS": f"{API_KEYS},{_admin(TENANT)},{_admin(NEIGHBOUR)}",
            "COLLECTOR_HOME": str(home / "home"),
            "EXPORT_STORE": str(store),
            "EXPORT_SIGN_SECRET": "secret-of-the-links-of-the-benchmark-alone",
            "SIGNING_KEY": _new_key(),
            "WORKER_LOST_SECONDS": "3",
            **settings,
        }
        server = stack.enter_context(serving("ours", variables, logs))
        worker = Worker(variables, logs / "worker.log")
        worker.start()
        stack.callback(worker.stop)
        maintenance = Database(embedded.url(MAINTENANCE, size.database))
        stack.callback(maintenance.close)
        admin, neighbour = (
            stack.enter_context(_client(server, tenant)) for tenant in (TENANT, NEIGHBOUR)
        )
        yield Deployment(embedded, size, server, worker, store, admin, neighbour, maintenance)


def _admin(tenant: str) -> str:
    """An entry of API_KEYS. A key may stand for several tenants."""
    return f"bench-admin:{tenant}:admin:{_ADMIN_KEY}"


def _client(server: Server, tenant: str) -> httpx2.Client:
    headers = {"X-Api-Key": _ADMIN_KEY, "X-Tenant": tenant}
    return httpx2.Client(base_url=f"http://127.0.0.1:{server.port}", headers=headers, timeout=120)


def wait_for(what: str, asked: Callable[[], bool], seconds: float) -> None:
    """Ask again and again. Raises BenchError after so many seconds."""
    deadline = time.monotonic() + seconds
    while not asked():
        if time.monotonic() > deadline:
            raise BenchError(f"{what}: not within {seconds:.0f} s")
        time.sleep(_ASK_EVERY_SECONDS)


def _new_key() -> str:
    private = Ed25519PrivateKey.generate()
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
