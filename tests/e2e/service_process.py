"""Starts the `collector` command as a process of its own, and finds the processes below it.

Knows of the service only what it prints and answers; imports none of its code but the client.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import httpx2

from generated.client import Client, Credentials, Retrying

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
COLLECTOR = str(BIN / "collector")
START_SECONDS = 60.0
STOP_SECONDS = 60.0
_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH", "PYTHONSAFEPATH")
ROLES = ("viewer", "operator", "auditor", "admin")


def wait_until(condition: Callable[[], object], what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie that nobody has waited for doesn't."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def descendants(pid: int) -> list[int]:
    """Every process below `pid`, whichever of its threads started it."""
    listed = [file.read_text() for file in Path(f"/proc/{pid}/task").glob("*/children")]
    children = [int(child) for line in listed for child in line.split()]
    return [*children, *(each for child in children for each in descendants(child))]


def clean_environment(**settings: str) -> dict[str, str]:
    """What a command needs to run at all, and `settings`; nothing else of ours leaks in."""
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {**inherited, "PORT": "0", "METRICS_PORT": "0", **settings}


@dataclass(slots=True)
class Service:
    """A running `collector up` or `collector serve`. `printed` is its standard output so far."""

    process: subprocess.Popen[str]
    log_path: Path
    url: str = ""
    keys: dict[str, str] = field(default_factory=dict)
    printed: str = ""

    def wait_until_serving(self) -> None:
        """Reads keys and address from what the command prints. Fails with its log."""
        output = self.process.stdout
        assert output is not None
        watchdog = threading.Timer(START_SECONDS, self.process.kill)
        watchdog.start()
        for line in output:
            self.printed += line
            if found := re.match(r"API key \((\w+)\): (\S+)", line):
                self.keys[found[1]] = found[2]
            elif found := re.match(r"Listening on (\S+)", line):
                self.url = found[1]
                break
        watchdog.cancel()
        assert self.url, f"the collector did not start:\n{self.log()}"

    def log(self) -> str:
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def client(self, role: str = "operator", tenant: str = "demo") -> httpx2.Client:
        headers = {"X-Api-Key": self.keys[role], "X-Tenant": tenant}
        return httpx2.Client(base_url=self.url, headers=headers, timeout=30)

    def api(self, role: str = "operator", tenant: str = "demo") -> Client:
        """The generated client, which tries each call once."""
        credentials = Credentials(api_key=self.keys[role], tenant=tenant)
        return Client(self.url, credentials, retrying=Retrying(attempts=1))

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def postmaster(self) -> int:
        """The embedded server's first process."""
        found = [pid for pid in descendants(self.process.pid) if program_of(pid) == "postgres"]
        assert found, "no PostgreSQL runs below the collector"
        return found[0]

    def workers(self) -> list[int]:
        """Server processes of WORKERS > 1."""
        return [
            pid for pid in descendants(self.process.pid) if b"spawn_main" in command_line_of(pid)
        ]

    def stop(self, signal_number: signal.Signals = signal.SIGTERM) -> int:
        """Ends it as an operator would; returns the exit code."""
        self.process.send_signal(signal_number)
        return self.exit_code()

    def exit_code(self) -> int:
        remaining, _ = self.process.communicate(timeout=STOP_SECONDS)
        self.printed += remaining
        return self.process.returncode

    def kill_everything(self) -> None:
        """`kill -9` of the command and of all it started, at once."""
        for pid in [self.process.pid, *descendants(self.process.pid)]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.communicate(timeout=STOP_SECONDS)


def program_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def command_line_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@contextmanager
def running(
    command: str,
    environment: Mapping[str, str],
    log_path: Path,
    *,
    launcher: Sequence[str] = (),
    log_descriptor: int | None = None,
) -> Iterator[Service]:
    """`collector <command>` until the block ends; killed there if it still runs.

    `launcher` is handed the command and becomes it, as `env` does. The log goes to
    `log_descriptor` where that is given.
    """
    arguments = [*launcher, COLLECTOR, command]
    with log_path.open("a", encoding="utf-8") as log:
        process = _start(arguments, environment, log if log_descriptor is None else log_descriptor)
    service = Service(process, log_path, keys=_set_keys(environment))
    try:
        service.wait_until_serving()
        yield service
    finally:
        if service.process.poll() is None:
            service.kill_everything()


def _set_keys(environment: Mapping[str, str]) -> dict[str, str]:
    """The secrets of API_KEYS by role; those made up at the start are read from what it prints."""
    entries = [entry.split(":") for entry in environment.get("API_KEYS", "").split(",") if entry]
    return {role: secret for _, _, role, secret in (entry[:4] for entry in entries)}


def _start(
    arguments: Sequence[str], environment: Mapping[str, str], log: IO[str] | int
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        env=dict(environment),
    )


def run_collector(
    *arguments: str, environment: Mapping[str, str], seconds: float = 60
) -> subprocess.CompletedProcess[str]:
    """A `collector` command that ends by itself."""
    return subprocess.run(
        [COLLECTOR, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=dict(environment),
        timeout=seconds,
        check=False,
    )


@contextmanager
def short_folder() -> Iterator[Path]:
    """An empty folder whose path is short, as a socket's must be, and which others may enter."""
    path = Path(tempfile.mkdtemp(prefix="qc-"))
    path.chmod(0o711)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def processes_in(folder: Path) -> list[int]:
    """Live processes that work in `folder`, as every PostgreSQL process does in its data folder."""
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in pids if _works_in(pid, folder) and alive(pid)]


def _works_in(pid: int, folder: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").readlink().is_relative_to(folder)
    except OSError:
        return False
