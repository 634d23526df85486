"""A real PostgreSQL with migrated databases, for a whole test session.

TEST_DATABASE_ADMIN_URL names an administrator's login of any PostgreSQL 15 to 18; without it the
embedded one is started. The roles get a password there if the administrator's URL has one.
TEST_DATABASE_POOLER_PORT is that of a pooler in front of it, for the app login.
"""

import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import sql
from sqlalchemy import URL, make_url

from db import access
from db.embedded import ADMINISTRATOR, EmbeddedDatabase
from db.ids import TenantId
from db.migrate import migrate
from db.session import Database

_ROLES_LOCK = 1668246628
_ADMIN_URL = "TEST_DATABASE_ADMIN_URL"
_POOLER_PORT = "TEST_DATABASE_POOLER_PORT"


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """Makes databases on one server, and URLs for each role to log in with.

    `login` leads straight to it.
    """

    login: Callable[[str, str], str]
    administrator: str
    pooler_port: int | None = None

    def url(self, role: str, database: str) -> str:
        """A SQLAlchemy URL; `role` may be the administrator's. The app's goes by the pooler."""
        url = self.login(role, database)
        if role != access.APP or self.pooler_port is None:
            return url
        return make_url(url).set(port=self.pooler_port).render_as_string(hide_password=False)

    @contextmanager
    def database(self, template: str = "template0") -> Iterator["TestDatabase"]:
        """A copy of `template`, owned by collector_owner, dropped at the end."""
        name = f"test_{uuid.uuid4().hex}"
        self._run(
            "CREATE DATABASE {} OWNER collector_owner TEMPLATE {} ENCODING 'UTF8'", name, template
        )
        try:
            yield TestDatabase(self, name)
        finally:
            self._run("DROP DATABASE {} WITH (FORCE)", name)

    def _run(self, statement: str, *names: str) -> None:
        with administrator_connection(self, "postgres") as connection:
            identifiers = [sql.Identifier(name) for name in names]
            with connection.cursor() as cursor:
                cursor.execute(sql.SQL(statement).format(*identifiers))


@dataclass(frozen=True, slots=True)
class TestDatabase:
    """One database and the logins to it."""

    __test__ = False

    server: PostgresServer
    name: str

    def url(self, role: str) -> str:
        return self.server.url(role, self.name)

    def direct_url(self, role: str) -> str:
        """Past any pooler, for what is about connections to the server itself."""
        return self.server.login(role, self.name)

    @property
    def admin_url(self) -> str:
        return self.url(self.server.administrator)

    @contextmanager
    def login(self, role: str) -> Iterator[psycopg2.extensions.connection]:
        """A plain autocommit connection of this role, past db.session and any pooler."""
        connection = psycopg2.connect(libpq_dsn(self.direct_url(role)))
        connection.autocommit = True
        try:
            yield connection
        finally:
            connection.close()

    def run(self, role: str, statement: str, parameters: object = None) -> list[tuple[object, ...]]:
        """Run one statement as this role in a connection of its own; return its rows."""
        with self.login(role) as connection, connection.cursor() as cursor:
            cursor.execute(statement, parameters)  # type: ignore[arg-type]  # any of psycopg2's
            return cursor.fetchall() if cursor.description else []


def libpq_dsn(url: str) -> str:
    """The libpq URI of a SQLAlchemy URL, as psql and pg_dump take it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


@contextmanager
def administrator_connection(
    server: PostgresServer, database: str
) -> Iterator[psycopg2.extensions.connection]:
    connection = psycopg2.connect(libpq_dsn(server.url(server.administrator, database)))
    connection.autocommit = True
    try:
        yield connection
    finally:
        connection.close()


def _external_server(admin_url: URL) -> PostgresServer:
    administrator = admin_url.username or "postgres"
    password = admin_url.password and hashlib.sha256(str(admin_url.password).encode()).hexdigest()

    def login(role: str, database: str) -> str:
        url = admin_url.set(database=database)
        if role != administrator:
            url = url.set(username=role, password=password)
        return url.render_as_string(hide_password=False)

    port = os.environ.get(_POOLER_PORT)
    server = PostgresServer(login, administrator, int(port) if port else None)
    with administrator_connection(server, "postgres") as connection, connection.cursor() as cursor:
        # Roles are the server's, and every test process of a run comes here.
        cursor.execute("SELECT pg_advisory_lock(%s)", (_ROLES_LOCK,))
        for role in access.ROLES:
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,))
            if cursor.fetchone() is None:
                cursor.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
            if password:
                cursor.execute(
                    sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                        sql.Identifier(role), sql.Literal(password)
                    )
                )
    return server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    admin_url = os.environ.get(_ADMIN_URL)
    if admin_url:
        yield _external_server(make_url(admin_url).set(drivername="postgresql+psycopg2"))
        return
    # A short path of its own: a unix socket's path has at most 107 bytes.
    home = Path(tempfile.mkdtemp(prefix="collector-"))
    home.chmod(0o711)
    embedded = EmbeddedDatabase.start(home)
    try:
        yield PostgresServer(embedded.url, ADMINISTRATOR)
    finally:
        embedded.stop()
        shutil.rmtree(home)


@pytest.fixture(scope="session")
def migrated_template(postgres_server: PostgresServer) -> Iterator[str]:
    """The name of a migrated database that nobody connects to: a template for others."""
    with postgres_server.database() as made:
        migrate(made.url(access.OWNER))
        yield made.name


@pytest.fixture(scope="session")
def shared_database(
    postgres_server: PostgresServer, migrated_template: str
) -> Iterator[TestDatabase]:
    """A migrated database of the whole session: use a tenant of your own, and leave DDL alone."""
    with postgres_server.database(migrated_template) as made:
        yield made


@pytest.fixture
def own_database(postgres_server: PostgresServer, migrated_template: str) -> Iterator[TestDatabase]:
    """A migrated database of one test, which may do anything to it."""
    with postgres_server.database(migrated_template) as made:
        yield made


@pytest.fixture
def empty_database(postgres_server: PostgresServer) -> Iterator[TestDatabase]:
    """A database that was never migrated."""
    with postgres_server.database() as made:
        yield made


@pytest.fixture(scope="session")
def app(shared_database: TestDatabase) -> Iterator[Database]:
    """The shared database as the API and the worker see it."""
    database = Database(shared_database.url(access.APP))
    yield database
    database.close()


@pytest.fixture
def tenant() -> TenantId:
    """A tenant that no other test has."""
    return TenantId(f"tenant-{uuid.uuid4().hex[:12]}")


@pytest.fixture
def other_tenant() -> TenantId:
    return TenantId(f"other-{uuid.uuid4().hex[:12]}")


@pytest.fixture(scope="session")
def shared_maintenance(shared_database: TestDatabase) -> Iterator[Database]:
    """The shared database as the system's own jobs see it."""
    database = Database(shared_database.url(access.MAINTENANCE), pool_size=2)
    yield database
    database.close()
