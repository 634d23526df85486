"""Holding a report: the reason, who and when; listed; told in the audit log."""

import hashlib
from datetime import UTC, datetime, timedelta
from uuid import UUID

from generated.models import HoldRequest
from tests.support.client import Answer, Callers, Client
from tests.support.reports import SMALLEST

_ABSENT = "0190a6d2-7c1e-7d3b-9a54-2f6f0c1e8b11"
_REASON = "Evidence in case 2026-118"


def _hold(client: Client, report_id: str, reason: str = _REASON) -> Answer:
    path, body = f"/reports/{report_id}/hold", HoldRequest(reason=reason).model_dump_json()
    return client.send("PUT", path, {"Content-Type": "application/json"}, body.encode())


def _held(callers: Callers) -> tuple[str, Client]:
    report_id, auditor = callers.operator.ingest(SMALLEST)["id"], callers.by_role["auditor"]
    assert _hold(auditor, report_id).status == 200
    return report_id, auditor


def test_hold_says_why_by_whom_and_since_when(callers: Callers) -> None:
    report_id, auditor = _held(callers)
    hold = auditor.api.get_hold(report_id=UUID(report_id)).body
    assert (str(hold.report_id), hold.reason, hold.held_by) == (report_id, _REASON, "key-auditor")
    assert abs(datetime.now(UTC) - hold.held_at) < timedelta(minutes=1)


def test_holding_again_replaces_the_hold(callers: Callers) -> None:
    report_id, auditor = _held(callers)
    assert _hold(callers.by_role["admin"], report_id, "another case").status == 200
    page = auditor.get("/holds").json
    assert [(each["reason"], each["held_by"]) for each in page["items"]] == [
        ("another case", "key-admin")
    ]


def test_released_report_is_not_held_and_releasing_it_again_is_no_mistake(
    callers: Callers,
) -> None:
    report_id, auditor = _held(callers)
    for _ in range(2):
        assert auditor.send("DELETE", f"/reports/{report_id}/hold").status == 204
    assert auditor.get(f"/reports/{report_id}/hold").status == 404
    assert auditor.get("/holds").json == {"items": [], "next_page_token": None}


def test_report_that_is_not_there_is_neither_held_nor_released(callers: Callers) -> None:
    auditor = callers.by_role["auditor"]
    assert _hold(auditor, _ABSENT).status == 404
    assert auditor.send("DELETE", f"/reports/{_ABSENT}/hold").status == 404


def test_holds_come_in_pages_newest_report_first(callers: Callers) -> None:
    held = [_held(callers)[0] for _ in range(3)]
    pages = callers.by_role["auditor"].api.list_holds_pages(limit=2)
    listed = [[str(hold.report_id) for hold in page.body.items] for page in pages]
    assert listed == [held[:0:-1], held[:1]]


def test_tag_of_the_holds_changes_with_each_of_them_and_with_nothing_else(
    callers: Callers,
) -> None:
    report_id, auditor = _held(callers)

    def asked_again(tag: str) -> Answer:
        return auditor.get("/holds", headers={"If-None-Match": tag})

    tag = auditor.get("/holds").etag
    callers.operator.ingest(SMALLEST)
    assert asked_again(tag).status == 304
    _hold(auditor, report_id, "another case")
    changed = asked_again(tag)
    assert changed.status == 200
    auditor.send("DELETE", f"/reports/{report_id}/hold")
    assert asked_again(changed.etag).status == 200


def test_reason_with_a_secret_is_refused_by_the_rule_that_hits_it(callers: Callers) -> None:
    report_id = callers.operator.ingest(SMALLEST)["id"]
    refused = _hold(callers.by_role["admin"], report_id, "see AKIAIOSFODNN7EXAMPLE")
    assert (refused.status, refused.problem_type) == (422, "invalid-input")
    assert (refused.error["pointer"], refused.error["keyword"]) == ("/reason", "redaction")
    assert callers.by_role["admin"].get("/holds").json["items"] == []


def test_holding_and_releasing_stand_in_the_audit_log_without_the_reason(
    callers: Callers,
) -> None:
    report_id, auditor = _held(callers)
    auditor.send("DELETE", f"/reports/{report_id}/hold")
    entries = auditor.get("/admin/audit/logs", {"object": report_id}).json["items"]
    told = [(each["action"], each["actor"], each["details"]) for each in entries]
    assert told == [
        ("release_hold", "key-auditor", {"was_held": True}),
        (
            "hold_report",
            "key-auditor",
            {"reason_sha256": hashlib.sha256(_REASON.encode()).hexdigest()},
        ),
    ]
