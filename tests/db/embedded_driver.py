"""A process that owns an embedded database, for tests that kill it; started by the harness only.

Arguments: home, user to become first ("-" for none), action. It prints one JSON line when the
database is ready and, unless it writes, one for each JSON line it reads: a statement's result.
It stops the database when its standard input ends.
"""

import ctypes
import json
import logging
import os
import pwd
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import psycopg2

from db.embedded import EmbeddedDatabase, EmbeddedError

_PR_CAPBSET_DROP = 24  # linux/prctl.h
_CAP_SYS_PTRACE = 19  # linux/capability.h


def _become(name: str) -> None:
    entry = pwd.getpwnam(name)
    os.setgroups([])
    os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
    os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)
    for variable in ("HOME", "USER", "LOGNAME"):
        os.environ.pop(variable, None)


def _tell(**facts: object) -> None:
    print(json.dumps(facts), flush=True)


def _hold(database: EmbeddedDatabase) -> None:
    """Run statements: `{"role": …, "database": …, "sql": …}` → `{"rows": …}` or `{"error": …}`."""
    _tell(postmaster=database.pid, data=str(database.data_dir), url=database.url())
    for line in sys.stdin:
        request = json.loads(line)
        try:
            rows = _run(database, request["role"], request["database"], request["sql"])
        except psycopg2.Error as error:
            _tell(error=str(error))
        else:
            _tell(rows=rows, postmaster=database.pid)


def _run(database: EmbeddedDatabase, role: str, name: str, statement: str) -> list[list[object]]:
    dsn = database.libpq_dsn("collector_admin", name)
    connection = psycopg2.connect(dsn, user=role)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return [list(row) for row in cursor.fetchall()] if cursor.description else []
    finally:
        connection.close()


def _watch(database: EmbeddedDatabase) -> None:
    database.watch()
    _hold(database)


def _write(database: EmbeddedDatabase) -> None:
    """Commit rows one by one, printing each number once its commit was acknowledged."""
    _run(database, "collector_owner", "collector", "CREATE TABLE numbers (number int)")
    connection = psycopg2.connect(database.libpq_dsn("collector_owner"))
    connection.autocommit = True
    cursor = connection.cursor()
    _tell(postmaster=database.pid, data=str(database.data_dir))
    for number in range(1_000_000):
        cursor.execute("INSERT INTO numbers VALUES (%s)", (number,))
        print(number, flush=True)


def _fork(database: EmbeddedDatabase) -> None:
    """Leave a forked child behind that outlives a killed owner."""
    child = os.fork()
    if child == 0:
        database.stop()
        threading.Event().wait(30)
        os._exit(0)
    _tell(postmaster=database.pid, data=str(database.data_dir), child=child)
    sys.stdin.read()


def _start(home: Path) -> EmbeddedDatabase:
    """Start from a thread that ends at once, which must not end the server."""
    started: list[EmbeddedDatabase | EmbeddedError] = []

    def start() -> None:
        try:
            started.append(EmbeddedDatabase.start(home))
        except EmbeddedError as error:
            started.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    if isinstance(started[0], EmbeddedError):
        sys.exit(str(started[0]))
    return started[0]


_ACTIONS: dict[str, Callable[[EmbeddedDatabase], None]] = {
    "hold": _hold,
    "watch": _watch,
    "write": _write,
    "fork": _fork,
}


def main(home: Path, user: str, action: str) -> None:
    logging.basicConfig(level=logging.INFO)
    if os.environ.pop("WITHOUT_PTRACE", None):
        # What root may do in most containers; it takes effect with the next exec.
        ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, _CAP_SYS_PTRACE, 0, 0, 0)
        again = [sys.executable, "-m", "tests.db.embedded_driver", str(home), user, action]
        os.execv(sys.executable, again)
    if user != "-":
        _become(user)
    with _start(home) as database:
        _ACTIONS[action](database)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
