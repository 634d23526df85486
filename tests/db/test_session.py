"""The door: transactions of one tenant, the pool around them, and what happens when things die."""

import os
import threading
import time
from collections.abc import Iterator

import psycopg2
import pytest

from db import access, errors
from db.ids import TenantId
from db.reports import ReportFilters, insert_report, list_reports
from db.revisions import RevisionClass, bump_revision
from db.session import Database
from tests.db.samples import new_report
from tests.support.database import TestDatabase

_TENANT = "SELECT current_setting('app.tenant_id', true)"


@pytest.fixture
def one_connection(shared_database: TestDatabase) -> Iterator[Database]:
    """A pool of a single connection, so that each use meets what the last one left."""
    database = Database(
        shared_database.url(access.APP),
        pool_size=1,
        pool_timeout=0.2,
        statement_timeout_ms=300,
        idle_in_transaction_timeout_ms=400,
    )
    yield database
    database.close()


def _kill_connections(database: TestDatabase, role: str) -> None:
    database.run(
        database.server.administrator,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE usename = %s AND datname = %s",
        (role, database.name),
    )


def test_the_tenant_of_a_transaction_does_not_outlive_it(one_connection: Database) -> None:
    with one_connection.tenant_transaction(TenantId("a")) as tx:
        assert tx.row(_TENANT) == ("a",)
        backend = tx.row("SELECT pg_backend_pid()")
    with one_connection.system_transaction() as tx:
        assert tx.row("SELECT pg_backend_pid()") == backend
        assert tx.row(_TENANT) == ("",)
    with pytest.raises(KeyError), one_connection.tenant_transaction(TenantId("b")):
        raise KeyError
    with one_connection.tenant_transaction(TenantId("c")) as tx:
        assert tx.row("SELECT pg_backend_pid()") == backend
        assert tx.row(_TENANT) == ("c",)


def test_nothing_of_a_failed_transaction_is_kept(app: Database, tenant: TenantId) -> None:
    def insert_and_fail() -> None:
        with app.tenant_transaction(tenant) as tx:
            insert_report(tx, new_report())
            raise KeyError

    with pytest.raises(KeyError):
        insert_and_fail()
    with app.tenant_transaction(tenant, read_only=True) as tx:
        assert list_reports(tx, ReportFilters(), after=None, limit=5) == []


def test_going_on_after_an_error_does_not_pass_for_a_commit(
    app: Database, tenant: TenantId
) -> None:
    def go_on_after(statement: str, *, bump: bool) -> None:
        with app.tenant_transaction(tenant) as tx:
            if bump:
                insert_report(tx, new_report())
            with pytest.raises(errors.DatabaseError):
                tx.rows(statement)

    for bump in (True, False):
        with pytest.raises(errors.TransactionFailed):
            go_on_after("SELECT 1 / 0", bump=bump)
    with app.tenant_transaction(tenant, read_only=True) as tx:
        assert list_reports(tx, ReportFilters(), after=None, limit=5) == []


def test_a_read_only_transaction_sees_one_snapshot_and_writes_nothing(
    app: Database, tenant: TenantId
) -> None:
    with app.tenant_transaction(tenant, read_only=True) as reader:
        with app.tenant_transaction(tenant) as writer:
            insert_report(writer, new_report())
        assert list_reports(reader, ReportFilters(), after=None, limit=5) == []
    with pytest.raises(errors.DatabaseError), app.tenant_transaction(tenant, read_only=True) as tx:
        insert_report(tx, new_report())


def test_sqlalchemys_own_connection_takes_part_in_the_transaction(
    app: Database, tenant: TenantId
) -> None:
    """As a queue does that enqueues in the transaction of the effect."""
    bump = "INSERT INTO revisions VALUES (current_setting('app.tenant_id'), 'audit', 0, 1)"

    def bump_and_fail() -> None:
        with app.tenant_transaction(tenant) as tx:
            tx.connection.exec_driver_sql(bump)
            raise KeyError

    with pytest.raises(KeyError):
        bump_and_fail()
    with app.tenant_transaction(tenant) as tx:
        tx.connection.exec_driver_sql(bump)
    with app.tenant_transaction(tenant, read_only=True) as tx:
        assert tx.rows("SELECT value FROM revisions") == [(1,)]


def test_an_empty_tenant_is_refused(app: Database) -> None:
    with pytest.raises(ValueError, match="needs a tenant"), app.tenant_transaction(TenantId("")):
        pass


def test_each_operation_costs_a_fixed_number_of_round_trips(
    shared_database: TestDatabase, tenant: TenantId
) -> None:
    sent: list[str] = []
    database = Database(shared_database.url(access.APP), on_statement=sent.append)
    with database.tenant_transaction(tenant) as tx:
        insert_report(tx, new_report())
    assert len(sent) == 3
    assert sent[0].startswith("BEGIN")
    assert sent[-1].endswith("COMMIT")
    for reports in (1, 50):
        with database.tenant_transaction(tenant) as tx:
            for _ in range(reports):
                insert_report(tx, new_report())
        sent.clear()
        with database.tenant_transaction(tenant, read_only=True) as tx:
            list_reports(tx, ReportFilters(), after=None, limit=100)
        assert len(sent) == 3
    database.close()


def test_waiting_too_long_for_a_connection_is_a_pool_timeout(one_connection: Database) -> None:
    with (
        one_connection.system_transaction(),
        pytest.raises(errors.PoolTimeout),
        one_connection.system_transaction(),
    ):
        pass
    one_connection.ping()


def test_a_long_statement_is_stopped(one_connection: Database) -> None:
    with pytest.raises(errors.StatementTimeout), one_connection.system_transaction() as tx:
        tx.rows("SELECT pg_sleep(5)")
    one_connection.ping()


def test_an_idle_transaction_is_ended(one_connection: Database) -> None:
    def dawdle() -> None:
        with one_connection.system_transaction() as tx:
            time.sleep(0.7)
            tx.rows("SELECT 1")

    with pytest.raises(errors.DatabaseUnavailable):
        dawdle()
    one_connection.ping()


def test_connections_that_died_in_the_pool_are_replaced_unseen(own_database: TestDatabase) -> None:
    database = Database(own_database.direct_url(access.APP), pool_size=3)
    barrier = threading.Barrier(3)

    def use() -> None:
        with database.system_transaction():
            barrier.wait(5)

    threads = [threading.Thread(target=use) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _kill_connections(own_database, access.APP)
    with database.tenant_transaction(TenantId("a")) as tx:
        insert_report(tx, new_report())
    database.ping()
    database.close()


def test_a_connection_that_dies_in_a_transaction_is_an_error_and_then_replaced(
    own_database: TestDatabase,
) -> None:
    database = Database(own_database.url(access.APP), pool_size=1)

    def insert_after_the_end() -> None:
        with database.tenant_transaction(TenantId("a")) as tx:
            _kill_connections(own_database, access.APP)
            insert_report(tx, new_report())

    with pytest.raises(errors.DatabaseUnavailable):
        insert_after_the_end()
    database.ping()
    database.close()


def test_a_connection_that_dies_in_commit_leaves_the_outcome_unknown(
    own_database: TestDatabase,
) -> None:
    database = Database(own_database.url(access.APP), pool_size=1)

    def lose_the_commit() -> None:
        with database.tenant_transaction(TenantId("a")) as tx:
            bump_revision(tx, RevisionClass.REPORTS)
            _kill_connections(own_database, access.APP)

    with pytest.raises(errors.CommitUnknown):
        lose_the_commit()
    database.ping()
    database.close()


def test_a_server_that_is_not_there_is_unavailable() -> None:
    database = Database("postgresql+psycopg2://collector_app@/x?host=/nonexistent")
    with pytest.raises(errors.DatabaseUnavailable):
        database.ping()


# Threads of other fixtures make Python 3.12 warn of any fork; the child here runs to its end.
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_opens_connections_of_its_own(shared_database: TestDatabase) -> None:
    app = Database(shared_database.direct_url(access.APP))
    with app.system_transaction() as tx:
        parents = tx.row("SELECT pg_backend_pid()")
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with app.system_transaction() as tx:
                os.write(write_end, str((tx.row("SELECT pg_backend_pid()") or ("",))[0]).encode())
        finally:
            os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    assert answer.isdigit()
    assert (int(answer),) != parents
    with app.system_transaction() as tx:
        assert tx.row("SELECT pg_backend_pid()") == parents
    app.close()


@pytest.mark.parametrize(
    ("sql", "value", "expected"),
    [
        ("SELECT %(value)s", "a\0b", errors.InvalidText),
        ("SELECT %(value)s", "\ud800", errors.InvalidText),
        ("SELECT %(value)s::uuid", "no uuid", errors.InvalidText),
        ("SELECT %(value)s::json", "{", errors.InvalidText),
        ("SELECT %(value)s::jsonb", '"\\u0000"', errors.InvalidText),
        ("SELECT %(value)s::json", "[" * 100_000, errors.TooComplex),
        ("SELECT %(value)s::integer", 2**40, errors.NumericOverflow),
        ("SELECT 1 LIMIT %(value)s", 2**70, errors.NumericOverflow),
        ("SELECT %(value)s::timestamptz", "2026-13-45", errors.InvalidMoment),
        ("SELECT 1 / %(value)s", 0, errors.DatabaseError),
    ],
)
def test_what_the_database_refuses_has_a_name_and_repeats_no_input(
    app: Database, sql: str, value: object, expected: type[errors.DatabaseError]
) -> None:
    with pytest.raises(expected) as caught, app.system_transaction() as tx:
        tx.rows(sql, {"value": value})
    assert str(caught.value) == expected.message
    app.ping()


def test_a_value_that_breaks_a_rule_is_named_as_such(app: Database, tenant: TenantId) -> None:
    with (
        pytest.raises(errors.ConstraintViolated) as caught,
        app.tenant_transaction(tenant) as tx,
    ):
        insert_report(tx, new_report("catastrophic"))
    assert "catastrophic" not in str(caught.value)


def test_error_for_which_the_driver_has_no_code_and_no_words_is_a_lost_connection() -> None:
    """What libpq's breaking connections now and then come as; a killed server showed it."""
    wordless = psycopg2.DatabaseError("error with status PGRES_TUPLES_OK and no message")
    assert isinstance(errors.from_driver(wordless), errors.DatabaseUnavailable)
    misused = psycopg2.ProgrammingError("no results to fetch")
    assert not isinstance(errors.from_driver(misused), errors.DatabaseUnavailable)


def test_round_trip_that_gets_no_answer_costs_its_connection_and_is_no_wait_for_ever(
    shared_database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.session._ANSWER_MARGIN_SECONDS", -4.0)
    database = Database(shared_database.url(access.APP), pool_size=1)

    def ask_the_silent() -> None:
        with database.system_transaction() as tx:
            tx.rows("SELECT pg_sleep(4)")

    with pytest.raises(errors.DatabaseSilent):
        ask_the_silent()

    def commit_to_the_silent() -> None:
        with database.system_transaction() as tx:
            tx.rows("CREATE TEMPORARY TABLE slow (number integer)")
            tx.rows(_SLOW_COMMIT)
            tx.rows("INSERT INTO slow VALUES (1)")

    with pytest.raises(errors.CommitUnknown):
        commit_to_the_silent()
    database.ping()
    database.close()


_SLOW_COMMIT = """
CREATE FUNCTION pg_temp.dawdle() RETURNS trigger LANGUAGE plpgsql
  AS $$ BEGIN PERFORM pg_sleep(4); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON slow DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION pg_temp.dawdle()
"""
