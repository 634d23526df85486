"""Finds and ends what a killed PostgreSQL left behind: orphaned processes, stale lock files.

Call it only while holding the owner lock and with no server of our own running. It ends nothing
but processes proven to belong to the given data folder.
"""

import logging
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from db.embedded.errors import EmbeddedError
from db.embedded.spawn import ServerUser

logger = logging.getLogger(__name__)

_NOTICE_SECONDS = 1.0  # orphaned backends see that the postmaster died and end by themselves
_SHUTDOWN_SECONDS = 30.0
_QUIT_SECONDS = 2.0  # an immediate exit writes nothing, so a healthy process needs far less
_KILL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class DataFolder:
    """What proves that a process belongs to a cluster: its folder, its user, its process titles."""

    path: Path
    user: ServerUser
    cluster_name: str


def postmaster_pid(folder: DataFolder) -> int | None:
    """The pid of the live postmaster of this data folder, whoever started it, or None."""
    pid = _recorded_pid(folder.path)
    return pid if pid is not None and _belongs(pid, folder) else None


def reports_ready(data: Path, pid: int) -> bool:
    """Whether the postmaster `pid` says in its pid file that it accepts connections."""
    lines = _pid_file(data)
    # Lines 1 and 8 of the file, as in PostgreSQL's src/include/utils/pidfile.h.
    return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"


def _recorded_pid(data: Path) -> int | None:
    """The pid file's first line; the file outlives a killed postmaster, so it proves nothing."""
    lines = _pid_file(data)
    return int(lines[0]) if lines and lines[0].isdecimal() else None


def _pid_file(data: Path) -> list[str]:
    try:
        descriptor = os.open(data / "postmaster.pid", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return []
    with os.fdopen(descriptor, encoding="utf-8", errors="replace") as file:
        return file.read(8192).splitlines()


def _belongs(pid: int, folder: DataFolder) -> bool:
    process = Path("/proc") / str(pid)
    try:
        if process.stat().st_uid != folder.user.uid:
            return False
        if (process / "comm").read_text() != "postgres\n":
            return False
        titles = (process / "cmdline").read_bytes()
    except OSError:
        return False
    try:
        # Every PostgreSQL process works in its data folder.
        return (process / "cwd").samefile(folder.path)
    except PermissionError:
        # Root without CAP_SYS_PTRACE, as in most containers, may read the titles only.
        started_here = b"\0-D\0" + os.fsencode(folder.path) + b"\0" in titles
        return started_here or titles.startswith(f"postgres: {folder.cluster_name}: ".encode())
    except OSError:
        return False


def _processes(folder: DataFolder) -> list[int]:
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [pid for pid in pids if _belongs(pid, folder)]


def _send(pids: list[int], signal_number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, signal_number)
        except ProcessLookupError:
            continue


def _wait_until_gone(folder: DataFolder, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while _processes(folder):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def end_processes(folder: DataFolder) -> None:
    """Return when no process uses the data folder any more; raise EmbeddedError if one stays.

    Only a postmaster understands a shutdown request. Its orphaned children are left to notice its
    death, then told to exit at once: a shutdown signal would make an orphaned checkpointer write a
    shutdown checkpoint under backends that still run.
    """
    remaining = _processes(folder)
    if not remaining:
        return
    postmaster = postmaster_pid(folder)
    logger.warning("ending %d leftover PostgreSQL processes of %s", len(remaining), folder.path)
    if postmaster is not None:
        _send([postmaster], signal.SIGINT)
        if _wait_until_gone(folder, _SHUTDOWN_SECONDS):
            return
    elif _wait_until_gone(folder, _NOTICE_SECONDS):
        return
    for signal_number, seconds in (
        (signal.SIGQUIT, _QUIT_SECONDS),
        (signal.SIGKILL, _KILL_SECONDS),
    ):
        _send(_processes(folder), signal_number)
        if _wait_until_gone(folder, seconds):
            return
    raise EmbeddedError(
        f"PostgreSQL processes {_processes(folder)} still use {folder.path} and can't be ended; "
        "end them, or restart the machine, then start again"
    )


def remove_pid_file(data: Path) -> None:
    """Remove a dead server's pid file, whose pid may by now be a stranger's.

    Only after `end_processes`: PostgreSQL relies on the file while any of its processes lives.
    """
    (data / "postmaster.pid").unlink(missing_ok=True)


def remove_socket_files(sockets: Path) -> None:
    """Remove a dead server's sockets and their lock files; again only after `end_processes`."""
    for socket in sockets.glob(".s.PGSQL.*"):
        socket.unlink(missing_ok=True)
