"""All callers on one server connection: nothing of one shows to the next or stays behind."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg2
import pytest

from db import access, errors
from db.idempotency import Claimed, IdempotencyScope, claim, record
from db.ids import TenantId
from db.migrate import migrate
from db.session import Database
from tests.e2e.external_postgres import ExternalPostgres, external_postgres
from tests.e2e.pooler import pooler
from tests.e2e.service_process import (
    clean_environment,
    run_collector,
    short_folder,
    wait_until,
)
from tests.e2e.worker_process import enqueue_jobs, worker

PASSWORD = "app-password"
TENANTS = tuple(TenantId(f"tenant-{letter}") for letter in "abc")


@pytest.fixture(scope="module")
def postgres() -> Iterator[ExternalPostgres]:
    with short_folder() as folder, external_postgres(folder) as started:
        started.run("CREATE DATABASE collector ENCODING 'UTF8' TEMPLATE template0", "postgres")
        url = started.admin_url.replace("postgresql://", "postgresql+psycopg2://")
        migrate(url, roles_from_admin=True)
        for role in (access.APP, access.MAINTENANCE):
            started.run(f"ALTER ROLE {role} PASSWORD '{PASSWORD}'")
        yield started


@pytest.fixture(scope="module")
def pooled_url(postgres: ExternalPostgres) -> Iterator[str]:
    with short_folder() as folder, pooler(folder, postgres, server_connections=1) as port:
        yield f"postgresql+psycopg2://{access.APP}:{PASSWORD}@127.0.0.1:{port}/collector"


def _connections(postgres: ExternalPostgres) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(postgres.admin_url)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pid FROM pg_stat_activity WHERE usename = %s", (access.APP,))
            return cursor.fetchall()
    finally:
        connection.close()


def _claim(database: Database, tenant: TenantId, seed: int, step: int, *, fail: bool) -> None:
    scope = IdempotencyScope(f"key-{seed}", "ingest_qc", f"step-{step}")
    with database.tenant_transaction(tenant) as tx:
        assert isinstance(claim(tx, scope, b"x" * 32), Claimed)
        record(tx, scope, b"x" * 32, 201, f"{tenant}/{seed}/{step}")
        if fail:
            tx.rows("SELECT 1 / 0")


def _work(database: Database, tenant: TenantId, seed: int) -> int:
    """What one caller does, some of it wrong; how many keys it has claimed."""
    chance = random.Random(seed)
    claimed = 0
    for step in range(30):
        if chance.random() < 0.2:
            with pytest.raises(errors.DatabaseError):
                _claim(database, tenant, seed, step, fail=True)
        else:
            _claim(database, tenant, seed, step, fail=False)
            claimed += 1
        for found in (
            database.tenant_rows(tenant, "SELECT tenant_id, reference FROM idempotency_keys"),
            _read(database, tenant),
        ):
            assert {row[0] for row in found} <= {tenant}
            assert all(str(row[1]).startswith(f"{tenant}/") for row in found)
    return claimed


def _read(database: Database, tenant: TenantId) -> list[tuple[object, ...]]:
    with database.tenant_transaction(tenant, read_only=True) as tx:
        return tx.rows("SELECT tenant_id, reference FROM idempotency_keys")


def test_tenants_that_hammer_one_server_connection_never_see_each_others_rows(
    postgres: ExternalPostgres, pooled_url: str
) -> None:
    database = Database(pooled_url, pool_size=9, pool_timeout=60)
    with ThreadPoolExecutor(9) as pool:
        work = [
            pool.submit(_work, database, TENANTS[seed % len(TENANTS)], seed) for seed in range(9)
        ]
        claimed = [each.result() for each in work]
    assert all(0 < count < 30 for count in claimed)
    assert len(_connections(postgres)) == 1
    for place, tenant in enumerate(TENANTS):
        assert len(_read(database, tenant)) == sum(claimed[place::3])
    with database.system_transaction(read_only=True) as tx:
        assert tx.rows("SELECT 1 FROM idempotency_keys") == []
    database.close()


def test_the_shared_connection_is_left_as_it_was_found(
    postgres: ExternalPostgres, pooled_url: str
) -> None:
    database = Database(pooled_url, pool_size=2)
    for seed, tenant in enumerate(TENANTS, start=100):
        _work(database, tenant, seed)
    database.close()
    connection = psycopg2.connect(pooled_url.replace("+psycopg2", ""))
    connection.autocommit = True
    with connection.cursor() as cursor:
        found = []
        for what in (
            "SELECT pg_backend_pid()",
            "SELECT count(*)::int FROM pg_prepared_statements",
            "SELECT count(*)::int FROM pg_cursors",
            "SELECT count(*)::int FROM pg_listening_channels()",
            "SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory'",
            "SELECT coalesce(current_setting('app.tenant_id', true), '')",
            "SELECT coalesce(current_setting('app.claimed', true), '')",
            "SELECT count(*)::int FROM pg_settings WHERE source = 'session'"
            " AND name NOT IN ('application_name', 'client_encoding', 'transaction_isolation',"
            " 'transaction_read_only', 'DateStyle', 'TimeZone')",
            "SELECT count(*)::int FROM pg_class WHERE relpersistence = 't'",
        ):
            cursor.execute(what)
            found.append((cursor.fetchone() or (None,))[0])
    connection.close()
    assert [(pid,) for pid in found[:1]] == _connections(postgres)
    assert found[1:] == [0, 0, 0, 0, "", "", 0, 0]


def test_a_worker_refuses_to_listen_by_the_pooler_and_works_past_it(
    postgres: ExternalPostgres, pooled_url: str, tmp_path: Path
) -> None:
    app_url = pooled_url.replace("+psycopg2", "")
    pooled = app_url.replace(access.APP, access.MAINTENANCE)
    settings = clean_environment(DATABASE_URL=app_url, MAINTENANCE_DATABASE_URL=pooled)
    refused = run_collector("worker", environment=settings)
    assert refused.returncode == 1
    assert "DATABASE_DIRECT_URL" in refused.stderr
    assert PASSWORD not in refused.stderr
    direct = {**settings, "DATABASE_DIRECT_URL": postgres.url(access.MAINTENANCE, PASSWORD)}
    postgres.run(
        "CREATE TABLE effects (job_id bigint, stage text); GRANT INSERT ON effects TO collector_app"
    )
    with worker(direct, tmp_path / "log") as process:
        process.wait_until_working()
        jobs = enqueue_jobs(pooled_url, "slow_effect", 3, milliseconds=1)
        effects = "SELECT job_id FROM effects WHERE stage = 'effect' ORDER BY job_id"
        wait_until(lambda: postgres.run(effects) == [(job,) for job in jobs], "the jobs' effects")
        assert process.end() == 0
