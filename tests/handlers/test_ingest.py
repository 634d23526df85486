"""Taking reports in: what is decided on them, and that they are kept as they came."""

import hashlib
import json
from typing import Any
from urllib.parse import quote

import orjson
import pytest

from generated.models import IngestReceipt, QcReport
from tests.support.client import Callers
from tests.support.reports import PREDECESSOR, SMALLEST, judged


def test_predecessors_payload_is_taken_and_given_back_unchanged(callers: Callers) -> None:
    receipt = callers.operator.ingest(PREDECESSOR)
    assert (receipt["status"], receipt["severity"]) == ("ingested", "block")
    stored = callers.viewer.get(f"/reports/{receipt['id']}").json
    assert stored["report"] == PREDECESSOR
    assert stored["counts"] == {"pass": 0, "warn": 1, "block": 1}


def test_receipt_leads_to_the_report_and_its_digest_is_of_the_canonical_text(
    callers: Callers,
) -> None:
    answer = callers.operator.post_json("/ingest/qc", PREDECESSOR)
    assert answer.headers["location"] == f"/reports/{answer.json['id']}"
    stored = callers.viewer.get(answer.headers["location"]).json
    assert stored["id"] == answer.json["id"]
    canonical = orjson.dumps(PREDECESSOR, option=orjson.OPT_SORT_KEYS)
    assert stored["sha256"] == hashlib.sha256(canonical).hexdigest()


@pytest.mark.parametrize(
    ("report", "severity", "inconsistencies"),
    [
        ({"status": {}}, "info", 0),
        ({"status": {"api": "na"}}, "info", 0),
        ({"status": {"api": "pass", "jwks": "warn"}}, "warn", 0),
        ({"status": {"api": "warn", "jwks": "fail"}}, "block", 0),
        (judged(("api", "warn", "info"), api="warn"), "warn", 0),
        (judged(("api", "warn", "block"), api="warn"), "block", 0),
        (judged(("api", "pass", "block"), api="pass"), "info", 0),
        (judged(("api", "pass", "info"), api="fail"), "info", 1),
        (
            judged(("api", "block", "warn"), ("ics", "pass", "info"), api="pass", ics="na"),
            "block",
            2,
        ),
    ],
)
def test_severity_and_contradictions_are_what_the_contract_says(
    report: dict[str, Any], severity: str, inconsistencies: int, callers: Callers
) -> None:
    body = QcReport.model_validate(report)
    receipt = callers.operator.api.ingest_qc(body=body).body
    assert (receipt.severity, receipt.inconsistencies) == (severity, inconsistencies)
    stored = callers.viewer.api.get_report(report_id=receipt.id).body
    assert (stored.severity, stored.inconsistencies) == (severity, inconsistencies)


def test_equal_report_is_stored_again_and_names_the_newest_earlier_one(callers: Callers) -> None:
    def ingest(report: dict[str, Any]) -> IngestReceipt:
        return callers.operator.api.ingest_qc(body=QcReport.model_validate(report)).body

    same = [ingest(SMALLEST) for _ in range(3)]
    other = ingest({"status": {"api": "warn"}})
    assert same[0].duplicate_of is None
    assert other.duplicate_of is None
    assert same[1].duplicate_of == same[0].id
    assert same[2].duplicate_of == same[1].id
    stored = callers.viewer.api.get_report(report_id=same[2].id).body
    assert stored.duplicate_of == same[1].id
    assert len(callers.viewer.api.list_reports().body.items) == 4


def test_order_of_keys_and_spaces_make_no_other_report(callers: Callers) -> None:
    first = callers.operator.ingest({"status": {"a": "pass", "b": "na"}, "notes": ["n"]})
    body = b'{ "notes" : ["n"],\n "status": {"b":"na", "a":"\\u0070ass"} }'
    second = callers.operator.post("/ingest/qc", body, "application/json")
    assert second.json["duplicate_of"] == first["id"]


def test_equal_report_of_another_tenant_is_no_duplicate(
    callers: Callers, other_callers: Callers
) -> None:
    callers.operator.ingest(SMALLEST)
    assert "duplicate_of" not in other_callers.operator.ingest(SMALLEST)


@pytest.mark.parametrize(
    "number",
    ["0.1", "1180591620717411303424", "-9007199254740993", "1e-300", "9" * 300, "1.5e308", "0.0"],
    ids=lambda number: number[:12],
)
def test_number_in_raw_is_kept_to_the_last_digit(number: str, callers: Callers) -> None:
    body = b'{"status":{},"raw":{"n":%s}}' % number.encode()
    posted = callers.operator.post("/ingest/qc", body, "application/json")
    assert posted.status == 201
    got = callers.viewer.get(posted.headers["location"])
    assert got.json["report"]["raw"]["n"] == json.loads(number)
    if "e" not in number:
        assert b'"n":' + number.encode() in got.content


@pytest.mark.parametrize(
    "text",
    ["", "\0", "a\0b", "\x01\x1f\x7f", "\u2028\ufeff\uffff", "😀" * 100, "a" * 8192, "'\"\\%s%%"],
    ids=ascii,
)
def test_any_text_of_a_note_is_kept(text: str, callers: Callers) -> None:
    receipt = callers.operator.ingest({"status": {}, "notes": [text], "raw": {text[:1000]: text}})
    stored = callers.viewer.get(f"/reports/{receipt['id']}").json["report"]
    assert stored["notes"] == [text]
    assert stored["raw"] == {text[:1000]: text}


def test_longest_values_of_indexed_fields_are_stored_and_found(callers: Callers) -> None:
    """PostgreSQL takes no more than some 2,700 bytes into an index (54000)."""
    stream, tool, version = "s" * 256, "😀" * 128, "ü" * 128
    report = {
        **SMALLEST,
        "stream": stream,
        "source": {"tool": tool},
        "policy": {"policy_version": version},
    }
    headers = {"Idempotency-Key": "k" * 255}
    receipt = callers.operator.ingest(report, headers)
    assert callers.operator.ingest(report, headers)["id"] == receipt["id"]
    for name, value in (("stream", stream), ("source", tool), ("policy_version", version)):
        page = callers.viewer.get(f"/reports?{name}={quote(value)}").json
        assert [item["id"] for item in page["items"]] == [receipt["id"]]


def test_time_is_kept_as_it_was_written(callers: Callers) -> None:
    written = "2026-11-20T23:59:59.123456789+05:30"
    report = {"status": {}, "run": {"started_at": written}, "policy": {"created_at": written}}
    receipt = callers.operator.ingest(report)
    assert callers.viewer.get(f"/reports/{receipt['id']}").json["report"] == report


def test_20000_evaluations_and_64_levels_are_taken(callers: Callers) -> None:
    many = callers.operator.ingest(judged(*[("api", "warn", "warn")] * 20_000, api="warn"))
    counts = callers.viewer.get(f"/reports/{many['id']}").json["counts"]
    assert counts == {"pass": 0, "warn": 20_000, "block": 0}
    # The report and its `raw` are the first two levels.
    nested: Any = "leaf"
    for _ in range(62):
        nested = [nested]
    deep = callers.operator.ingest({"status": {}, "raw": {"n": nested}})
    stored = callers.viewer.get(f"/reports/{deep['id']}").json["report"]
    assert stored["raw"]["n"] == nested


def test_body_of_exactly_the_limit_is_taken(callers: Callers) -> None:
    body = json.dumps(SMALLEST).encode()
    padded = body + b" " * (10 * 1024 * 1024 - len(body))
    assert callers.operator.post("/ingest/qc", padded, "application/json").status == 201


def test_json_media_type_is_taken_however_it_is_spelt(callers: Callers) -> None:
    body = json.dumps(SMALLEST).encode()
    for spelling in (
        "Application/JSON",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
    ):
        assert callers.operator.post("/ingest/qc", body, spelling).status == 201
