"""A single reading statement of a tenant: one round trip, and nothing left on the connection."""

import psycopg2
import pytest

from db import errors
from db.ids import TenantId
from db.reports import insert_report
from db.revisions import RevisionClass, peek_at_revisions, read_revisions
from db.session import Database
from tests.db.samples import new_report
from tests.support.database import TestDatabase

COUNT = "SELECT count(*) FROM reports"


def test_tenant_rows_shows_the_tenants_rows_alone(
    app: Database, tenant: TenantId, other_tenant: TenantId
) -> None:
    for owner in (tenant, tenant, other_tenant):
        with app.tenant_transaction(owner) as tx:
            insert_report(tx, new_report())
    assert app.tenant_rows(tenant, COUNT) == [(2,)]
    assert app.tenant_rows(other_tenant, COUNT) == [(1,)]


def test_tenant_rows_takes_one_round_trip(shared_database: TestDatabase, tenant: TenantId) -> None:
    sent: list[str] = []
    database = Database(shared_database.url("collector_app"), pool_size=1, on_statement=sent.append)
    database.tenant_rows(tenant, COUNT)
    database.close()
    assert len(sent) == 1


def test_tenant_rows_leaves_no_setting_behind(
    shared_database: TestDatabase, tenant: TenantId
) -> None:
    database = Database(shared_database.url("collector_app"), pool_size=1)
    database.tenant_rows(tenant, COUNT)
    with database.system_transaction() as tx:
        connection = tx.connection.connection.driver_connection
    assert isinstance(connection, psycopg2.extensions.connection)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('app.tenant_id'), current_setting('statement_timeout'),"
            " current_setting('transaction_read_only')"
        )
        assert cursor.fetchone() == ("", "0", "off")
    database.close()


def test_tenant_rows_refuses_to_write(app: Database, tenant: TenantId) -> None:
    with pytest.raises(errors.DatabaseError):
        app.tenant_rows(
            tenant,
            "INSERT INTO revisions VALUES (current_setting('app.tenant_id'), 'reports', 0, 1)",
        )
    assert app.tenant_rows(tenant, "SELECT value FROM revisions") == []


def test_tenant_rows_stops_at_the_statement_timeout_and_gives_the_connection_back(
    shared_database: TestDatabase, tenant: TenantId
) -> None:
    database = Database(shared_database.url("collector_app"), pool_size=1, statement_timeout_ms=50)
    with pytest.raises(errors.StatementTimeout):
        database.tenant_rows(tenant, "SELECT pg_sleep(5)")
    assert database.tenant_rows(tenant, COUNT) == [(0,)]
    database.close()


def test_tenant_rows_survives_a_connection_that_died_while_idle(
    own_database: TestDatabase, tenant: TenantId
) -> None:
    database = Database(own_database.url("collector_app"), pool_size=1)
    assert database.tenant_rows(tenant, COUNT) == [(0,)]
    own_database.run(
        own_database.server.administrator,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'collector_app'"
        " AND datname = current_database()",
    )
    assert database.tenant_rows(tenant, COUNT) == [(0,)]
    database.close()


def test_tenant_rows_without_a_tenant_is_refused(app: Database) -> None:
    with pytest.raises(ValueError, match="needs a tenant"):
        app.tenant_rows(TenantId(""), COUNT)


def test_a_peek_at_revisions_equals_what_a_transaction_reads(
    app: Database, tenant: TenantId
) -> None:
    with app.tenant_transaction(tenant) as tx:
        insert_report(tx, new_report())
    with app.tenant_transaction(tenant, read_only=True) as tx:
        read = read_revisions(tx, [RevisionClass.REPORTS])
    assert peek_at_revisions(app, tenant, [RevisionClass.REPORTS]) == read
