"""A PostgreSQL as others run it: TCP on 127.0.0.1, passwords, an administrator of another name.

Made by hand, from the embedded binaries where no others are named: that needs nothing but pip.
"""

import os
import secrets
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from db.embedded.binaries import find_binaries
from db.embedded.place import make_place
from tests.e2e.service_process import wait_until

ADMINISTRATOR = "boss"


@dataclass(frozen=True, slots=True)
class ExternalPostgres:
    """Where it listens, and its administrator's password."""

    port: int
    password: str

    def url(self, user: str, password: str, database: str = "collector") -> str:
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    @property
    def admin_url(self) -> str:
        return self.url(ADMINISTRATOR, self.password)

    @property
    def server_url(self) -> str:
        """The administrator's, before any database of ours is made."""
        return self.url(ADMINISTRATOR, self.password, "postgres")

    def run(self, statement: str, database: str = "collector") -> None:
        connection = psycopg2.connect(self.url(ADMINISTRATOR, self.password, database))
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
        finally:
            connection.close()


@contextmanager
def external_postgres(folder: Path, binaries: Path | None = None) -> Iterator[ExternalPostgres]:
    """Runs in `folder` until the block ends; `binaries` is where `postgres` lies."""
    user = make_place(folder).user
    binaries = find_binaries(binaries, user)
    # Root may not run PostgreSQL, so the server gets a user of its own, as the embedded one does.
    uid, gid = (user.uid, user.gid) if os.geteuid() == 0 else (None, None)
    data = folder / "external"
    data.mkdir(mode=0o700)
    if uid is not None:
        os.chown(data, user.uid, user.gid)
    password = secrets.token_hex(16)
    password_file = folder / "password"
    password_file.write_text(password + "\n")
    password_file.chmod(0o644)
    subprocess.run(
        [
            binaries / "initdb",
            *("-D", data, "-U", ADMINISTRATOR, "--auth=scram-sha-256", "--encoding=UTF8"),
            *("--locale=C", "--pwfile", password_file, "--no-sync"),
        ],
        cwd="/",
        check=True,
        capture_output=True,
        user=uid,
        group=gid,
    )
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    options = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": "",
        "fsync": "off",
    }
    chosen = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    with (folder / "external.log").open("wb") as log:
        server = subprocess.Popen(
            [binaries / "postgres", "-D", data, *chosen],
            cwd="/",
            stderr=log,
            user=uid,
            group=gid,
        )
    postgres = ExternalPostgres(port, password)
    try:
        wait_until(lambda: _answers(postgres), "PostgreSQL to take connections")
        yield postgres
    finally:
        server.terminate()
        server.wait(timeout=30)


def _answers(postgres: ExternalPostgres) -> bool:
    try:
        postgres.run("SELECT 1", "postgres")
    except psycopg2.OperationalError:
        return False
    return True
