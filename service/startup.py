"""What has to be there before serving: database, schema, keys; made up only for development.

Development is a start with nothing set: an embedded database, new API keys, kept encryption and
signing keys.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pydantic import SecretStr
from sqlalchemy.engine import URL

from db.access import MAINTENANCE, OWNER
from db.embedded import EmbeddedDatabase, EmbeddedError
from db.errors import DatabaseError
from db.jobs import worker_runs
from db.migrate import MigrationResult, migrate, require_current
from db.session import Database
from service.key_register import register_keyring
from service.key_source import configured_keys, development_entries, development_keys
from service.key_values import with_keys_revealed
from service.keyring import keyring_text, parse_keyring
from service.retention_rules import configured_retention
from service.serve import AppFactory, new_draining_event
from service.settings import Settings, SettingsError, secret_url
from service.signing import configured_signing, link_secrets, with_development_signing

_MAINTENANCE_TIMEOUT_MS = 60_000


@dataclass(frozen=True, slots=True)
class Prepared:
    """A service ready to serve. `shown_keys` are new development keys by role, to print once.

    `worker_runs` tells whether some worker did when this was made ready.
    """

    factory: AppFactory
    worker_runs: bool
    shown_keys: dict[str, str]


@contextmanager
def prepared(settings: Settings, *, migrating: bool) -> Iterator[Prepared]:
    """Opens what the service needs and closes it at the end.

    `migrating` brings the schema up first. Raises SettingsError, EmbeddedError, DatabaseError.
    """
    api_keys, shown = _api_keys(settings)
    # Here, once: server processes get them over a pipe, and start anew while a KMS is away.
    settings = with_keys_revealed(settings)
    configured_signing(settings)
    link_secrets(settings)
    configured_retention(settings)
    if not settings.embedded:
        if migrating:
            migrate_configured(settings)
        url = settings.app_url().render_as_string(hide_password=False)
        _require_connection(settings.app_url())
        yield _ready(settings, url, api_keys, shown)
        return
    with EmbeddedDatabase.start(settings.collector_home) as embedded:
        migrate(embedded.url(OWNER))
        embedded.watch()
        settings = with_development_signing(settings)
        yield _ready(settings, embedded.url(), api_keys, shown)


def _require_connection(url: URL) -> None:
    """Raises SettingsError that says what was tried, without the password."""
    database = Database(url.render_as_string(hide_password=False), pool_size=1)
    try:
        database.ping()
    except DatabaseError as error:
        place = f"{url.host or 'a local socket'}:{url.port or 5432}"
        raise SettingsError(
            f"DATABASE_URL (or DB_HOST and its like): can't connect to {place} as "
            f"{url.username}; see that PostgreSQL answers there and takes this login, its "
            "password, the database's name and the options"
        ) from error
    finally:
        database.close()


def _ready(
    settings: Settings,
    url: str,
    api_keys: SecretStr | None,
    shown: dict[str, str],
) -> Prepared:
    encryption_keys = keyring_text(settings)
    keyring = None if encryption_keys is None else parse_keyring(encryption_keys)
    database = Database(url, pool_size=1)
    try:
        require_current(database)
        register_keyring(database, keyring)
        worker_is_there = worker_runs(database)
    finally:
        database.close()
    secret = None if encryption_keys is None else SecretStr(encryption_keys)
    factory = AppFactory(settings, SecretStr(url), api_keys, secret, new_draining_event())
    return Prepared(factory, worker_is_there, shown)


def _api_keys(settings: Settings) -> tuple[SecretStr | None, dict[str, str]]:
    if configured_keys(settings) is not None:
        return settings.api_keys, {}
    if not settings.embedded:
        raise SettingsError(
            "API_KEYS or API_KEYS_FILE must be set: with an external database no key is made up"
        )
    keys = development_keys()
    return SecretStr(development_entries(keys)), keys


@contextmanager
def maintenance_database(settings: Settings) -> Iterator[Database]:
    """The external database as collector_maint, or the embedded one, whether it runs or not.

    Raises SettingsError, EmbeddedError, DatabaseError.
    """
    url = secret_url(settings.maintenance_database_url)
    if settings.embedded:
        with _running_embedded(settings) as embedded:
            yield from _opened(embedded.url(MAINTENANCE))
    elif url is not None:
        yield from _opened(url.render_as_string(hide_password=False))
    else:
        raise SettingsError(
            "MAINTENANCE_DATABASE_URL must be set: DATABASE_URL's login sees no tenant but its own"
        )


def _opened(url: str) -> Iterator[Database]:
    database = Database(url, pool_size=1, statement_timeout_ms=_MAINTENANCE_TIMEOUT_MS)
    try:
        require_current(database)
        yield database
    finally:
        database.close()


@contextmanager
def _running_embedded(settings: Settings) -> Iterator[EmbeddedDatabase]:
    try:
        running = EmbeddedDatabase.attach(settings.collector_home)
    except EmbeddedError:
        with EmbeddedDatabase.start(settings.collector_home) as embedded:
            yield embedded
        return
    yield running


def migrate_configured(settings: Settings) -> MigrationResult:
    """Migrates the external database, or the embedded one, whether it runs or not."""
    url = secret_url(settings.migration_database_url)
    if url is not None:
        text = url.render_as_string(hide_password=False)
        return migrate(text, roles_from_admin=url.username != OWNER)
    if not settings.embedded:
        raise SettingsError(
            "MIGRATION_DATABASE_URL must be set: DATABASE_URL's login may not change the schema"
        )
    with _running_embedded(settings) as embedded:
        return migrate(embedded.url(OWNER))
