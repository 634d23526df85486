"""Starts embedded_driver.py as the caller or as a normal user, and kills what it started."""

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2

_ROOT = Path(__file__).resolve().parents[2]
_SITE = Path(psycopg2.__file__).resolve().parents[1]
CALLER = "-"


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie that nobody has waited for doesn't."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children_of(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in listed.split()]


@dataclass(slots=True)
class Driver:
    """One run of embedded_driver.py whose database is ready."""

    process: subprocess.Popen[str]
    ready: dict[str, object]

    @property
    def postmaster(self) -> int:
        return int(str(self.ready["postmaster"]))

    @property
    def data(self) -> Path:
        return Path(str(self.ready["data"]))

    @property
    def log(self) -> Path:
        return self.data.parent / "server.log"

    def ask(
        self, sql: str, role: str = "collector_owner", database: str = "collector"
    ) -> dict[str, object]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        request = {"role": role, "database": database, "sql": sql}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert isinstance(answer, dict)
        return answer

    def rows(
        self, sql: str, role: str = "collector_owner", database: str = "collector"
    ) -> list[list[object]]:
        answer = self.ask(sql, role, database)
        assert "rows" in answer, answer
        rows = answer["rows"]
        assert isinstance(rows, list)
        return rows

    def stop(self) -> None:
        """End its input, so that it stops its database."""
        _, errors = self.process.communicate(timeout=40)
        assert self.process.returncode == 0, errors

    def kill(self) -> str:
        """Kill -9 the owner; returns what it had printed."""
        self.process.kill()
        output, _ = self.process.communicate(timeout=10)
        return output


@dataclass(slots=True)
class Workplace:
    """A folder for one test, owned by the user who runs the database."""

    top: Path
    user: str
    drivers: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def home(self) -> Path:
        return self.top / "home"

    @property
    def system(self) -> Path:
        return self.top / "system"

    def launch(
        self,
        home: Path | None = None,
        action: str = "hold",
        *,
        umask: int = -1,
        extra: dict[str, str] | None = None,
    ) -> subprocess.Popen[str]:
        """Start a driver without waiting for its database; `extra` joins its environment."""
        interpreter = _interpreter_for(self.user)
        assert interpreter is not None
        environment = os.environ | {
            "PYTHONPATH": f"{_ROOT}:{_SITE}",
            "COLLECTOR_POSTGRES_DIR": str(self.system),
        }
        process = subprocess.Popen(
            [interpreter, "-m", "tests.db.embedded_driver", home or self.home, self.user, action],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment | (extra or {}),
            umask=umask,
        )
        self.drivers.append(process)
        return process

    def start(
        self,
        home: Path | None = None,
        action: str = "hold",
        *,
        umask: int = -1,
        extra: dict[str, str] | None = None,
    ) -> Driver:
        process = self.launch(home, action, umask=umask, extra=extra)
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise AssertionError(process.communicate()[1])
        return Driver(process, json.loads(line))

    def refusal(self, home: Path | None = None) -> str:
        """What a driver says that can't start."""
        process = self.launch(home)
        _, errors = process.communicate(timeout=40)
        assert process.returncode != 0
        return errors

    def close(self) -> None:
        for process in self.drivers:
            with process:
                process.kill()
        for pid in self._servers():
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not self._servers(), "every server of the test to end")
        shutil.rmtree(self.top)

    def _servers(self) -> list[int]:
        """Pids of PostgreSQL processes whose folder lies in this workplace."""
        pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        return [pid for pid in pids if _works_in(pid, self.top)]


def _works_in(pid: int, top: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").readlink().is_relative_to(top)
    except OSError:
        return False


def _others_reach(path: Path) -> bool:
    resolved = path.resolve()
    return all(folder.stat().st_mode & 0o001 for folder in (resolved, *resolved.parents))


def _interpreter_for(user: str) -> str | None:
    """A Python of this version that `user` can execute, with our code and packages in reach."""
    if user == CALLER:
        return sys.executable
    if not (_others_reach(_ROOT) and _others_reach(_SITE)):
        return None
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    found = [sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"]
    usable = (python for python in found if Path(python).exists() and _others_reach(Path(python)))
    return next(usable, None)


def users() -> list[str]:
    """The caller; and, for root, also a normal user where one can run our code at all."""
    if os.geteuid() == 0 and _interpreter_for("nobody") is not None:
        return [CALLER, "nobody"]
    return [CALLER]


def workplace(user: str) -> Iterator[Workplace]:
    """A fresh workplace that every user can pass through, removed with all that ran in it."""
    top = Path(tempfile.mkdtemp(prefix="collector-test-", dir="/tmp"))
    top.chmod(0o755)
    if user != CALLER:
        entry = pwd.getpwnam(user)
        os.chown(top, entry.pw_uid, entry.pw_gid)
    place = Workplace(top, user)
    try:
        yield place
    finally:
        place.close()


def kill_everything(driver: Driver) -> str:
    """Kill -9 the owner, the postmaster and all its children at once; returns the output."""
    pids = [driver.process.pid, driver.postmaster, *children_of(driver.postmaster)]
    for pid in pids:
        # The owner's death ends the others too, so one of them may be gone already.
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    output, _ = driver.process.communicate(timeout=10)
    return output
