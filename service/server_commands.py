"""`collector up`, `serve`, `migrate` and `settings`: the service itself on this machine."""

from contextlib import AbstractContextManager, nullcontext

import click

from service.key_source import DEVELOPMENT_TENANT
from service.log_stream import STANDARD_ERROR, STANDARD_OUTPUT, tell
from service.logs import configure_logging
from service.serve import Ending, listen
from service.serve import serve as run_server
from service.settings import Settings, SettingsError, described, load_settings
from service.startup import Prepared, migrate_configured, prepared
from service.telling import told
from service.worker_child import WorkerChild


@click.command()
def up() -> None:
    """Bring up database, schema, API and worker in one go, and serve until Ctrl-C.

    With no database configured, an embedded PostgreSQL is started in COLLECTOR_HOME and kept
    between starts. With no keys configured, four API keys of the tenant "demo" are made for this
    start and printed, one for each role.
    """
    ending = Ending()
    with told():
        settings = load_settings()
        configure_logging(settings.log_level)
        tell(
            STANDARD_ERROR,
            f"Starting the database in {settings.collector_home} …"
            if settings.embedded
            else "Bringing the database's schema up …",
        )
        migrating = settings.embedded or settings.migration_database_url is not None
        with prepared(settings, migrating=migrating) as ready, _worker_beside(settings, ready):
            _serve(settings, ready, ending)


def _worker_beside(settings: Settings, ready: Prepared) -> AbstractContextManager[object]:
    if settings.embedded or settings.maintenance_database_url is not None:
        return WorkerChild(settings.worker_finish_seconds)
    _say_if_no_worker_runs(ready, "MAINTENANCE_DATABASE_URL isn't set, so none is started here")
    return nullcontext()


def _say_if_no_worker_runs(ready: Prepared, why: str) -> None:
    if not ready.worker_runs:
        tell(
            STANDARD_ERROR,
            f"No worker runs ({why}): nobody makes partitions ahead, cleans up, or does what "
            "requests leave to be done. Start `collector worker`; GET /health tells whether one "
            "runs.",
        )


@click.command()
def serve() -> None:
    """Serve the API on a database that is there and migrated.

    Unlike `up`, this starts no database and changes no schema: it is what a container runs.
    """
    ending = Ending()
    with told():
        settings = load_settings()
        configure_logging(settings.log_level)
        if settings.embedded:
            raise SettingsError(
                "DATABASE_URL (or DB_HOST) must be set; `collector up` brings its own database"
            )
        with prepared(settings, migrating=False) as ready:
            _say_if_no_worker_runs(ready, "`collector serve` starts none")
            _serve(settings, ready, ending)


def _serve(settings: Settings, ready: Prepared, ending: Ending) -> None:
    try:
        listener = listen(settings.host, settings.port)
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        raise SettingsError(f"HOST, PORT: can't listen on {where}: {error.strerror}") from error
    address = listener.getsockname()
    host = f"[{address[0]}]" if ":" in address[0] else address[0]
    lines = [f"API key ({role}): {secret}" for role, secret in ready.shown_keys.items()]
    if lines:
        lines.append(f"Tenant: {DEVELOPMENT_TENANT}. These keys live as long as this start.")
    if settings.workers > 1 and settings.redis_url is None:
        tell(
            STANDARD_ERROR,
            f"Rate limits are counted by each of the {settings.workers} processes for itself: a "
            f"caller may get up to {settings.workers} times as much. REDIS_URL makes them one.",
        )
    lines.append(f"Listening on http://{host}:{address[1]}  (docs at /docs, Ctrl-C ends)")
    tell(STANDARD_OUTPUT, "\n".join(lines))
    if not run_server(ready.factory, listener, ending):
        raise SettingsError("The service could not start; the log says why.")


@click.command()
def migrate() -> None:
    """Bring the database's schema to this version.

    Uses MIGRATION_DATABASE_URL (the owner, or an administrator, who then also makes the four
    roles), else the embedded database in COLLECTOR_HOME. Safe to run at any time and several at
    once.
    """
    with told():
        result = migrate_configured(load_settings())
    before = result.from_revision or "nothing"
    if before == result.to_revision:
        click.echo(f"The schema is at {result.to_revision} already.")
    else:
        click.echo(f"Migrated from {before} to {result.to_revision}.")
    if result.partitions:
        click.echo(f"Made partitions: {', '.join(result.partitions)}.")


@click.command()
def settings() -> None:
    """Print every setting with its value and meaning; secrets are masked.

    Each can also be given as NAME_FILE, the path of a file that holds the value.
    """
    with told():
        rows = described(load_settings())
    width = max(len(name) for name, _, _ in rows)
    for name, value, meaning in rows:
        click.echo(f"{name:<{width}}  {value or '-'}")
        click.echo(f"{'':<{width}}  {meaning}")
    click.echo("\nFor `collector push` and scripts/smoke: COLLECTOR_URL, API_KEY, TENANT_ID.")
