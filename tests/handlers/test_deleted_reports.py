"""What is told of a report that retention has deleted: that it is gone, and who had links to it."""

from collections.abc import Iterator
from uuid import UUID

import pytest

from db import access
from db.ids import TenantId
from db.session import Database
from service.retention_run import Pace, RetentionRun
from tests.support.client import Callers, Client
from tests.support.database import PostgresServer, TestDatabase
from tests.support.old_reports import make_past_partitions, oldest_reports
from tests.support.reports import SMALLEST
from tests.support.service import RunningService, running_service

# A report as the service stores it, but of forty days ago.
_AGE = """
WITH aged AS (
  SELECT reports.tenant_id, collector_uuid7(created_at - interval '40 days') AS id, severity,
         pass_count, warn_count, block_count, inconsistencies, sha256, key_id, request_id, document
    FROM reports WHERE id = %(id)s
)
INSERT INTO reports (tenant_id, id, created_at, severity, pass_count, warn_count, block_count,
  inconsistencies, sha256, key_id, request_id, document)
SELECT tenant_id, id, collector_uuid7_time(id), severity, pass_count, warn_count, block_count,
  inconsistencies, sha256, key_id, request_id, document FROM aged
"""


@pytest.fixture(scope="module")
def past(postgres_server: PostgresServer, migrated_template: str) -> Iterator[TestDatabase]:
    with postgres_server.database(migrated_template) as made:
        make_past_partitions(made)
        yield made


@pytest.fixture(scope="module")
def past_service(past: TestDatabase) -> Iterator[RunningService]:
    with running_service(Database(past.url(access.APP))) as service:
        yield service


def _retain(past: TestDatabase, callers: Callers) -> int:
    """Have what is old deleted, from dry run to end; returns how many were."""
    admin = callers.by_role["admin"]
    plan = admin.send("POST", "/admin/retention/run").json
    body = {"mode": "commit", "run_id": plan["run_id"], "plan_hash": plan["plan_hash"]}
    assert admin.post_json("/admin/retention/run", body).status == 202
    tenants, maintenance = (
        Database(past.url(access.APP)),
        Database(past.url(access.MAINTENANCE)),
    )
    run_id = UUID(plan["run_id"])
    RetentionRun(maintenance, tenants, TenantId(callers.tenant), run_id, Pace(idle=0)).work()
    tenants.close()
    maintenance.close()
    run = admin.get(f"/admin/retention/runs/{run_id}").json["run"]
    assert run["status"] == "done"
    deleted: int = run["deleted"]
    return deleted


def test_deleted_report_is_gone_from_everything_but_the_history_of_its_links(
    past: TestDatabase, past_service: RunningService
) -> None:
    callers, anyone = Callers(past_service), Client(past_service)
    admin = callers.by_role["admin"]
    young = callers.operator.ingest(SMALLEST)["id"]
    past.run(access.OWNER, _AGE, {"id": young})
    [old, _] = oldest_reports(past, callers.tenant, 2)
    link = admin.send("POST", f"/reports/{old}/sign").json
    assert anyone.get(link["bundle_url"]).status == 200
    report = admin.get(f"/reports/{old}")
    listed = admin.get("/reports")
    assert len(listed.json["items"]) == 2
    assert _retain(past, callers) == 1
    assert admin.get(f"/reports/{old}", headers={"If-None-Match": report.etag}).status == 404
    again = admin.get("/reports", headers={"If-None-Match": listed.etag})
    assert [item["id"] for item in again.json["items"]] == [young]
    assert admin.get(f"/reports/{old}/bundle-meta").status == 404
    assert admin.send("POST", f"/reports/{old}/sign").status == 404
    gone = anyone.get(link["bundle_url"])
    assert (gone.status, gone.problem_type) == (410, "gone")
    history = admin.get(f"/reports/{old}/sign-history").json["items"]
    assert [entry["key_id"] for entry in history] == ["key-admin"]
    kept = past.run(
        access.OWNER, "SELECT count(*) FROM report_bundles WHERE report_id = %s", (old,)
    )
    assert kept == [(0,)]


def test_same_content_after_the_deletion_equals_the_report_that_is_left(
    past: TestDatabase, past_service: RunningService
) -> None:
    callers = Callers(past_service)
    first = callers.operator.ingest(SMALLEST)["id"]
    past.run(access.OWNER, _AGE, {"id": first})
    assert _retain(past, callers) == 1
    assert callers.operator.ingest(SMALLEST)["duplicate_of"] == first
