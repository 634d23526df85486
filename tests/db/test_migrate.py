"""Migrations: their sum is what the code declares, they run once, and say what is wrong."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from db import access, errors
from db.migrate import current_revision, head_revision, migrate, require_current
from db.roles import make_roles
from db.schema_check import check_schema
from db.session import Database
from tests.db.samples import BACKFILL
from tests.support.contract import ROOT
from tests.support.database import TestDatabase

_FIRST_ROWS = "SELECT tenant_id, id::text, document::text, sha256::text FROM reports ORDER BY id"


def test_the_sum_of_migrations_is_what_the_code_declares(shared_database: TestDatabase) -> None:
    assert check_schema(shared_database.url(access.OWNER)) == ()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("ALTER TABLE reports ADD COLUMN extra text", "column reports.extra"),
        ("ALTER TABLE reports ALTER COLUMN source SET NOT NULL", "column reports.source"),
        ("ALTER TABLE reports DROP CONSTRAINT reports_severity_known", "reports_severity_known"),
        ("DROP INDEX reports_by_stream", "index reports_by_stream is missing"),
        ("CREATE INDEX extra ON revisions (value)", "index extra is in the database"),
        ("CREATE TABLE extra (x int)", "table extra is in the database"),
        ("ALTER TABLE revisions DISABLE ROW LEVEL SECURITY", "table revisions"),
        ("ALTER TABLE reports FORCE ROW LEVEL SECURITY", "table reports"),
        ("ALTER POLICY app_own_rows ON reports USING (true)", "policy reports.app_own_rows"),
        ("DROP POLICY backup_reads ON revisions", "policy revisions.backup_reads is missing"),
        ("GRANT DELETE ON reports TO collector_app", "grants on reports to collector_app"),
        ("GRANT SELECT ON epoch TO PUBLIC", "grants on epoch to PUBLIC"),
        (
            "GRANT EXECUTE ON FUNCTION collector_first_uuid TO PUBLIC",
            "function collector_first_uuid",
        ),
        ("ALTER FUNCTION collector_ensure_partitions SECURITY INVOKER", "collector_ensure_parti"),
        ("ALTER FUNCTION collector_ensure_partitions RESET search_path", "collector_ensure_parti"),
        (
            "DO $$ BEGIN EXECUTE format('GRANT SELECT ON %I TO collector_app', (SELECT min(relname)"
            " FROM pg_class WHERE relispartition AND relkind = 'r')); END $$",
            "partition reports_p",
        ),
        (
            "DO $$ BEGIN EXECUTE format('ALTER TABLE %I DISABLE ROW LEVEL SECURITY',"
            " (SELECT min(relname) FROM pg_class WHERE relispartition AND relkind = 'r')); END $$",
            "has no row level security",
        ),
    ],
)
def test_a_deliberate_difference_is_found(
    own_database: TestDatabase, change: str, named: str
) -> None:
    own_database.run(access.OWNER, change)
    assert named in "\n".join(check_schema(own_database.url(access.OWNER)))


def test_an_empty_database_is_brought_to_the_head_and_a_second_run_does_nothing(
    empty_database: TestDatabase,
) -> None:
    url = empty_database.url(access.OWNER)
    assert current_revision(url) is None
    first = migrate(url)
    assert (first.from_revision, first.to_revision) == (None, head_revision())
    assert len(first.partitions) == 9
    second = migrate(url)
    assert (second.from_revision, second.partitions) == (head_revision(), ())
    assert current_revision(url) == head_revision()


def test_several_starters_migrate_once(empty_database: TestDatabase) -> None:
    url = empty_database.url(access.OWNER)
    migrate_here = "from db.migrate import migrate; import sys; print(migrate(sys.argv[1]))"

    def start(_: int) -> str:
        done = subprocess.run(
            [sys.executable, "-c", migrate_here, url], check=True, capture_output=True, text=True
        )
        return done.stdout

    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(start, range(3)))
    assert sum("from_revision=None" in answer for answer in answers) == 1


def test_an_administrator_makes_what_the_owner_then_owns(empty_database: TestDatabase) -> None:
    migrate(empty_database.admin_url, roles_from_admin=True)
    owners = empty_database.run(
        empty_database.server.administrator,
        "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace",
    )
    assert owners == [(access.OWNER,)]
    assert check_schema(empty_database.admin_url) == ()


def test_an_administrator_without_superuser_may_act_as_the_owner(
    empty_database: TestDatabase,
) -> None:
    manager = f"manager_{empty_database.name[-8:]}"
    engine = create_engine(empty_database.admin_url)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {manager} CREATEROLE")
        # What PostgreSQL 16 gives the creator of a role, and what earlier versions imply.
        connection.exec_driver_sql(f"GRANT collector_owner TO {manager} WITH ADMIN OPTION")
        connection.exec_driver_sql(f"ALTER DATABASE {empty_database.name} OWNER TO {manager}")
        connection.exec_driver_sql(f"SET LOCAL ROLE {manager}")
        make_roles(connection)
        may_act, may_create = connection.exec_driver_sql(
            "SELECT pg_has_role(current_user, 'collector_owner', 'MEMBER'),"
            " has_schema_privilege('collector_owner', 'public', 'CREATE')"
        ).one()
        connection.rollback()
    engine.dispose()
    assert (may_act, may_create) == (True, True)


def test_a_database_of_the_first_version_keeps_its_reports_as_they_are(
    empty_database: TestDatabase,
) -> None:
    owner = empty_database.url(access.OWNER)
    _upgrade_to_the_first(owner)
    empty_database.run(
        access.OWNER,
        "SELECT collector_create_partitions(now() - interval '1 hour', now(), '7 days')",
    )
    values = {"tenant": "a", "count": 100, "start": "now", "span": "-1 minute"}
    empty_database.run(access.OWNER, BACKFILL, values)
    empty_database.run(access.OWNER, """UPDATE reports SET document = '{"raw":{"a":1.10}}'""")
    before = empty_database.run(access.OWNER, _FIRST_ROWS)
    assert migrate(owner).from_revision == "0001"
    assert check_schema(owner) == ()
    assert empty_database.run(access.OWNER, _FIRST_ROWS) == before
    sealed = "SELECT count(*)::int FROM reports WHERE raw_kid IS NULL AND raw_sealed IS NULL"
    assert empty_database.run(access.OWNER, sealed) == [(100,)]


def _upgrade_to_the_first(url: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "db/migrations"))
    config.set_main_option("path_separator", "os")
    engine = create_engine(url)
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.commit()
    engine.dispose()


def test_a_database_without_schema_says_which_command_to_run(empty_database: TestDatabase) -> None:
    database = Database(empty_database.url(access.APP))
    with pytest.raises(errors.SchemaOutOfDate, match="run `collector migrate`"):
        require_current(database)
    database.close()


def test_a_database_of_another_revision_is_refused(own_database: TestDatabase) -> None:
    database = Database(own_database.url(access.APP))
    require_current(database)
    own_database.run(access.OWNER, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(errors.SchemaOutOfDate, match="is at revision 9999"):
        require_current(database)
    database.close()


@pytest.mark.parametrize("role", [access.OWNER, "administrator"])
def test_a_login_that_row_security_does_not_bind_is_refused(
    shared_database: TestDatabase, role: str
) -> None:
    url = shared_database.admin_url if role == "administrator" else shared_database.url(role)
    database = Database(url)
    with pytest.raises(errors.RoleNotIsolated, match="log in as collector_app"):
        require_current(database)
    database.close()


def test_a_role_that_may_not_migrate_learns_the_servers_reason(
    empty_database: TestDatabase,
) -> None:
    with pytest.raises(errors.MigrationFailed, match="permission denied"):
        migrate(empty_database.url(access.APP))


def test_partitions_are_made_beside_an_open_reader_and_writer(own_database: TestDatabase) -> None:
    with own_database.login(access.OWNER) as other, other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT count(*) FROM reports")
        cursor.execute("LOCK TABLE reports IN ROW EXCLUSIVE MODE")
        made = migrate(own_database.url(access.OWNER), partitions_ahead=12).partitions
    assert len(made) == 4


def test_a_lock_that_stays_taken_is_reported_as_such(
    own_database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.migrate._LOCK_WAIT_SECONDS", 0.2)
    with own_database.login(access.OWNER) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(1668246627, 1)")
        with pytest.raises(errors.LockUnavailable, match="Another migration has held"):
            migrate(own_database.url(access.OWNER))
