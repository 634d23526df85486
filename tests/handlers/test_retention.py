"""Retention over HTTP: dry run, commit, what is refused, and what is told."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from db import access
from db.session import Database
from policies.retention_rules import RetentionRules, WarningRules
from tests.support.client import Answer, Callers, Client
from tests.support.database import PostgresServer, TestDatabase
from tests.support.old_reports import (
    count_reports,
    make_past_partitions,
    oldest_reports,
    store_old_reports,
)
from tests.support.reports import SMALLEST
from tests.support.service import RunningService, running_service

_RULES = RetentionRules(30, {}, WarningRules(10, 0.5, 3))
_PATH = "/admin/retention/run"


@pytest.fixture(scope="module")
def past(postgres_server: PostgresServer, migrated_template: str) -> Iterator[TestDatabase]:
    """A database with partitions of the past."""
    with postgres_server.database(migrated_template) as made:
        make_past_partitions(made)
        yield made


@pytest.fixture(scope="module")
def past_service(past: TestDatabase) -> Iterator[RunningService]:
    with running_service(Database(past.url(access.APP)), retention=_RULES) as service:
        yield service


@pytest.fixture
def tenant_of_old(past: TestDatabase, past_service: RunningService) -> Callers:
    """12 reports older than the cutoff, and one of today."""
    callers = Callers(past_service)
    store_old_reports(past, callers.tenant, 12, days_old=40)
    callers.operator.ingest(SMALLEST)
    return callers


def _plan(client: Client) -> dict[str, object]:
    answer = client.send("POST", _PATH)
    assert answer.status == 200
    plan: dict[str, object] = answer.json
    return plan


def _commit(client: Client, plan: dict[str, object], **other: object) -> Answer:
    body = {"mode": "commit", "run_id": plan["run_id"], "plan_hash": plan["plan_hash"], **other}
    return client.post_json(_PATH, body)


def _jobs(past: TestDatabase, run_id: object) -> int:
    count = (
        "SELECT count(*) FROM procrastinate.procrastinate_jobs"
        " WHERE task_name = 'run_retention' AND args ->> 'run_id' = %s"
    )
    [(found,)] = past.run(access.OWNER, count, (run_id,))
    assert isinstance(found, int)
    return found


def test_dry_run_says_what_would_go_and_deletes_nothing(
    tenant_of_old: Callers, past: TestDatabase
) -> None:
    admin = tenant_of_old.by_role["admin"]
    ids = oldest_reports(past, tenant_of_old.tenant, 12)
    hold = admin.send(
        "PUT", f"/reports/{ids[0]}/hold", {"Content-Type": "application/json"}, b'{"reason":"x"}'
    )
    assert hold.status == 200
    plan = _plan(admin)
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    cutoff = datetime.fromisoformat(str(plan["cutoff"]))
    assert cutoff == today - timedelta(days=30)
    assert (plan["candidates"], plan["held"], plan["retain_days"]) == (11, 1, 30)
    assert (plan["mode"], plan["created_by"]) == ("dry_run", "key-admin")
    months = plan["by_month"]
    assert isinstance(months, list)
    assert sum(month["reports"] for month in months) == 11
    oldest = datetime.fromisoformat(str(plan["oldest"]))
    assert oldest == _moment(ids[1])
    assert datetime.fromisoformat(str(plan["newest"])) == _moment(ids[-1])
    assert count_reports(past, tenant_of_old.tenant) == 13


def _moment(report_id: str) -> datetime:
    milliseconds = UUID(report_id).int >> 80
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)


def test_same_reports_make_the_same_plan_and_a_hold_makes_another(
    tenant_of_old: Callers, past: TestDatabase
) -> None:
    admin = tenant_of_old.by_role["admin"]
    first, second = _plan(admin), _plan(admin)
    assert first["plan_hash"] == second["plan_hash"]
    assert first["run_id"] != second["run_id"]
    [report_id] = oldest_reports(past, tenant_of_old.tenant, 1)
    path, json_type = f"/reports/{report_id}/hold", {"Content-Type": "application/json"}
    assert admin.send("PUT", path, json_type, b'{"reason":"x"}').status == 200
    assert _plan(admin)["plan_hash"] != first["plan_hash"]
    assert admin.send("DELETE", path).status == 204
    assert _plan(admin)["plan_hash"] == first["plan_hash"]


def test_unusually_large_plan_says_so(tenant_of_old: Callers) -> None:
    warnings = _plan(tenant_of_old.by_role["admin"])["warnings"]
    assert isinstance(warnings, list)
    assert len(warnings) == 1
    assert warnings[0].startswith("It deletes 92 % of all reports (12 of 13)")


def test_commit_is_accepted_once_and_repeating_it_answers_with_the_same_run(
    tenant_of_old: Callers, past: TestDatabase
) -> None:
    admin = tenant_of_old.by_role["admin"]
    plan = _plan(admin)
    answers = [_commit(admin, plan) for _ in range(2)]
    for answer in answers:
        assert answer.status == 202
        assert answer.headers["location"] == f"/admin/retention/runs/{plan['run_id']}"
        assert (answer.json["mode"], answer.json["status"]) == ("commit", "queued")
        assert answer.json["committed_by"] == "key-admin"
    assert _jobs(past, plan["run_id"]) == 1


@pytest.mark.parametrize("outdated", ["other hash", "hold", "too old"])
def test_outdated_plan_is_refused_with_a_new_one_and_nothing_is_deleted(
    tenant_of_old: Callers, past: TestDatabase, outdated: str
) -> None:
    admin = tenant_of_old.by_role["admin"]
    plan, other = _plan(admin), {}
    if outdated == "other hash":
        other = {"plan_hash": "0" * 64}
    elif outdated == "hold":
        [report_id] = oldest_reports(past, tenant_of_old.tenant, 1)
        headers = {"Content-Type": "application/json"}
        admin.send("PUT", f"/reports/{report_id}/hold", headers, b'{"reason":"x"}')
    else:
        past.run(
            access.OWNER,
            "UPDATE retention_runs SET created_at = created_at - interval '25 hours',"
            " cutoff = cutoff - interval '1 day', plan_hash = %s WHERE run_id = %s",
            (bytes(32), plan["run_id"]),
        )
        other = {"plan_hash": bytes(32).hex()}
    refused = _commit(admin, plan, **other)
    assert (refused.status, refused.problem_type) == (409, "retention-plan-outdated")
    assert _jobs(past, plan["run_id"]) == 0
    assert count_reports(past, tenant_of_old.tenant) == 13
    fresh = refused.json["plan"]
    assert fresh["run_id"] != plan["run_id"]
    assert _commit(admin, fresh).status == 202


def test_second_run_is_refused_while_one_is_at_work(tenant_of_old: Callers) -> None:
    admin = tenant_of_old.by_role["admin"]
    first, second = _plan(admin), _plan(admin)
    assert _commit(admin, first).status == 202
    refused = _commit(admin, second)
    assert (refused.status, refused.problem_type) == (409, "retention-at-work")


def test_run_of_another_tenant_can_be_neither_committed_nor_read(
    tenant_of_old: Callers,
    past_service: RunningService,
) -> None:
    plan = _plan(tenant_of_old.by_role["admin"])
    other = Callers(past_service).by_role["admin"]
    assert _commit(other, plan).status == 404
    assert other.get(f"/admin/retention/runs/{plan['run_id']}").status == 404
    assert other.get("/admin/retention/runs").json["items"] == []


def test_runs_are_listed_newest_first_page_by_page(tenant_of_old: Callers) -> None:
    admin, auditor = tenant_of_old.by_role["admin"], tenant_of_old.by_role["auditor"]
    plans = [_plan(admin)["run_id"] for _ in range(3)]
    pages = auditor.api.list_retention_runs_pages(limit=2)
    listed = [[str(run.run_id) for run in page.body.items] for page in pages]
    assert listed == [plans[:0:-1], plans[:1]]


def test_failures_of_a_run_come_in_pages_in_the_order_of_their_reports(
    tenant_of_old: Callers, past: TestDatabase
) -> None:
    plan = _plan(tenant_of_old.by_role["admin"])
    ids = oldest_reports(past, tenant_of_old.tenant, 3)
    for report_id in ids:
        past.run(
            access.OWNER,
            "INSERT INTO retention_failures VALUES (%s, %s, %s, %s, 1, 'why', now())",
            (tenant_of_old.tenant, plan["run_id"], report_id, report_id),
        )
    run_id = UUID(str(plan["run_id"]))
    pages = tenant_of_old.by_role["auditor"].api.get_retention_run_pages(run_id=run_id, limit=2)
    found = [page.body for page in pages]
    assert [body.run.failed for body in found] == [3, 3]
    listed = [[str(each.first_report_id) for each in body.failures] for body in found]
    assert listed == [ids[:2], ids[2:]]


def test_tag_of_the_runs_changes_with_a_dry_run_and_a_commit(tenant_of_old: Callers) -> None:
    admin = tenant_of_old.by_role["admin"]
    tags = [admin.get("/admin/retention/runs").etag]
    plan = _plan(admin)
    tags.append(admin.get("/admin/retention/runs").etag)
    _commit(admin, plan)
    tags.append(admin.get("/admin/retention/runs").etag)
    assert len(set(tags)) == 3
    last = admin.get("/admin/retention/runs", headers={"If-None-Match": tags[-1]})
    assert last.status == 304


def test_dry_run_and_commit_stand_in_the_audit_log(tenant_of_old: Callers) -> None:
    admin = tenant_of_old.by_role["admin"]
    plan = _plan(admin)
    _commit(admin, plan)
    query = {"object": str(plan["run_id"])}
    entries = admin.get("/admin/audit/logs", query).json["items"]
    told = [(each["actor"], each["details"]["mode"]) for each in entries]
    assert told == [("key-admin", "commit"), ("key-admin", "dry_run")]
    assert {each["details"]["plan_hash"] for each in entries} == {plan["plan_hash"]}
