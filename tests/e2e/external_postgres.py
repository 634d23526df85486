"""A PostgreSQL as others run it: TCP on 127.0.0.1, passwords, an administrator of another name.

Made by hand, from the embedded binaries where no others are named: that needs nothing but pip.
"""

import os
import secrets
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg2

from db.embedded.binaries import find_binaries
from db.embedded.place import make_place
from db.embedded.spawn import ServerUser
from tests.e2e.service_process import clean_environment, run_collector, short_folder, wait_until

ADMINISTRATOR: Final = "boss"
APP_PASSWORD: Final = "app-password"
MAINTENANCE_PASSWORD: Final = "maintenance-password"


class ExternalPostgres:
    """One server, which can be ended and started again on the same data and port."""

    def __init__(self, data: Path, binaries: Path, user: ServerUser, password: str) -> None:
        self.data = data
        self.password = password
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self._binaries = binaries
        self._user = user
        self._server: subprocess.Popen[bytes] | None = None

    def url(self, user: str, password: str, database: str = "collector") -> str:
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    @property
    def admin_url(self) -> str:
        return self.url(ADMINISTRATOR, self.password)

    @property
    def server_url(self) -> str:
        """The administrator's, before any database of ours is made."""
        return self.url(ADMINISTRATOR, self.password, "postgres")

    def run(self, statement: str, database: str = "collector") -> list[tuple[object, ...]]:
        connection = psycopg2.connect(self.url(ADMINISTRATOR, self.password, database))
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    @contextmanager
    def transaction(self) -> Iterator[psycopg2.extensions.cursor]:
        """The administrator's, rolled back at the end of the block."""
        connection = psycopg2.connect(self.admin_url)
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    def start(
        self,
        environment: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "fsync": "off",
            **(settings or {}),
        }
        chosen = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        as_root = os.geteuid() == 0
        with self.data.with_name("external.log").open("ab") as log:
            self._server = subprocess.Popen(
                [self._binaries / "postgres", "-D", self.data, *chosen],
                cwd="/",
                stderr=log,
                # Root may not run PostgreSQL, so it gets a user of its own, as the embedded does.
                user=self._user.uid if as_root else None,
                group=self._user.gid if as_root else None,
                env={**os.environ, **(environment or {})},
            )
        wait_until(self._answers, "PostgreSQL to take connections")

    def stop(self, signal_number: signal.Signals = signal.SIGINT) -> None:
        """Ends it, by default without waiting for its clients."""
        if self._server is not None:
            self._server.send_signal(signal_number)
            self._server.wait(timeout=30)
            self._server = None

    def _answers(self) -> bool:
        try:
            self.run("SELECT 1", "postgres")
        except psycopg2.OperationalError:
            return False
        return True


@contextmanager
def external_postgres(folder: Path, binaries: Path | None = None) -> Iterator[ExternalPostgres]:
    """Runs in `folder` until the block ends.

    `binaries`, or TEST_POSTGRES_BIN, is where `postgres` lies; else it is the embedded one.
    """
    user = make_place(folder).user
    named = os.environ.get("TEST_POSTGRES_BIN")
    binaries = find_binaries(binaries or (Path(named) if named else None), user)
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
    postgres = ExternalPostgres(data, binaries, user, password)
    try:
        postgres.start()
        yield postgres
    finally:
        postgres.stop()


@contextmanager
def migrated_postgres(binaries: Path | None = None) -> Iterator[ExternalPostgres]:
    """One that its administrator migrated, who then gave the two logins their passwords."""
    with short_folder() as folder, external_postgres(folder, binaries) as started:
        started.run("CREATE DATABASE collector ENCODING 'UTF8' TEMPLATE template0", "postgres")
        environment = clean_environment(MIGRATION_DATABASE_URL=started.admin_url)
        migrated = run_collector("migrate", environment=environment)
        assert migrated.returncode == 0, migrated.stderr
        assert "Migrated from nothing to" in migrated.stdout
        started.run(f"ALTER ROLE collector_app PASSWORD '{APP_PASSWORD}'")
        started.run(f"ALTER ROLE collector_maint PASSWORD '{MAINTENANCE_PASSWORD}'")
        yield started
