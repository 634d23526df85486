"""The audit chain as it is written: in its transaction, in order, for its own tenant alone."""

import hashlib
import json
import threading
from collections.abc import Callable

import psycopg2
import pytest

from db import access, errors
from db.audit import AuditEvent, record
from db.ids import TenantId
from db.report_batches import IdentifiedReport, insert_reports, insertion
from db.reports import insert_report
from db.revisions import RevisionClass, bump_revision, peek_at_revisions
from db.session import Database
from tests.db.samples import new_report
from tests.support.database import TestDatabase

_CHAIN = (
    "SELECT seq, hash, body, action, actor, object_type, object_id, outcome"
    " FROM audit_entries WHERE tenant_id = %s ORDER BY seq"
)
_HEAD = "SELECT seq, hash FROM audit_heads WHERE tenant_id = %s"


def _append(database: Database, tenant: TenantId, *actions: str) -> None:
    with database.tenant_transaction(tenant) as tx:
        for action in actions:
            record(tx, AuditEvent(action, actor="key-1"))


def _actions(database: TestDatabase, tenant: TenantId) -> list[object]:
    return [row[3] for row in database.run(access.OWNER, _CHAIN, (tenant,))]


def test_each_entry_is_hashed_with_the_one_before(
    app: Database, shared_database: TestDatabase, tenant: TenantId
) -> None:
    event = AuditEvent(
        "sign_report",
        "report",
        "r-1",
        actor="key-1",
        role="operator",
        request_id="request-1",
        details={"until": "2027-01-01", "share": 0.5, "text": '100 % "ü" :x\\'},
    )
    with app.tenant_transaction(tenant) as tx:
        record(tx, event)
        record(tx, AuditEvent("revoke_report", outcome="failed"))
    _append(app, tenant, "sign_report")
    before = bytes(32)
    rows = shared_database.run(access.OWNER, _CHAIN, (tenant,))
    assert [row[0] for row in rows] == [1, 2, 3]
    for _, digest, body, *_ in rows:
        before = hashlib.sha256(before + str(body).encode()).digest()
        assert bytes(digest) == before  # type: ignore[call-overload]  # psycopg2's memoryview
    [(seq, head)] = shared_database.run(access.OWNER, _HEAD, (tenant,))
    assert (seq, bytes(head)) == (3, before)  # type: ignore[call-overload]  # as above
    first = json.loads(str(rows[0][2]))
    assert first.pop("at").endswith("Z")
    assert first == {
        "version": 1,
        "tenant": tenant,
        "seq": 1,
        "action": "sign_report",
        "actor": "key-1",
        "role": "operator",
        "object_type": "report",
        "object_id": "r-1",
        "outcome": "done",
        "request_id": "request-1",
        "details": dict(event.details),
    }
    assert rows[0][3:] == ("sign_report", "key-1", "report", "r-1", "done")
    assert rows[1][3:] == ("revoke_report", None, None, None, "failed")


def test_what_was_rolled_back_left_no_entry(
    app: Database, shared_database: TestDatabase, tenant: TenantId
) -> None:
    def fail() -> None:
        with app.tenant_transaction(tenant) as tx:
            record(tx, AuditEvent("sign_report"))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert _actions(shared_database, tenant) == []


def test_what_was_undone_to_a_savepoint_leaves_no_entry_and_no_journal(
    app: Database, shared_database: TestDatabase, tenant: TenantId
) -> None:
    with app.tenant_transaction(tenant) as tx:
        record(tx, AuditEvent("first"))
        tx.set_savepoint()
        record(tx, AuditEvent("second"))
        insert_report(tx, new_report())
        tx.return_to_savepoint()
        kept = insert_report(tx, new_report())
    assert _actions(shared_database, tenant) == ["first"]
    journal = (
        "SELECT report_id::text, octet_length(leaves) FROM ingest_journal WHERE tenant_id = %s"
    )
    assert shared_database.run(access.OWNER, journal, (tenant,)) == [(str(kept.id), 48)]


def test_an_entry_moves_the_revision_of_the_audit(app: Database, tenant: TenantId) -> None:
    classes = [RevisionClass.AUDIT]
    before = peek_at_revisions(app, tenant, classes)
    _append(app, tenant, "sign_report")
    between = peek_at_revisions(app, tenant, classes)
    _append(app, tenant, "sign_report")
    assert len({before.vector, between.vector, peek_at_revisions(app, tenant, classes).vector}) == 3


def test_report_by_itself_makes_a_row_of_the_journal(
    app: Database, shared_database: TestDatabase, tenant: TenantId
) -> None:
    report = new_report()
    with app.tenant_transaction(tenant) as tx:
        stored = insert_report(tx, report).id
    expected = (str(stored), "key-1", "request-1", stored.bytes + report.content.sha256)
    assert _journal(shared_database, tenant) == [expected]


def test_batch_makes_one_row_of_the_journal_for_all_of_its_statements(
    app: Database, shared_database: TestDatabase, tenant: TenantId
) -> None:
    contents = [new_report().content for _ in range(5)]
    with app.tenant_transaction(tenant) as tx:
        ids = tx.new_report_ids(5)
        reports = [
            IdentifiedReport(report_id, None, content, None)
            for report_id, content in zip(ids, contents, strict=True)
        ]
        for part in (reports[:3], reports[3:]):
            insert_reports(tx, insertion(part, key_id="k", request_id="r", settled=False))
    leaves = b"".join(each.id.bytes + each.content.sha256 for each in reports)
    assert _journal(shared_database, tenant) == [(str(ids[0]), "k", "r", leaves)]


def _journal(database: TestDatabase, tenant: TenantId) -> list[tuple[object, ...]]:
    rows = database.run(
        access.OWNER,
        "SELECT report_id::text, key_id, request_id, leaves FROM ingest_journal"
        " WHERE tenant_id = %s ORDER BY report_id",
        (tenant,),
    )
    return [(*row[:3], bytes(row[3])) for row in rows]  # type: ignore[call-overload]  # a memoryview


@pytest.mark.parametrize("action", ["seal_journal", "expire_audit", "replace_epoch"])
def test_the_app_role_can_not_speak_for_the_system(
    app: Database, tenant: TenantId, action: str
) -> None:
    with pytest.raises(errors.AccessRefused):
        _append(app, tenant, action)


def test_without_a_tenant_nothing_is_appended(shared_database: TestDatabase) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        shared_database.run(
            access.APP, 'SELECT collector_append_audit(\'[{"action":"a","outcome":"done"}]\')'
        )


def test_what_a_function_is_told_of_another_tenant_stands_in_the_callers_own_chain(
    app: Database, shared_database: TestDatabase, tenant: TenantId, other_tenant: TenantId
) -> None:
    forged = {"action": "sign_report", "outcome": "done", "tenant": other_tenant, "seq": 7}
    with app.tenant_transaction(tenant) as tx:
        tx.rows("SELECT collector_append_audit(%(events)s)", {"events": json.dumps([forged])})
    assert _actions(shared_database, other_tenant) == []
    [(seq, _, body, *_)] = shared_database.run(access.OWNER, _CHAIN, (tenant,))
    assert seq == 1
    assert json.loads(str(body))["tenant"] == tenant


def test_a_tenant_reads_no_other_tenants_chain(
    app: Database, tenant: TenantId, other_tenant: TenantId
) -> None:
    _append(app, other_tenant, "sign_report")
    with app.tenant_transaction(tenant, read_only=True) as tx:
        for table in ("audit_entries", "audit_heads"):
            assert (
                tx.rows(f"SELECT 1 FROM {table} WHERE tenant_id = %(t)s", {"t": other_tenant}) == []
            )


def test_entries_from_many_sides_at_once_make_one_whole_chain(
    shared_database: TestDatabase, tenant: TenantId
) -> None:
    """Some bump revisions in the order that would deadlock, were the head taken first."""
    database = Database(shared_database.url(access.APP), pool_size=8, pool_timeout=30)
    maintenance = Database(shared_database.url(access.MAINTENANCE), pool_size=2)
    failures: list[BaseException] = []

    def write() -> None:
        for _ in range(25):
            with database.tenant_transaction(tenant) as tx:
                record(tx, AuditEvent("sign_report"))
                bump_revision(tx, RevisionClass.RETENTION)
                insert_report(tx, new_report())
                bump_revision(tx, RevisionClass.EXPORTS)

    def seal() -> None:
        for _ in range(25):
            with maintenance.system_transaction() as tx:
                tx.rows("SELECT collector_seal_journal(%(t)s, 10)", {"t": tenant})

    def running(work: Callable[[], None]) -> threading.Thread:
        def run() -> None:
            try:
                work()
            except errors.DatabaseError as error:
                failures.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    for thread in [running(work) for work in [*[write] * 8, seal, seal]]:
        thread.join()
    database.close()
    maintenance.close()
    assert failures == []
    rows = shared_database.run(access.OWNER, _CHAIN, (tenant,))
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    assert [row[3] for row in rows].count("sign_report") == 200
    before = bytes(32)
    for _, digest, body, *_ in rows:
        before = hashlib.sha256(before + str(body).encode()).digest()
        assert bytes(digest) == before  # type: ignore[call-overload]  # psycopg2's memoryview
