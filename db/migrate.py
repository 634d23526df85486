"""Brings a database to this program's schema, and says which revision it is at.

Configures Alembic in code: it has no ini file, and its own command isn't used.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import psycopg2
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from db import access, errors
from db.maintenance import DEFAULT_AHEAD, DEFAULT_WIDTH
from db.roles import make_roles
from db.session import Database

_LOCK: Final = "(1668246627, 1)"
_LOCK_WAIT_SECONDS: Final = 60.0
_ATTEMPTS: Final = 10


@dataclass(frozen=True, slots=True)
class MigrationResult:
    """`from_revision` is None for a database that was empty; `partitions` are those made now."""

    from_revision: str | None
    to_revision: str
    partitions: tuple[str, ...]


def migrate(
    url: str,
    *,
    roles_from_admin: bool = False,
    partitions_ahead: int = DEFAULT_AHEAD,
    partition_width: timedelta = DEFAULT_WIDTH,
) -> MigrationResult:
    """Run all missing revisions and make the partitions of the coming weeks; safe to run at once.

    `url` logs in as collector_owner, or as an administrator with `roles_from_admin`, who first
    makes the four roles and then acts as collector_owner. Each revision is a transaction: a
    failure leaves the database at the last whole one. Partitions already there keep their width.
    """
    try:
        with _exclusive_connection(url) as connection:
            _require_utf8(connection)
            if roles_from_admin:
                make_roles(connection)
                connection.exec_driver_sql(f"SET ROLE {access.OWNER}")
                connection.commit()
            before = _revision_of(connection)
            _upgrade(connection)
            made = connection.exec_driver_sql(
                "SELECT public.collector_ensure_partitions(%(ahead)s, %(width)s)",
                {"ahead": partitions_ahead, "width": partition_width},
            ).scalars()
            partitions = tuple(made)
            connection.commit()
            return MigrationResult(before, head_revision(), partitions)
    except DBAPIError as error:
        raise _failure(error) from error


def head_revision() -> str:
    """Return the newest revision this program knows."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise errors.SchemaOutOfDate("This program was packaged without its migrations.")
    return head


def current_revision(url: str) -> str | None:
    """Return the revision the database is at, or None if it was never migrated."""
    try:
        with _connection(url) as connection:
            return _revision_of(connection)
    except DBAPIError as error:
        raise errors.from_driver(error) from error


def require_current(database: Database) -> None:
    """Return if the database is at this program's revision and row level security binds us.

    Raises SchemaOutOfDate or RoleNotIsolated, each saying what to do.
    """
    with database.system_transaction(read_only=True) as tx:
        state = tx.row("SELECT to_regclass('public.alembic_version') IS NOT NULL")
        if state is None or not state[0]:
            raise errors.SchemaOutOfDate("The database has no schema; run `collector migrate`.")
        row = tx.row(
            "SELECT (SELECT version_num FROM public.alembic_version),"
            " row_security_active('public.reports'), current_user"
        )
    revision, isolated, role = row or (None, False, "unknown")
    if revision != head_revision():
        raise errors.SchemaOutOfDate(
            f"The database is at revision {revision}, this program needs {head_revision()}; "
            "run `collector migrate` of the newer of the two, then start this program again."
        )
    if not isolated:
        raise errors.RoleNotIsolated(
            f"Row level security does not bind the role {role}, so it would see all tenants; "
            f"log in as {access.APP}."
        )


def _failure(error: DBAPIError) -> errors.DatabaseError:
    failure = errors.from_driver(error)
    if isinstance(failure, errors.DatabaseUnavailable) or not isinstance(
        error.orig, psycopg2.Error
    ):
        return failure
    return errors.MigrationFailed(
        f"Migration stopped and left the last whole revision: {error.orig.diag.message_primary} "
        f"(SQLSTATE {error.orig.pgcode}).",
        sqlstate=error.orig.pgcode,
    )


def _require_utf8(connection: Connection) -> None:
    encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
    connection.rollback()
    if encoding != "UTF8":
        raise errors.MigrationFailed(
            f"The database's encoding is {encoding}, but must be UTF8; create it anew with "
            "`createdb --encoding=UTF8 --template=template0`."
        )


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            command.upgrade(config, "head")
            connection.commit()
            return
        except DBAPIError as error:
            connection.rollback()
            if attempt == _ATTEMPTS or not isinstance(
                errors.from_driver(error), errors.LockUnavailable
            ):
                raise
        # Waiting outside the lock queue lets the requests through that hold the table.
        time.sleep(min(0.2 * attempt, 2.0))


def _config() -> Config:
    config = Config()
    folder = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _revision_of(connection: Connection) -> str | None:
    context = MigrationContext.configure(connection, opts={"version_table_schema": "public"})
    revision = context.get_current_revision()
    connection.rollback()
    return revision


@contextmanager
def _connection(url: str) -> Iterator[Connection]:
    engine = create_engine(
        url,
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={"application_name": "collector migrate"},
    )
    with engine.connect() as connection:
        yield connection


@contextmanager
def _exclusive_connection(url: str) -> Iterator[Connection]:
    with _connection(url) as connection:
        connection.exec_driver_sql("SET lock_timeout = '3s'")
        connection.exec_driver_sql("SET statement_timeout = 0")
        connection.exec_driver_sql("SET search_path = public")
        connection.commit()
        _take_lock(connection)
        # The lock belongs to the session and ends with it, however that comes about.
        yield connection


def _take_lock(connection: Connection) -> None:
    deadline = time.monotonic() + _LOCK_WAIT_SECONDS
    while not connection.exec_driver_sql(f"SELECT pg_try_advisory_lock{_LOCK}").scalar_one():
        connection.rollback()
        if time.monotonic() > deadline:
            raise errors.LockUnavailable(
                f"Another migration has held this database for {_LOCK_WAIT_SECONDS:.0f} s; "
                "see that it ends, then run `collector migrate` again."
            )
        time.sleep(0.1)
    connection.commit()
