"""Starts PostgreSQL programs as direct children that end when this process ends.

The kernel sends the death signal when the *thread* that forked ends, so one thread that lives as
long as the process does all the forking, whoever asks. It decides nothing about what to run.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

_LAUNCHER = Path(__file__).with_name("launch.py")


@dataclass(frozen=True, slots=True)
class ServerUser:
    """The operating system user that PostgreSQL runs as; never root."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class _Request:
    command: Sequence[str]
    output: int
    started: Future[subprocess.Popen[bytes]]


class _Spawner:
    """A daemon thread that forks on behalf of any thread and never ends before the process."""

    def __init__(self) -> None:
        self._requests: SimpleQueue[_Request] = SimpleQueue()
        threading.Thread(target=self._serve, name="embedded-postgres-spawner", daemon=True).start()

    def spawn(self, command: Sequence[str], output: int) -> subprocess.Popen[bytes]:
        request = _Request(command, output, Future())
        self._requests.put(request)
        return request.started.result()

    def _serve(self) -> None:
        while True:
            request = self._requests.get()
            try:
                process = subprocess.Popen(  # noqa: S603 - PostgreSQL's own programs, as a list
                    request.command,
                    stdin=subprocess.DEVNULL,
                    stdout=request.output,
                    stderr=request.output,
                    env=_environment(),
                    # Ctrl-C in the terminal must reach the collector first, which then stops us.
                    start_new_session=True,
                )
            except (OSError, ValueError, subprocess.SubprocessError) as error:
                request.started.set_exception(error)
            else:
                request.started.set_result(process)


_spawner: _Spawner | None = None
_spawner_lock = threading.Lock()


def _forget_spawner() -> None:
    global _spawner, _spawner_lock
    _spawner, _spawner_lock = None, threading.Lock()


os.register_at_fork(after_in_child=_forget_spawner)


def _environment() -> Mapping[str, str]:
    """Only what PostgreSQL needs: ours holds keys, and its PG* variables would steer it."""
    kept = ("PATH", "LD_LIBRARY_PATH", "TMPDIR")
    return {"LC_ALL": "C"} | {name: os.environ[name] for name in kept if name in os.environ}


def spawn(
    program: Sequence[str], user: ServerUser, *, death_signal: signal.Signals, output: int
) -> subprocess.Popen[bytes]:
    """Start a program as `user`, in a session of its own; `output` takes stdout and stderr.

    The pid is the program's own. It receives `death_signal` when this process ends.
    """
    global _spawner
    launcher = [sys.executable, "-I", "-S", str(_LAUNCHER), str(int(death_signal))]
    command = [*launcher, str(os.getpid()), str(user.uid), str(user.gid), *program]
    with _spawner_lock:
        if _spawner is None:
            _spawner = _Spawner()
    return _spawner.spawn(command, output)
