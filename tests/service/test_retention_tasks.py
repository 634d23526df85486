"""What the worker does about retention by itself: daily plans, given-up runs, room given back."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import structlog

from db import access
from db.ids import TenantId
from db.reports import insert_report
from db.retention_runs import RunRow, commit_run, list_runs
from db.session import Database
from handlers.planning import dry_run
from handlers.retention import enqueue_run
from service.retention_rules import configured_retention
from service.settings import Settings, SettingsError
from service.tasks.cleanup import delete_expired
from service.tasks.partitions import drop_partitions
from service.tasks.retention import end_left_retention, plan_retention
from service.tasks.task import WorkerParts
from service.worker_parts import worker_parts
from tests.db.samples import new_report
from tests.support.database import TestDatabase
from tests.support.old_reports import make_past_partitions, store_old_reports
from tests.support.service import RETENTION

_OLD, _YOUNG = TenantId("old"), TenantId("young")


class Worker:
    """What tasks are given, on a database with partitions of the past."""

    def __init__(self, database: TestDatabase, home: Path) -> None:
        self.database = database
        self.tenants = Database(database.url(access.APP))
        self.maintenance = Database(database.url(access.MAINTENANCE))
        settings = Settings(collector_home=home, database_url=database.url(access.APP))
        self.parts: WorkerParts = worker_parts(settings, self.tenants, self.maintenance)

    def runs(self, tenant: TenantId = _OLD) -> list[RunRow]:
        with self.tenants.tenant_transaction(tenant, read_only=True) as tx:
            return list_runs(tx, before=None, limit=100)

    def committed(self) -> UUID:
        with self.tenants.tenant_transaction(_OLD) as tx:
            run_id = dry_run(tx, RETENTION, "key-admin").run_id
            commit_run(tx, run_id, "key-admin")
            enqueue_run(tx, run_id)
        return run_id

    def leaves(self) -> int:
        count = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'reports'::regclass"
        [(leaves,)] = self.database.run(access.OWNER, count)
        return int(str(leaves))


@pytest.fixture
def at_work(own_database: TestDatabase, tmp_path: Path) -> Iterator[Worker]:
    make_past_partitions(own_database)
    made = Worker(own_database, tmp_path)
    with made.tenants.tenant_transaction(_YOUNG) as tx:
        insert_report(tx, new_report())
    yield made
    made.tenants.close()
    made.maintenance.close()


def test_every_day_each_tenant_with_something_to_delete_has_a_plan_and_large_ones_warn(
    at_work: Worker,
) -> None:
    store_old_reports(at_work.database, _OLD, 1200, days_old=40)
    with structlog.testing.capture_logs() as logged:
        plan_retention(at_work.maintenance, at_work.parts)
    [run] = at_work.runs()
    assert (run.status, run.created_by, run.candidates) == ("planned", None, 1200)
    assert list(run.warnings) == [
        "It deletes 100 % of all reports (1200 of 1200); more than 50 % is unusual."
    ]
    assert at_work.runs(_YOUNG) == []
    [warned] = [line for line in logged if line["event"] == "retention_unusually_large"]
    assert (warned["log_level"], warned["tenant"], warned["candidates"]) == ("warning", _OLD, 1200)


def test_usual_plan_of_the_day_warns_of_nothing(at_work: Worker) -> None:
    store_old_reports(at_work.database, _OLD, 1200, days_old=40)
    store_old_reports(at_work.database, _OLD, 1300, days_old=1, over_days=1)
    with structlog.testing.capture_logs() as logged:
        plan_retention(at_work.maintenance, at_work.parts)
    assert [list(run.warnings) for run in at_work.runs()] == [[]]
    assert not [line for line in logged if line["log_level"] == "warning"]


def test_run_whose_job_was_given_up_has_failed_and_says_what_to_do(at_work: Worker) -> None:
    store_old_reports(at_work.database, _OLD, 10, days_old=40)
    run_id = at_work.committed()
    past = "UPDATE retention_runs SET progressed_at = now() - interval '2 minutes'"
    at_work.database.run(access.OWNER, past)
    end_left_retention(at_work.maintenance, at_work.parts)
    assert [run.status for run in at_work.runs()] == ["queued"]
    at_work.database.run(
        access.OWNER,
        "SET search_path = procrastinate, public;"
        "UPDATE procrastinate_jobs SET status = 'failed';"
        "INSERT INTO job_outcomes SELECT id, false, 'StorageFull: the disk is full', now()"
        " FROM procrastinate.procrastinate_jobs",
    )
    end_left_retention(at_work.maintenance, at_work.parts)
    [run] = at_work.runs()
    assert (run.run_id, run.status) == (run_id, "failed")
    assert run.failure is not None
    assert "StorageFull: the disk is full" in run.failure
    assert "make a new dry run" in run.failure
    assert at_work.committed() != run_id


def test_emptied_partitions_are_dropped_once_every_tenants_days_are_over(
    at_work: Worker, tmp_path: Path
) -> None:
    before = at_work.leaves()
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "tenants: {other: {days: 3650}}\n"
        "warnings: {from_reports: 1, share_of_all: 1, times_the_largest: 1}\n"
    )
    settings = at_work.parts.settings.model_copy(update={"retention_policy": policy})
    patient = worker_parts(settings, at_work.tenants, at_work.maintenance)
    drop_partitions(at_work.maintenance, patient)
    assert at_work.leaves() == before
    store_old_reports(at_work.database, _OLD, 1, days_old=60)
    drop_partitions(at_work.maintenance, at_work.parts)
    # 120 days in the past were covered, and the last 30 and a report of 60 days ago need theirs.
    assert before - 14 <= at_work.leaves() <= before - 10
    [(left,)] = at_work.database.run(access.OWNER, "SELECT count(*) FROM reports")
    assert left == 2


def test_dry_runs_are_kept_for_a_month_and_runs_that_ended_for_as_long_as_the_audit_log(
    at_work: Worker,
) -> None:
    store_old_reports(at_work.database, _OLD, 10, days_old=40)
    run_id = at_work.committed()
    with at_work.tenants.tenant_transaction(_OLD) as tx:
        dry_run(tx, RETENTION, "key-admin")
    age = "UPDATE retention_runs SET created_at = now() - interval '31 days'"
    at_work.database.run(access.OWNER, age)
    delete_expired(at_work.maintenance, at_work.parts)
    assert [run.run_id for run in at_work.runs()] == [run_id]
    at_work.database.run(
        access.OWNER,
        "UPDATE retention_runs SET status = 'done', ended_at = now() - interval '401 days';"
        "INSERT INTO retention_failures SELECT tenant_id, run_id, run_id, run_id, 1, 'why', now()"
        " FROM retention_runs",
    )
    delete_expired(at_work.maintenance, at_work.parts)
    assert at_work.runs() == []
    left = at_work.database.run(access.OWNER, "SELECT count(*) FROM retention_failures")
    assert left == [(0,)]


def test_policy_that_can_not_be_used_is_named_by_file_and_line(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("tenants: {acme: {days: 0}}\nwarnings: {}\n")
    with pytest.raises(SettingsError) as refused:
        configured_retention(Settings(collector_home=tmp_path, retention_policy=policy))
    assert f"{policy}:1:" in str(refused.value)
    assert f"{policy}:2:" in str(refused.value)
    with pytest.raises(SettingsError, match="RETENTION_POLICY: can't read"):
        configured_retention(
            Settings(collector_home=tmp_path, retention_policy=tmp_path / "absent")
        )


def test_cutoff_follows_the_settings_days(at_work: Worker) -> None:
    store_old_reports(at_work.database, _OLD, 10, days_old=40)
    settings = at_work.parts.settings.model_copy(update={"retain_days": 90})
    with at_work.tenants.tenant_transaction(_OLD) as tx:
        run = dry_run(tx, configured_retention(settings), "key-admin")
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    assert (run.cutoff, run.candidates) == (today - timedelta(days=90), 0)
