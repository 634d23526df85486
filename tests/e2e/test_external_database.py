"""`collector serve` on a PostgreSQL that somebody else runs, over TCP with passwords."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.external_postgres import (
    APP_PASSWORD,
    MAINTENANCE_PASSWORD,
    ExternalPostgres,
    migrated_postgres,
)
from tests.e2e.service_process import clean_environment, run_collector, running

KEY = "key-of-the-external-database-tests"

pytestmark = pytest.mark.xdist_group("external_database")


@pytest.fixture(scope="module")
def postgres() -> Iterator[ExternalPostgres]:
    with migrated_postgres() as started:
        yield started


@pytest.fixture
def serving(postgres: ExternalPostgres) -> dict[str, str]:
    return clean_environment(
        DATABASE_URL=postgres.url("collector_app", APP_PASSWORD),
        MAINTENANCE_DATABASE_URL=postgres.url("collector_maint", MAINTENANCE_PASSWORD),
        API_KEYS=f"ci:acme:operator:{KEY}",
        DRAIN_SECONDS="0",
    )


def test_serve_stores_and_lists_reports(serving: dict[str, str], folder: Path) -> None:
    with running("serve", serving, folder / "log") as service:
        service.keys["operator"] = KEY
        with service.client(tenant="acme") as client:
            posted = client.post("/ingest/qc", json={"status": {"api": "fail"}})
            assert posted.status_code == 201, posted.text
            listed = client.get("/reports", params={"severity": "block"}).json()["items"]
            assert posted.json()["id"] in [item["id"] for item in listed]
            assert client.get("/health").json()["worker"] == "absent"
        assert "No worker runs" in service.log()
        assert service.stop() == 0
        for secret in (APP_PASSWORD, MAINTENANCE_PASSWORD, KEY):
            assert secret not in service.log() + service.printed


def test_the_database_can_be_named_by_its_parts(
    serving: dict[str, str], postgres: ExternalPostgres, folder: Path
) -> None:
    del serving["DATABASE_URL"]
    parts = {"DB_HOST": "127.0.0.1", "DB_PORT": str(postgres.port), "DB_PASSWORD": APP_PASSWORD}
    with running("serve", {**serving, **parts}, folder / "log") as service:
        service.keys["operator"] = KEY
        with service.client(tenant="acme") as client:
            assert client.get("/reports").status_code == 200


def test_tool_output_needs_an_encryption_key_and_says_so(
    serving: dict[str, str], folder: Path
) -> None:
    with running("serve", serving, folder / "log") as service:
        service.keys["operator"] = KEY
        with service.client(tenant="acme") as client:
            refused = client.post(
                "/ingest/tool/sarif",
                content=b'{"version": "2.1.0", "runs": []}',
                headers={"Content-Type": "application/json"},
            )
        assert refused.status_code == 503
        assert "ENCRYPTION_KEYS" in refused.json()["detail"]


def test_no_key_is_made_up_for_an_external_database(serving: dict[str, str]) -> None:
    del serving["API_KEYS"]
    ended = run_collector("serve", environment=serving)
    assert ended.returncode == 1
    assert "API_KEYS" in ended.stderr


def test_serve_refuses_a_database_without_a_schema(
    serving: dict[str, str], postgres: ExternalPostgres
) -> None:
    postgres.run("CREATE DATABASE empty", "postgres")
    serving["DATABASE_URL"] = postgres.url("collector_app", APP_PASSWORD, "empty")
    ended = run_collector("serve", environment=serving)
    assert ended.returncode == 1
    assert "collector migrate" in ended.stderr


def test_serve_refuses_a_login_that_sees_every_tenant(
    serving: dict[str, str], postgres: ExternalPostgres
) -> None:
    serving["DATABASE_URL"] = postgres.admin_url
    ended = run_collector("serve", environment=serving)
    assert ended.returncode == 1
    assert "collector_app" in ended.stderr
    assert postgres.password not in ended.stderr


def test_a_wrong_password_stops_the_start_without_repeating_it(
    serving: dict[str, str], postgres: ExternalPostgres
) -> None:
    serving["DATABASE_URL"] = postgres.url("collector_app", "not-the-password")
    ended = run_collector("serve", environment=serving)
    assert ended.returncode == 1
    assert "not-the-password" not in ended.stderr + ended.stdout
    assert "Traceback" not in ended.stderr


def test_migrating_again_changes_nothing(postgres: ExternalPostgres) -> None:
    environment = clean_environment(MIGRATION_DATABASE_URL=postgres.admin_url)
    again = run_collector("migrate", environment=environment)
    assert again.returncode == 0, again.stderr
    assert "already" in again.stdout


def test_migrate_with_the_app_login_says_which_login_it_needs(
    postgres: ExternalPostgres,
) -> None:
    environment = clean_environment(DATABASE_URL=postgres.url("collector_app", APP_PASSWORD))
    ended = run_collector("migrate", environment=environment)
    assert ended.returncode == 1
    assert "MIGRATION_DATABASE_URL" in ended.stderr
