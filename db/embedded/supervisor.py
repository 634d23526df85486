"""Runs one embedded PostgreSQL for as long as its owner lives, and brings it back when it dies.

Knows processes and sockets; what lies inside the database is for migrations and queries.
"""

import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg2
from psycopg2.extensions import make_dsn
from sqlalchemy.engine import URL

from db.embedded import leftovers
from db.embedded.binaries import find_binaries
from db.embedded.cluster import make_data_folder, server_command, write_configuration
from db.embedded.errors import EmbeddedError
from db.embedded.lock import OwnerLock
from db.embedded.place import PORT, Place, find_place, make_folder, make_place
from db.embedded.roles import ADMINISTRATOR, DATABASE, ROLES, ensure_roles_and_database
from db.embedded.spawn import spawn

logger = logging.getLogger(__name__)

_READY_SECONDS = 60.0
_WATCH_SECONDS = 0.1
_RETRY_SECONDS = 1.0
_QUIT_SECONDS = 2.0
_LOG_LIMIT = 10 * 1024 * 1024  # bytes
_LOG_TAIL = 2000  # bytes


class EmbeddedDatabase:
    """A handle on an embedded database: the owner's (`start`) or a visitor's (`attach`).

    Only the owner's process, not a fork of it, ends or restarts the server.
    """

    def __init__(self, place: Place, binaries: Path, locks: tuple[OwnerLock, ...] = ()) -> None:
        self.bin_dir = binaries
        self.data_dir = place.data
        self._place = place
        self._locks = locks
        self._owner = os.getpid() if locks else None
        self._server: subprocess.Popen[bytes] | None = None
        self._server_lock = threading.RLock()
        self._stopping = threading.Event()
        self._watcher: threading.Thread | None = None

    @classmethod
    def start(
        cls,
        home: Path,
        *,
        binaries: Path | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> Self:
        """Become home's owner, make what is missing, and return with the server ready.

        `binaries` is the folder of `postgres`; `settings` are added to postgresql.conf. Raises
        EmbeddedError, at once when another process owns home.
        """
        _require_linux()
        locks: list[OwnerLock] = []
        database: Self | None = None
        try:
            make_folder(home, 0o711 if os.geteuid() == 0 else 0o700)
            home = home.resolve(strict=True)
            locks.append(OwnerLock(home / "owner.lock", home))
            place = make_place(home)
            # Two copies of one home may remember the same cluster.
            locks.append(OwnerLock(place.cluster / "cluster.lock", home))
            database = cls(place, find_binaries(binaries, place.user), tuple(locks))
            database._bring_up(settings or {})
        except BaseException as error:
            if database is not None:
                database.stop()
            for lock in locks:
                lock.release()
            if isinstance(error, OSError):
                raise EmbeddedError(f"cannot set up the database in {home}: {error}") from error
            raise
        return database

    @classmethod
    def attach(cls, home: Path, *, binaries: Path | None = None) -> Self:
        """A handle on the server that another process runs on home; it owns nothing.

        Raises EmbeddedError when none runs, or when this user may not look.
        """
        _require_linux()
        try:
            place = find_place(home.resolve())
            attached = cls(place, find_binaries(binaries, place.user))
        except OSError as error:
            raise EmbeddedError(f"cannot look into {home}: {error}") from error
        if not attached.is_alive():
            raise EmbeddedError(f"no server runs on {home}: start it with `collector up`")
        return attached

    @property
    def pid(self) -> int:
        """The postmaster's process id; raises EmbeddedError when none runs."""
        if self._server is not None and self._owns():
            return self._server.pid
        found = leftovers.postmaster_pid(self._place.folder)
        if found is None:
            raise EmbeddedError(f"no server runs on {self._place.home}")
        return found

    def url(self, role: str = "collector_app", database: str = DATABASE) -> str:
        """A SQLAlchemy URL over the unix socket; peer authentication needs no password."""
        url = URL.create(
            "postgresql+psycopg2",
            username=_known(role),
            port=PORT,
            database=database,
            query={"host": str(self._place.sockets)},
        )
        return url.render_as_string(hide_password=False)

    def libpq_dsn(self, role: str = "collector_app", database: str = DATABASE) -> str:
        """The same for psql, pg_dump and psycopg2, as `key=value` pairs."""
        sockets = str(self._place.sockets)
        return make_dsn(host=sockets, port=PORT, user=_known(role), dbname=database)

    def is_alive(self) -> bool:
        if self._owns():
            return self._server is not None and self._server.poll() is None
        return leftovers.postmaster_pid(self._place.folder) is not None

    def restart_if_dead(self) -> bool:
        """Bring a dead server back; True if it was dead. Never for a visitor or after `stop`."""
        with self._server_lock:
            if not self._owns() or self._stopping.is_set() or self.is_alive():
                return False
            exit_code = self._server.returncode if self._server is not None else None
            logger.warning("the embedded database ended (exit code %s); restarting", exit_code)
            began = time.monotonic()
            self._launch()
            logger.warning("the embedded database is back in %.2f s", time.monotonic() - began)
            return True

    def watch(self) -> None:
        """Keep a thread that restarts the server within a fraction of a second of its death."""
        if not self._owns():
            raise EmbeddedError("only the process that started the embedded database watches it")
        with self._server_lock:
            if self._watcher is None and not self._stopping.is_set():
                self._watcher = threading.Thread(
                    target=self._watch, name="embedded-postgres-watcher", daemon=True
                )
                self._watcher.start()

    def stop(self, timeout: float = 30) -> None:
        """Shut down, disconnecting clients; escalate after `timeout` seconds. Safe to repeat."""
        if not self._owns():
            return
        self._stopping.set()
        with self._server_lock:
            try:
                if self._server is not None:
                    _end(self._server, timeout)
                leftovers.end_processes(self._place.folder)
                self._remove_short_sockets()
            finally:
                for lock in reversed(self._locks):
                    lock.release()
                self._owner = None
        if self._watcher is not None and self._watcher is not threading.current_thread():
            self._watcher.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _owns(self) -> bool:
        return self._owner == os.getpid()

    def _bring_up(self, settings: Mapping[str, str]) -> None:
        make_data_folder(self._place, self.bin_dir)
        write_configuration(self._place, settings)
        self._launch()
        ensure_roles_and_database(self.libpq_dsn(ADMINISTRATOR, "postgres"))

    def _launch(self) -> None:
        leftovers.end_processes(self._place.folder)
        leftovers.remove_pid_file(self._place.data)
        leftovers.remove_socket_files(self._place.sockets)
        log = _open_log(self._place.log)
        try:
            log_begin = os.fstat(log).st_size
            command = server_command(self._place, self.bin_dir)
            self._server = spawn(command, self._place.user, death_signal=signal.SIGINT, output=log)
        finally:
            os.close(log)
        self._await_ready(self._server, log_begin)

    def _await_ready(self, server: subprocess.Popen[bytes], log_begin: int) -> None:
        # The pid file's status, because each refused connection would be a line in the log.
        deadline = time.monotonic() + _READY_SECONDS
        while not leftovers.reports_ready(self._place.data, server.pid):
            if server.poll() is not None:
                tail = _log_tail(self._place.log, log_begin)
                raise EmbeddedError(f"PostgreSQL ended with {server.returncode}: {tail}")
            if self._stopping.is_set():
                raise EmbeddedError("the embedded database was stopped while it started")
            if time.monotonic() > deadline:
                tail = _log_tail(self._place.log, log_begin)
                raise EmbeddedError(f"PostgreSQL not ready in {_READY_SECONDS:.0f} s: {tail}")
            time.sleep(0.005)
        try:
            psycopg2.connect(self.libpq_dsn(ADMINISTRATOR, "postgres"), connect_timeout=10).close()
        except psycopg2.OperationalError as error:
            raise EmbeddedError(f"PostgreSQL runs but refuses us: {error}") from error

    def _watch(self) -> None:
        pause = _WATCH_SECONDS
        while not self._stopping.wait(pause):
            pause = _WATCH_SECONDS
            try:
                self.restart_if_dead()
            except (EmbeddedError, OSError) as error:
                if self._stopping.is_set():
                    return
                logger.error("the embedded database can't be restarted: %s", error)
                pause = _RETRY_SECONDS

    def _remove_short_sockets(self) -> None:
        # A folder in /tmp is made anew by each start; one in the cluster stays.
        if self._place.sockets.parent != self._place.cluster and self._place.sockets.exists():
            leftovers.remove_socket_files(self._place.sockets)
            self._place.sockets.rmdir()


def _require_linux() -> None:
    if not Path("/proc/self/stat").exists():
        raise EmbeddedError(
            "the embedded database needs Linux with /proc: set DATABASE_URL to a PostgreSQL (>= 15)"
        )


def _known(role: str) -> str:
    if role != ADMINISTRATOR and role not in ROLES:
        raise EmbeddedError(f"no role {role!r}: use {', '.join((ADMINISTRATOR, *ROLES))}")
    return role


def _end(server: subprocess.Popen[bytes], timeout: float) -> None:
    """Fast shutdown, then immediate, then kill."""
    for signal_number, seconds in ((signal.SIGINT, timeout), (signal.SIGQUIT, _QUIT_SECONDS)):
        server.send_signal(signal_number)
        try:
            server.wait(seconds)
        except subprocess.TimeoutExpired:
            logger.warning("PostgreSQL did not end within %.0f s of %s", seconds, signal_number)
        else:
            return
    server.kill()
    server.wait()


def _open_log(path: Path) -> int:
    if path.exists() and path.stat().st_size > _LOG_LIMIT:
        path.replace(path.with_name(f"{path.name}.1"))
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    return os.open(path, flags, 0o600)


def _log_tail(path: Path, begin: int) -> str:
    """The end of what this server wrote; `begin` is the log's size in bytes when it started."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(begin, end - _LOG_TAIL))
        return file.read().decode("utf-8", "replace").strip() or "(its log is empty)"
