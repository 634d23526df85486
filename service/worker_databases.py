"""The databases of a worker: which login does what, and whether each can do it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import psycopg
from sqlalchemy.engine import URL, make_url

from db.access import APP, MAINTENANCE
from db.embedded import EmbeddedDatabase
from db.job_upkeep import require_queue_rights
from db.migrate import require_current
from db.session import Database
from service.settings import Settings, SettingsError, secret_url

_STATEMENT_TIMEOUT_MS: Final = 60_000
_NOTIFICATION_SECONDS: Final = 3.0
_CHANNEL: Final = "collector_worker_check"


@dataclass(frozen=True, slots=True)
class WorkerDatabases:
    """`queue` leads to PostgreSQL itself; `maintenance` has a connection a job, and
    `tenants` has two."""

    queue: URL
    maintenance: Database
    tenants: Database


@contextmanager
def worker_databases(settings: Settings) -> Iterator[WorkerDatabases]:
    """Open them, checked; close them at the end.

    Raises SettingsError, EmbeddedError, DatabaseError.
    """
    queue, maintenance_url, tenants_url = _urls(settings)
    # Beside the jobs, lost ones are looked after, failures noted, and metrics told.
    maintenance = _database(maintenance_url, settings.worker_concurrency + 3)
    # An export reads on while what it has written is noted.
    tenants = _database(tenants_url, settings.worker_concurrency * 2)
    try:
        require_current(maintenance)
        require_queue_rights(maintenance)
        require_current(tenants)
        _require_notifications(queue)
        yield WorkerDatabases(queue, maintenance, tenants)
    finally:
        tenants.close()
        maintenance.close()


def _urls(settings: Settings) -> tuple[URL, URL, URL]:
    if settings.embedded:
        embedded = EmbeddedDatabase.attach(settings.collector_home)
        maintenance = make_url(embedded.url(MAINTENANCE))
        return maintenance, maintenance, make_url(embedded.url(APP))
    named = secret_url(settings.maintenance_database_url)
    if named is None:
        raise SettingsError(
            "MAINTENANCE_DATABASE_URL must be set: a worker does the system's work as "
            "collector_maint, which DATABASE_URL's login may not do"
        )
    return secret_url(settings.database_direct_url) or named, named, settings.app_url()


def _database(url: URL, connections: int) -> Database:
    return Database(
        url.render_as_string(hide_password=False),
        pool_size=connections,
        pool_timeout=30,
        statement_timeout_ms=_STATEMENT_TIMEOUT_MS,
        application_name="collector worker",
    )


def _require_notifications(queue: URL) -> None:
    """Raise SettingsError if what one connection notifies doesn't reach another."""
    text = queue.set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        with (
            psycopg.connect(text, autocommit=True, connect_timeout=3) as listening,
            psycopg.connect(text, autocommit=True, connect_timeout=3) as notifying,
        ):
            listening.execute(f"LISTEN {_CHANNEL}")
            notifying.execute(f"NOTIFY {_CHANNEL}")
            heard = list(listening.notifies(timeout=_NOTIFICATION_SECONDS, stop_after=1))
    except psycopg.Error as error:
        place = f"{queue.host or 'a local socket'}:{queue.port or 5432}"
        raise SettingsError(
            f"DATABASE_DIRECT_URL (or MAINTENANCE_DATABASE_URL): can't connect to {place} as "
            f"{queue.username}; see that PostgreSQL answers there and takes this login"
        ) from error
    if not heard:
        raise SettingsError(
            "DATABASE_DIRECT_URL: notifications don't arrive there, as behind a pooler in "
            "transaction mode; name PostgreSQL itself"
        )
