"""A committed run carried out: chunks, holds, leases, failures, and what goes with a report."""

import threading
from collections.abc import Iterator
from typing import Final
from uuid import UUID

import pytest

from db import access
from db.errors import DatabaseError, LockUnavailable
from db.holds import hold_report
from db.ids import ReportId, TenantId
from db.leases import release_lease, take_lease
from db.reports import insert_report
from db.retention_runs import FailureRow, RunRow, commit_run, get_run, list_failures
from db.retention_work import delete_chunk, end_run
from db.session import Database
from handlers.planning import dry_run
from handlers.retention import enqueue_run
from policies.retention_rules import RetentionRules, WarningRules
from service.retention_run import Pace, RetentionRun
from tests.db.samples import new_report
from tests.support.database import TestDatabase
from tests.support.old_reports import (
    count_reports,
    make_past_partitions,
    oldest_reports,
    store_old_reports,
)

_RULES: Final = RetentionRules(30, {}, WarningRules(1000, 0.5, 3))
_PACE: Final = Pace(reports_a_chunk=64, idle=0, wait_seconds=0)
_TENANT: Final = TenantId("acme")
_OTHER: Final = TenantId("other")
_LEASE: Final = UUID(int=7)


class Past:
    """A database with old reports of a tenant, and the logins of a worker."""

    def __init__(self, database: TestDatabase) -> None:
        self.database = database
        self.tenants = Database(database.url(access.APP))
        self.maintenance = Database(database.url(access.MAINTENANCE))

    def committed(self) -> UUID:
        """A run of all that is old, committed."""
        with self.tenants.tenant_transaction(_TENANT) as tx:
            run_id = dry_run(tx, _RULES, "key-admin").run_id
            commit_run(tx, run_id, "key-admin")
            enqueue_run(tx, run_id)
        return run_id

    def work(self, run_id: UUID, pace: Pace = _PACE) -> RunRow:
        RetentionRun(self.maintenance, self.tenants, _TENANT, run_id, pace).work()
        return self.run(run_id)

    def run(self, run_id: UUID) -> RunRow:
        with self.tenants.tenant_transaction(_TENANT, read_only=True) as tx:
            run = get_run(tx, run_id)
        assert run is not None
        return run

    def failures(self, run_id: UUID) -> list[FailureRow]:
        with self.tenants.tenant_transaction(_TENANT, read_only=True) as tx:
            return list_failures(tx, run_id, after=None, limit=1000)

    def ids(self, count: int = 10_000) -> list[str]:
        return oldest_reports(self.database, _TENANT, count)

    def hold(self, report_id: str) -> None:
        with self.tenants.tenant_transaction(_TENANT) as tx:
            assert hold_report(tx, ReportId(UUID(report_id)), reason="case", held_by="k")

    def lease(self, first: str, last: str, seconds: float = 60) -> None:
        with self.tenants.tenant_transaction(_TENANT) as tx:
            take_lease(tx, _LEASE, "export", UUID(first), UUID(last), seconds)

    def refuse_deleting(self, *report_ids: str) -> None:
        """As a damaged row would."""
        self.database.run(
            access.OWNER,
            "CREATE TABLE refused AS SELECT unnest(%s::uuid[]) AS id",
            (list(report_ids),),
        )
        self.database.run(
            access.OWNER,
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " IF EXISTS (SELECT FROM public.refused WHERE refused.id = OLD.id) THEN"
            " RAISE EXCEPTION 'damaged' USING ERRCODE = 'data_corrupted'; END IF;"
            " RETURN OLD; END $$;"
            " CREATE TRIGGER refuse BEFORE DELETE ON reports"
            " FOR EACH ROW EXECUTE FUNCTION refuse()",
        )


@pytest.fixture
def past(own_database: TestDatabase) -> Iterator[Past]:
    """500 reports of 40 days ago and 20 of today, of one tenant; 30 old ones of another."""
    make_past_partitions(own_database)
    store_old_reports(own_database, _TENANT, 500, days_old=40)
    store_old_reports(own_database, _OTHER, 30, days_old=40)
    made = Past(own_database)
    with made.tenants.tenant_transaction(_TENANT) as tx:
        for _ in range(20):
            insert_report(tx, new_report())
    yield made
    made.tenants.close()
    made.maintenance.close()


def test_run_deletes_what_is_old_and_nothing_else(past: Past) -> None:
    young = past.ids()[500:]
    run = past.work(past.committed())
    assert (run.status, run.deleted, run.failed) == ("done", 500, 0)
    assert run.ended_at is not None
    assert past.ids() == young
    assert count_reports(past.database, _OTHER) == 30


def test_report_that_is_held_after_the_commit_is_kept(past: Past) -> None:
    ids = past.ids()
    run_id = past.committed()
    for held in (ids[0], ids[250]):
        past.hold(held)
    run = past.work(run_id)
    assert (run.status, run.candidates, run.deleted) == ("done", 500, 498)
    assert past.ids(2) == [ids[0], ids[250]]


def test_hold_that_is_placed_while_a_chunk_is_deleted_finds_the_report_or_keeps_it(
    past: Past,
) -> None:
    # Either answer may be had; what must not be is a hold of a report that is gone.
    ids = past.ids(500)
    run_id = past.committed()
    held: list[str] = []

    def hold_some() -> None:
        for report_id in ids[::-7]:
            with past.tenants.tenant_transaction(_TENANT) as tx:
                if hold_report(tx, ReportId(UUID(report_id)), reason="case", held_by="k"):
                    held.append(report_id)

    thread = threading.Thread(target=hold_some)
    thread.start()
    run = past.work(run_id, Pace(reports_a_chunk=16, idle=0))
    thread.join(30)
    assert sorted(held) == past.ids(len(held))
    assert run.deleted == 500 - len(held)


def test_what_was_made_of_a_report_goes_with_it(past: Past) -> None:
    gone, stays = past.ids()[0], past.ids()[-1]
    for report_id in (gone, stays):
        past.database.run(
            access.OWNER,
            "INSERT INTO report_bundles VALUES (%s, %s, now(), 'k', '', '', '', 1, sha256(''))",
            (_TENANT, report_id),
        )
    past.database.run(
        access.OWNER,
        "INSERT INTO report_digests SELECT tenant_id, sha256, id FROM reports"
        " WHERE created_at < now() - interval '30 days'",
    )
    past.work(past.committed())
    bundles = past.database.run(access.OWNER, "SELECT report_id::text FROM report_bundles")
    assert bundles == [(stays,)]
    left = "SELECT count(*) FROM report_digests WHERE tenant_id = %s"
    assert past.database.run(access.OWNER, left, (_TENANT,)) == [(20,)]
    assert past.database.run(access.OWNER, left, (_OTHER,)) == [(30,)]


def test_held_report_is_named_as_the_one_that_later_ones_equal(past: Past) -> None:
    held, newest = past.ids(2)
    past.database.run(
        access.OWNER,
        "UPDATE reports SET sha256 = %s WHERE id = ANY (%s::uuid[])",
        (bytes(32), [held, newest]),
    )
    past.database.run(
        access.OWNER,
        "INSERT INTO report_digests VALUES (%s, %s, %s)",
        (_TENANT, bytes(32), newest),
    )
    past.hold(held)
    past.work(past.committed())
    digest = "SELECT report_id::text FROM report_digests WHERE sha256 = %s"
    assert past.database.run(access.OWNER, digest, (bytes(32),)) == [(held,)]


def test_leased_reports_wait_and_the_run_says_for_what(past: Past) -> None:
    ids = past.ids()
    run_id = past.committed()
    past.lease(ids[100], ids[399])
    run = past.work(run_id)
    assert (run.status, run.deleted) == ("waiting", 200)
    assert run.waits_for is not None
    assert run.waits_for.startswith("export, which reads reports that are to be deleted")
    assert past.ids(300) == ids[100:400]
    with past.tenants.tenant_transaction(_TENANT) as tx:
        release_lease(tx, _LEASE)
    run = past.work(run_id)
    assert (run.status, run.deleted, run.waits_for) == ("done", 500, None)


def test_lease_of_a_killed_reader_runs_out_by_itself(past: Past) -> None:
    ids = past.ids()
    run_id = past.committed()
    past.lease(ids[0], ids[-1], seconds=-1)
    assert past.work(run_id).deleted == 500


def test_report_that_can_not_be_deleted_is_named_and_the_rest_is_done(past: Past) -> None:
    ids = past.ids()
    past.refuse_deleting(ids[77], ids[300])
    run_id = past.committed()
    run = past.work(run_id)
    assert (run.status, run.deleted, run.failed) == ("done_with_failures", 498, 2)
    assert past.ids(2) == [ids[77], ids[300]]
    failures = past.failures(run_id)
    assert [(str(each.first_id), each.reports) for each in failures] == [
        (ids[77], 1),
        (ids[300], 1),
    ]
    assert "SQLSTATE XX001" in failures[0].reason
    assert "make a new dry run" in failures[0].reason


def test_beyond_a_number_of_failures_whole_chunks_are_given_up(past: Past) -> None:
    ids = past.ids()
    past.refuse_deleting(*ids[:100])
    run_id = past.committed()
    pace = Pace(reports_a_chunk=64, idle=0, failures_looked_into=3)
    run = past.work(run_id, pace)
    assert run.status == "done_with_failures"
    failures = past.failures(run_id)
    assert len(failures) < 20
    assert sum(each.reports for each in failures) == run.failed
    assert run.deleted + run.failed == 500
    assert run.deleted > 300


def test_what_failed_before_the_run_waited_is_not_told_twice(past: Past) -> None:
    ids = past.ids()
    past.refuse_deleting(ids[300])
    run_id = past.committed()
    past.lease(ids[100], ids[199])
    assert past.work(run_id).status == "waiting"
    with past.tenants.tenant_transaction(_TENANT) as tx:
        release_lease(tx, _LEASE)
    run = past.work(run_id)
    assert (run.status, run.deleted, run.failed) == ("done_with_failures", 499, 1)


def test_run_that_takes_longer_than_a_job_is_gone_on_with_by_the_next(past: Past) -> None:
    run_id = past.committed()
    run = past.work(run_id, Pace(reports_a_chunk=64, seconds_a_job=0))
    assert (run.status, run.deleted) == ("running", 0)
    waiting = "SELECT count(*) FROM procrastinate.procrastinate_jobs WHERE status = 'todo'"
    assert past.database.run(access.OWNER, waiting) == [(1,)]
    assert past.work(run_id).status == "done"


def test_run_that_somebody_keeps_waiting_is_tried_again_and_nothing_is_given_up(
    past: Past,
) -> None:
    ids = past.ids()
    run_id = past.committed()
    impatient = Database(past.database.url(access.MAINTENANCE), lock_timeout_ms=50)
    with past.tenants.tenant_transaction(_TENANT) as tx:
        hold_report(tx, ReportId(UUID(ids[0])), reason="case", held_by="k")
        with pytest.raises(LockUnavailable):
            RetentionRun(impatient, past.tenants, _TENANT, run_id, _PACE).work()
    impatient.close()
    assert (past.run(run_id).status, past.run(run_id).deleted) == ("running", 0)
    assert past.failures(run_id) == []
    assert past.work(run_id).deleted == 499


def test_two_that_work_at_one_run_delete_nothing_twice(past: Past) -> None:
    run_id = past.committed()
    pace = Pace(reports_a_chunk=16, idle=0)
    threads = [threading.Thread(target=past.work, args=(run_id, pace)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    run = past.run(run_id)
    assert (run.status, run.deleted) == ("done", 500)


def test_nothing_is_deleted_for_a_run_that_nobody_committed_or_that_ended(past: Past) -> None:
    with past.tenants.tenant_transaction(_TENANT) as tx:
        planned = dry_run(tx, _RULES, "key-admin").run_id
    past.work(planned)
    ended = past.committed()
    with past.tenants.tenant_transaction(_TENANT) as tx:
        end_run(tx, ended)
    past.work(ended)
    for run_id in (planned, ended, UUID(int=1)):
        with pytest.raises(DatabaseError):
            delete_chunk(past.maintenance, _TENANT, run_id, 10)
    assert count_reports(past.database, _TENANT) == 520


def test_function_deletes_nothing_that_is_less_than_a_day_old(past: Past) -> None:
    run_id = past.committed()
    past.database.run(access.OWNER, "UPDATE retention_runs SET status = 'running', cutoff = now()")
    with pytest.raises(DatabaseError):
        delete_chunk(past.maintenance, _TENANT, run_id, 10)


def test_start_and_end_stand_in_the_audit_log(past: Past) -> None:
    run_id = past.committed()
    past.work(run_id)
    entries = past.database.run(
        access.OWNER,
        "SELECT action, outcome, body::json #>> '{details,deleted}' FROM audit_entries"
        " WHERE object_id = %s ORDER BY seq",
        (str(run_id),),
    )
    assert entries == [("start_retention", "done", None), ("end_retention", "done", "500")]


def _revisions(past: Past) -> dict[str, int]:
    vector = (
        "SELECT class, sum(value)::int FROM revisions WHERE class IN ('reports', 'retention')"
        " AND tenant_id = %s GROUP BY class"
    )
    rows = past.database.run(access.OWNER, vector, (_TENANT,))
    return {str(name): int(str(value)) for name, value in rows}


def test_each_chunk_changes_the_tags_of_reports_and_of_runs(past: Past) -> None:
    run_id = past.committed()
    before = _revisions(past)
    past.work(run_id, Pace(reports_a_chunk=64, idle=0, seconds_a_job=600))
    after = _revisions(past)
    assert after["reports"] == before["reports"] + 8
    assert after["retention"] >= before["retention"] + 8
