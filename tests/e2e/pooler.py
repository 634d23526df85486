"""PgBouncer in transaction mode in front of a PostgreSQL, set up as docs/operating.md advises.

Needs Debian's `pgbouncer`, so only `ci/e2e` starts it.
"""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2

from db.embedded.place import make_place
from tests.e2e.external_postgres import ADMINISTRATOR, ExternalPostgres
from tests.e2e.service_process import wait_until

_SETTINGS = """\
[databases]
* = host=127.0.0.1 port={postgres}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
auth_user = {administrator}
pool_mode = transaction
default_pool_size = {server_connections}
max_client_conn = 1000
logfile = {log}
"""


@contextmanager
def pooler(folder: Path, postgres: ExternalPostgres, server_connections: int = 2) -> Iterator[int]:
    """The port that a PgBouncer listens on until the block ends. Its files are in `folder`.

    `server_connections` are for each database and login: so few that whoever shares them meets
    what others left behind.
    """
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    assert program, "no pgbouncer: on Debian, apt-get install pgbouncer"
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    place = folder / "pooler"
    place.mkdir(mode=0o700)
    users, settings = place / "users", place / "pgbouncer.ini"
    users.write_text(f'"{ADMINISTRATOR}" "{postgres.password}"\n')
    settings.write_text(
        _SETTINGS.format(
            postgres=postgres.port,
            port=port,
            users=users,
            administrator=ADMINISTRATOR,
            server_connections=server_connections,
            log=place / "log",
        )
    )
    # Root may not run it either.
    user = make_place(folder).user
    uid, gid = (user.uid, user.gid) if os.geteuid() == 0 else (None, None)
    if uid is not None:
        for path in (place, users, settings):
            os.chown(path, user.uid, user.gid)
    server = subprocess.Popen([program, "--quiet", settings], cwd="/", user=uid, group=gid)
    try:
        wait_until(lambda: _answers(postgres, port), "PgBouncer to take connections")
        yield port
    finally:
        server.terminate()
        server.wait(timeout=30)


def _answers(postgres: ExternalPostgres, port: int) -> bool:
    try:
        psycopg2.connect(
            host="127.0.0.1",
            port=port,
            user=ADMINISTRATOR,
            password=postgres.password,
            dbname="postgres",
        ).close()
    except psycopg2.OperationalError:
        return False
    return True
