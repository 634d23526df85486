"""`collector serve` on a PostgreSQL that a test may stop, cut off or set back."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.e2e.external_postgres import APP_PASSWORD, MAINTENANCE_PASSWORD, ExternalPostgres
from tests.e2e.service_process import Service, clean_environment, running

TENANT: Final = "acme"
KEY: Final = "key-of-a-service-whose-database-fails"


def serving(postgres: ExternalPostgres, port: int | None = None) -> dict[str, str]:
    """Variables of a service on this server; `port` leads to it some other way."""
    app_url = postgres.url("collector_app", APP_PASSWORD)
    if port is not None:
        app_url = app_url.replace(f":{postgres.port}/", f":{port}/")
    return clean_environment(
        DATABASE_URL=app_url,
        MAINTENANCE_DATABASE_URL=postgres.url("collector_maint", MAINTENANCE_PASSWORD),
        API_KEYS=f"ci:{TENANT}:operator:{KEY}",
        DRAIN_SECONDS="0",
    )


@contextmanager
def external_service(environment: Mapping[str, str], log_path: Path) -> Iterator[Service]:
    with running("serve", environment, log_path) as service:
        service.keys["operator"] = KEY
        yield service
