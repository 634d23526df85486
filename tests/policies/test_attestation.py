"""The statement over a report: what it says follows from the report, and can be read again."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.attestation import (
    STATEMENT_TYPE,
    TEST_RESULT,
    ReportFacts,
    StatementError,
    read_statement,
    statement_text,
)
from policies.bundle import MARKDOWN, REPORT, subjects
from policies.intake import Judgement, decide

_NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
_STATUS = st.sampled_from(["pass", "warn", "fail", "na"])
_evaluation = st.fixed_dictionaries(
    {
        "rule_id": st.sampled_from(["a", "b"]),
        "target": st.sampled_from(["x", "y", "z"]),
        "verdict": st.sampled_from(["pass", "warn", "block"]),
        "severity": st.sampled_from(["info", "warn", "block"]),
    }
)
_reports = st.fixed_dictionaries(
    {"status": st.dictionaries(st.text(max_size=5), _STATUS, max_size=6)},
    optional={
        "policy": st.fixed_dictionaries({"evaluations": st.lists(_evaluation, max_size=8)}),
    },
)


def _facts(severity: str = "info") -> ReportFacts:
    return ReportFacts("acme", "0190a6d2-7c1e-7d3b-9a54-2f6f0c1e8b11", _NOON, severity)


def _decided(report: dict[str, Any]) -> str:
    judgements: list[Judgement] = [
        (one["target"], one["verdict"], one["severity"])
        for one in report.get("policy", {}).get("evaluations", [])
    ]
    return decide(report["status"], judgements).severity


def _document(report: dict[str, Any], severity: str = "info") -> dict[str, Any]:
    text = json.dumps(report).encode()
    made = statement_text(_facts(severity), report, subjects(text, b"page"), _NOON)
    document: dict[str, Any] = json.loads(made)
    return document


def test_statement_is_over_the_report_and_its_page() -> None:
    document = _document({"status": {}})
    assert (document["_type"], document["predicateType"]) == (STATEMENT_TYPE, TEST_RESULT)
    assert [subject["name"] for subject in document["subject"]] == [REPORT, MARKDOWN]
    digests = [subject["digest"]["sha256"] for subject in document["subject"]]
    assert digests == [
        hashlib.sha256(b'{"status": {}}').hexdigest(),
        hashlib.sha256(b"page").hexdigest(),
    ]


@given(_reports)
def test_failed_and_warned_tests_agree_with_the_severity_that_intake_decided(
    report: dict[str, Any],
) -> None:
    severity = _decided(report)
    predicate = _document(report, severity)["predicate"]
    lists = {name: predicate[name] for name in ("passedTests", "warnedTests", "failedTests")}
    assert bool(lists["failedTests"]) is (severity == "block")
    if severity != "block":
        assert bool(lists["warnedTests"]) is (severity == "warn")
    assert predicate["result"] == {"info": "PASSED", "warn": "WARNED", "block": "FAILED"}[severity]
    named = [test for tests in lists.values() for test in tests]
    assert len(named) == len(set(named))


def test_policy_version_and_run_are_told_where_the_report_has_them() -> None:
    run = {"url": "https://ci.example/8841"}
    told = _document({"status": {}, "policy": {"policy_version": "2026/11 b"}, "run": run})
    assert told["predicate"]["configuration"] == [
        {"name": "policy", "uri": "urn:collector:policy-version:2026%2F11%20b"}
    ]
    assert told["predicate"]["url"] == run["url"]
    bare = _document({"status": {}})["predicate"]
    assert bare["configuration"] == []
    assert "url" not in bare


def test_statement_is_read_back() -> None:
    text = statement_text(_facts("warn"), {"status": {}}, subjects(b"report", b"page"), _NOON)
    read = read_statement(text)
    assert (read.tenant_id, read.report_id, read.result) == (
        "acme",
        "0190a6d2-7c1e-7d3b-9a54-2f6f0c1e8b11",
        "WARNED",
    )
    assert read.received_at == read.signed_at == _NOON
    assert read.digests.keys() == {REPORT, MARKDOWN}


@pytest.mark.parametrize(
    "change",
    [
        {"_type": "https://in-toto.io/Statement/v0.1"},
        {"predicateType": "https://slsa.dev/provenance/v1"},
        {"subject": []},
        {"subject": 7},
        {"predicate": None},
    ],
)
def test_other_statement_is_refused(change: dict[str, Any]) -> None:
    document = {**_document({"status": {}}), **change}
    with pytest.raises(StatementError):
        read_statement(json.dumps(document).encode())


def test_time_without_a_zone_is_refused() -> None:
    text = json.dumps(_document({"status": {}})).replace("12:00:00.000Z", "12:00:00.000")
    with pytest.raises(StatementError, match="no time zone"):
        read_statement(text.encode())


@given(st.binary(max_size=100))
def test_any_bytes_are_refused(payload: bytes) -> None:
    with pytest.raises(StatementError):
        read_statement(payload)
