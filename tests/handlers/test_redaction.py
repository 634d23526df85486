"""Secrets that senders leave in reports: taken out before anything is kept, counted, or refused."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.client import Answer, Callers
from tests.support.redaction import made_up_secrets
from tests.support.reports import SMALLEST

_TOKEN = "ghp_" + "9fK2mQ7xLw4vTz8Rb3Nc6Yd1Jh5Ps0GaUeIo"
_MAIL = "kim" + "@example.com"
_SAMPLES = Path("tests/samples")


def _stored(callers: Callers, receipt: dict[str, Any]) -> Any:
    return callers.viewer.get(f"/reports/{receipt['id']}").json


def _refused(answer: Answer) -> dict[str, str]:
    assert (answer.status, answer.problem_type) == (422, "invalid-input")
    return answer.error


def test_secrets_are_taken_out_and_counted_in_receipt_and_report(callers: Callers) -> None:
    report = {"status": {"api": "fail"}, "notes": [f"ask {_MAIL}", f"{_MAIL} has {_TOKEN}"]}
    receipt = callers.operator.ingest(report)
    assert receipt["redaction"]["counts"] == {"email": 2, "github-token": 1}
    stored = _stored(callers, receipt)
    assert stored["redaction"] == receipt["redaction"]
    assert stored["report"]["notes"] == [
        "ask [redacted:email]",
        "[redacted:email] has [redacted:github-token]",
    ]
    written = sum(map(len, ("status", "api", "fail", "notes", *report["notes"])))
    replaced = 2 * len(_MAIL) + len(_TOKEN)
    assert receipt["redaction"]["share"] == pytest.approx(replaced / written, abs=1e-6)


def test_report_without_secrets_has_no_redaction(callers: Callers) -> None:
    receipt = callers.operator.ingest(SMALLEST)
    assert "redaction" not in receipt
    assert "redaction" not in _stored(callers, receipt)


def test_replay_of_a_redacted_report_has_the_same_receipt(callers: Callers) -> None:
    headers = {"Idempotency-Key": "run-1"}
    report = {"status": {}, "notes": [_MAIL]}
    first = callers.operator.post_json("/ingest/qc", report, headers)
    again = callers.operator.post_json("/ingest/qc", report, headers)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json == first.json
    assert again.json["redaction"]["counts"] == {"email": 1}


def test_reports_that_differ_in_what_is_taken_out_alone_are_duplicates(callers: Callers) -> None:
    first = callers.operator.ingest({"status": {}, "notes": ["ask lee" + "@example.com"]})
    second = callers.operator.ingest({"status": {}, "notes": [f"ask {_MAIL}"]})
    assert second["duplicate_of"] == first["id"]


def test_escapes_of_json_hide_nothing(callers: Callers) -> None:
    escaped = "".join(f"\\u{ord(each):04x}" for each in _TOKEN)
    body = f'{{"status": {{}}, "notes": ["{escaped}"]}}'.encode()
    receipt = callers.operator.post("/ingest/qc", body, "application/json").json
    assert _stored(callers, receipt)["report"]["notes"] == ["[redacted:github-token]"]


@pytest.mark.parametrize(
    ("pointer", "report"),
    [
        ("/stream", {"stream": f"team/{_MAIL}"}),
        ("/source/tool", {"source": {"tool": f"runner {_TOKEN}"}}),
        ("/policy/policy_version", {"policy": {"policy_version": _MAIL}}),
    ],
)
def test_secret_in_what_reports_are_looked_up_by_is_refused_with_its_place(
    pointer: str, report: dict[str, Any], callers: Callers
) -> None:
    error = _refused(callers.operator.post_json("/ingest/qc", {"status": {}, **report}))
    assert (error["in"], error["pointer"], error["keyword"]) == ("body", pointer, "redaction")
    assert error["limit"] in ("email", "github-token")
    assert callers.viewer.get("/reports").json["items"] == []


def test_secret_as_idempotency_key_is_refused(callers: Callers) -> None:
    headers = {"Idempotency-Key": _TOKEN}
    error = _refused(callers.operator.post_json("/ingest/qc", SMALLEST, headers))
    assert (error["in"], error["pointer"]) == ("header", "/Idempotency-Key")
    assert (error["keyword"], error["limit"]) == ("redaction", "github-token")


def test_secret_as_the_stream_of_tool_output_is_refused(callers: Callers) -> None:
    target = f"/ingest/tool/junit?stream={quote(_MAIL)}"
    error = _refused(callers.operator.post(target, b"<testsuite/>", "application/xml"))
    assert (error["in"], error["pointer"], error["limit"]) == ("query", "/stream", "email")


def test_secret_as_request_id_is_replaced_by_an_id_of_our_own(callers: Callers) -> None:
    answer = callers.operator.post_json("/ingest/qc", SMALLEST, {"X-Request-Id": _TOKEN})
    assert answer.status == 201
    assert answer.headers["x-request-id"] != _TOKEN


def test_secrets_in_a_tools_output_are_taken_out(callers: Callers) -> None:
    body = f"""<testsuite name="checkout" tests="1">
      <testcase classname="cart" name="{_MAIL}"><failure message="got {_TOKEN}">
        Authorization: Bearer {_TOKEN}</failure></testcase></testsuite>""".encode()
    answer = callers.operator.post("/ingest/tool/junit", body, "application/xml")
    assert answer.status == 201
    assert set(answer.json["redaction"]["counts"]) >= {"email", "github-token"}
    text = json.dumps(_stored(callers, answer.json))
    assert _TOKEN not in text
    assert _MAIL not in text


@pytest.mark.parametrize(("rule_id", "secret"), list(made_up_secrets()))
def test_no_made_up_secret_is_given_back(rule_id: str, secret: str, callers: Callers) -> None:
    report = {"status": {"api": "pass"}, "notes": [secret], "raw": {secret: [secret]}}
    receipt = callers.operator.ingest(report)
    assert receipt["redaction"]["counts"]
    kept = json.dumps(_stored(callers, receipt), ensure_ascii=False)
    assert json.dumps(secret, ensure_ascii=False)[1:-1] not in kept


def test_key_of_the_caller_itself_is_taken_out_or_refused(callers: Callers) -> None:
    key = callers.secrets["operator"]
    report = {"status": {}, "notes": [f"sent with {key}"], "raw": {"env": {"QC": key}}}
    receipt = callers.operator.ingest(report)
    assert receipt["redaction"]["counts"] == {"own-api-key": 2}
    assert key not in json.dumps(_stored(callers, receipt))
    error = _refused(callers.operator.post_json("/ingest/qc", SMALLEST, {"Idempotency-Key": key}))
    assert (error["pointer"], error["limit"]) == ("/Idempotency-Key", "own-api-key")
    body = b"\n".join(json.dumps(each).encode() for each in (report, SMALLEST))
    batch = callers.operator.post("/ingest/qc/batch", body, "application/x-ndjson")
    assert batch.json["outcomes"][0]["redaction"]["counts"] == {"own-api-key": 2}
