"""Entity tags: a 304 only where nothing changed, and then without reading the data."""

from datetime import UTC, datetime, timedelta

import pytest

from db.ids import TenantId
from db.revisions import Revisions
from generated.operations import GET_TIMELINE
from generated.runtime.hooks import Call
from handlers.context import Context, Principal
from handlers.preparation import Preparation
from service.app import contract
from service.hooks import ServiceHooks
from service.redaction import report_redactor
from tests.support.client import Answer, Callers, Client
from tests.support.contract import ContractOperation, operations
from tests.support.examples import example_request
from tests.support.reports import SMALLEST
from tests.support.service import RunningService

_LISTED_UNTIL = datetime(2026, 3, 6, tzinfo=UTC)
_TAGGED = [each for each in operations().values() if each.has_etag]
# Whoever reads what says who read it changes it: tests/handlers/test_audit.py has those; and
# tests/handlers/test_holds.py those that depend on other data than reports.
_QUERIES = [each for each in _TAGGED if "reports" in each.node["x-etag"].get("reads", ())]
# Evidence of a report changes neither the report nor what is counted or listed of it, nor do a
# hold, an export and a dry run; whose tags they do change, tests/handlers/test_signing.py,
# test_holds.py, test_exports.py and test_retention.py show.
_BESIDE_REPORTS = (
    "sign_report",
    "revoke_bundle_links",
    "hold_report",
    "release_hold",
    "create_export",
    "cancel_export",
    "run_retention",
)
_WRITES = [each for each in operations().values() if each.writes and each.id not in _BESIDE_REPORTS]


def _named(operation: ContractOperation) -> str:
    return operation.id


def _again(client: Client, target: str, tag: str) -> Answer:
    return client.send("GET", target, {"If-None-Match": tag})


@pytest.mark.parametrize("operation", _TAGGED, ids=_named)
def test_answer_that_is_still_right_is_304_without_content(
    operation: ContractOperation, callers: Callers
) -> None:
    admin = callers.by_role["admin"]
    request = example_request(operation, admin)
    tag = request.send(admin).etag
    for sent in (tag, f"W/{tag}", f'"other", {tag}', f'"other",W/{tag} , "more"', "*"):
        answer = _again(admin, request.target, sent)
        assert (answer.status, answer.content) == (304, b"")
        assert answer.etag == tag
    for sent in ('"other"', tag.strip('"'), f'{tag[:-2]}"', '"*"'):
        assert _again(admin, request.target, sent).status == 200


@pytest.mark.parametrize("write", _WRITES, ids=_named)
@pytest.mark.parametrize("query", _QUERIES, ids=_named)
def test_write_changes_the_tag_of_what_is_read(
    query: ContractOperation, write: ContractOperation, callers: Callers
) -> None:
    target = example_request(query, callers.operator).target
    before = callers.viewer.get(target)
    assert example_request(write).send(callers.operator).status in (200, 201)
    after = _again(callers.viewer, target, before.etag)
    assert after.status == 200
    assert after.etag != before.etag
    assert after.content != before.content


@pytest.mark.parametrize("query", _QUERIES, ids=_named)
def test_tag_holds_for_no_other_tenant_whose_data_changed_as_often(
    query: ContractOperation, callers: Callers, other_callers: Callers
) -> None:
    # Neither has written anything, so their revision vectors are the same.
    target = example_request(query).target
    tag = callers.viewer.get(target).etag
    assert _again(other_callers.viewer, target, tag).status == 200
    assert other_callers.viewer.get(target).etag != tag


@pytest.mark.parametrize("query", _QUERIES, ids=_named)
def test_other_tenants_write_changes_no_tag(
    query: ContractOperation, callers: Callers, other_callers: Callers
) -> None:
    target = example_request(query, callers.operator).target
    tag = callers.viewer.get(target).etag
    other_callers.operator.ingest(SMALLEST)
    assert _again(callers.viewer, target, tag).status == 304


def test_later_reports_change_no_tag_of_an_earlier_one(callers: Callers) -> None:
    path = f"/reports/{callers.operator.ingest(SMALLEST)['id']}"
    tag = callers.viewer.get(path).etag
    callers.operator.ingest(SMALLEST)
    assert _again(callers.viewer, path, tag).status == 304


def test_refused_and_replayed_requests_change_no_tag(callers: Callers) -> None:
    key = {"Idempotency-Key": "same"}
    callers.operator.ingest(SMALLEST, key)
    tag = callers.viewer.get("/reports").etag
    callers.operator.post_json("/ingest/qc", {"status": 1})
    callers.operator.ingest(SMALLEST, key)
    assert _again(callers.viewer, "/reports", tag).status == 304


def test_tag_belongs_to_tenant_filters_page_and_limit(
    callers: Callers, other_callers: Callers
) -> None:
    for _ in range(3):
        callers.operator.ingest(SMALLEST)
    token = callers.viewer.get("/reports?limit=1").json["next_page_token"]
    targets = [
        "/reports",
        "/reports?limit=1",
        f"/reports?limit=1&page_token={token}",
        "/reports?severity=info",
        "/reports?severity=info&severity=warn",
        "/reports?stream=a",
        "/reports?source=a",
        "/reports?policy_version=a",
        "/reports?since=2026-01-01T00:00:00Z",
        "/reports?until=2999-01-01T00:00:00Z",
        "/reports?include_total=true",
        "/timeline",
        "/timeline?window_h=48",
        "/timeline?bucket_m=720",
        "/timeline?window_h=48&bucket_m=720",
    ]
    tags = [callers.viewer.get(target).etag for target in targets]
    tags += [other_callers.viewer.get(target).etag for target in targets if "token" not in target]
    assert len(set(tags)) == len(tags)


def test_default_spelt_out_and_other_order_have_the_same_tag(callers: Callers) -> None:
    tag = callers.viewer.get("/reports").etag
    for target in ("/reports?limit=20", "/reports?include_total=false&limit=20"):
        assert _again(callers.viewer, target, tag).status == 304
    assert callers.viewer.get("/timeline").etag == callers.viewer.get("/timeline?window_h=24").etag


def test_304_of_a_query_reads_revisions_and_nothing_else(
    callers: Callers, service: RunningService
) -> None:
    callers.operator.ingest(SMALLEST)
    for target in ("/reports?include_total=true", "/timeline"):
        tag = callers.viewer.get(target).etag
        with service.counted_statements() as statements:
            assert _again(callers.viewer, target, tag).status == 304
        [statement] = statements
        assert "FROM reports" not in statement


def test_timelines_tag_lasts_until_the_bucket_is_over(service: RunningService) -> None:
    end = datetime(2026, 11, 20, 9, tzinfo=UTC)
    preparation = Preparation(report_redactor(contract()[1]))
    hooks = ServiceHooks(service.database, "1", preparation)
    caller = Principal(TenantId("acme"), "key", "viewer")

    def tag_at(now: datetime) -> str:
        call = Call(GET_TIMELINE, "r1", {}, {"window_h": 2, "bucket_m": 60})
        context = Context(service.database, "r1", caller)
        return hooks.tag_at(context, call, Revisions("1", (), now), _LISTED_UNTIL)

    last = tag_at(end - timedelta(microseconds=1))
    assert tag_at(end - timedelta(minutes=60)) == last
    assert tag_at(end) != last
