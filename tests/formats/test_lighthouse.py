"""The traps of Lighthouse: scores that are null, modes without a score, runs that failed."""

import json
from typing import Any

import pytest

from formats.document import QcDocument
from formats.lighthouse import translate
from tests.formats.expectations import evaluations_of, outcomes_of, summary_of
from tests.formats.translating import assert_refused_at, translated_as

Json = dict[str, Any]


def audit_of(score: float | None, mode: str = "binary", **members: object) -> Json:
    return {"title": "Title", "score": score, "scoreDisplayMode": mode, **members}


def category_of(score: float | None, *references: str, weight: float = 1) -> Json:
    return {"score": score, "auditRefs": [{"id": each, "weight": weight} for each in references]}


def result_of(audits: Json, categories: Json, **members: object) -> bytes:
    return json.dumps(
        {"lighthouseVersion": "13.0.0", "audits": audits, "categories": categories, **members}
    ).encode()


def translated(audits: Json, categories: Json, **members: object) -> QcDocument:
    return translated_as("lighthouse", result_of(audits, categories, **members))


def outcome(audit: Json, category: Json) -> str:
    """The outcome of one audit, the last evaluation of its category."""
    return outcomes_of(translated({"a": audit}, {"seo": category}))[-1]


@pytest.mark.parametrize(
    ("score", "expected"),
    [(1, "pass"), (0.9, "pass"), (0.89, "warn"), (0.5, "warn"), (0.49, "fail"), (0, "fail")],
)
def test_category_score_decides_its_check(score: float, expected: str) -> None:
    report = translated({"a": audit_of(0)}, {"seo": category_of(score, "a")})
    assert report["status"] == {"seo": expected}
    assert summary_of(report)["seo"] == score * 100
    assert evaluations_of(report)[0]["rule_id"] == "categories:seo"


@pytest.mark.parametrize("mode", ["informative", "notApplicable", "not-applicable", "manual"])
@pytest.mark.parametrize("score", [None, 0, 1])
def test_audit_of_a_mode_without_score_is_no_failure(mode: str, score: float | None) -> None:
    assert outcome(audit_of(score, mode), category_of(0.1, "a")) == "pass/info"


@pytest.mark.parametrize("mode", ["numeric", "binary", "metricSavings"])
def test_null_score_is_no_failure(mode: str) -> None:
    assert outcome(audit_of(None, mode), category_of(0.1, "a")) == "pass/info"
    report = translated({"a": audit_of(None, mode)}, {"seo": category_of(None, "a")})
    assert report["status"] == {"seo": "na"}
    assert evaluations_of(report) == []
    assert report["notes"] == ["1 category has no score and can't block."]


def test_audit_counts_no_worse_than_its_category() -> None:
    failed = audit_of(0)
    assert outcome(failed, category_of(0.95, "a")) == "pass/info"
    assert outcome(failed, category_of(0.75, "a")) == "warn/warn"
    assert outcome(failed, category_of(0.25, "a")) == "block/block"
    assert outcome(audit_of(0.7, "numeric"), category_of(0.25, "a")) == "warn/warn"


def test_audit_that_weighs_nothing_warns_at_worst() -> None:
    assert outcome(audit_of(0), category_of(0.25, "a", weight=0)) == "warn/warn"


def test_audit_that_could_not_be_run_warns_where_it_took_the_categorys_score() -> None:
    failed = audit_of(None, "error", errorMessage="Required traces gatherer did not run.")
    report = translated({"a": failed, "b": audit_of(1)}, {"seo": category_of(None, "a", "b")})
    assert report["status"] == {"seo": "warn"}
    assert outcomes_of(report) == ["warn/warn", "pass/info"]
    assert evaluations_of(report)[0]["message"] == (
        "Title [not run]\nRequired traces gatherer did not run."
    )
    assert report["notes"] == [
        "1 audit could not be run.",
        "1 category has no score and can't block.",
    ]


def test_failing_audit_of_a_category_without_score_warns() -> None:
    report = translated({"a": audit_of(0)}, {"performance": category_of(None, "a")})
    assert report["status"] == {"performance": "warn"}
    assert "performance" not in summary_of(report)


def test_run_that_ended_in_an_error_blocks_although_nothing_was_scored() -> None:
    error = {"code": "NO_FCP", "message": "The page did not paint any content."}
    report = translated(
        {"a": audit_of(None, "error")}, {"seo": category_of(None, "a")}, runtimeError=error
    )
    assert report["status"] == {"lighthouse": "fail", "seo": "warn"}
    assert evaluations_of(report)[0] == {
        "rule_id": "runtimeError",
        "target": "lighthouse",
        "verdict": "block",
        "severity": "block",
        "message": "NO_FCP: The page did not paint any content.",
    }


def test_error_code_that_says_no_error_is_none() -> None:
    report = translated({}, {}, runtimeError={"code": "NO_ERROR", "message": ""})
    assert report["status"] == {"lighthouse": "na"}


def test_warnings_of_the_run_and_the_page_without_its_secrets_are_noted() -> None:
    report = translated(
        {},
        {},
        runWarnings=["The page loaded too slowly."],
        finalDisplayedUrl="https://user:pass@shop.example/cart?token=t0ken#s3cret",
    )
    assert report["notes"] == [
        "Page: https://shop.example/cart",
        "Lighthouse warns: The page loaded too slowly.",
    ]


def test_details_of_audits_are_not_kept() -> None:
    audit = audit_of(0, details={"items": [{"node": {"snippet": "<p>secret</p>"}}]})
    assert "secret" not in json.dumps(translated({"a": audit}, {"seo": category_of(0.2, "a")}))


def test_audits_that_are_missing_or_in_no_category_are_noted() -> None:
    report = translated({"a": audit_of(1), "b": audit_of(0)}, {"seo": category_of(1, "a", "c")})
    assert len(evaluations_of(report)) == 2
    assert report["notes"] == [
        "1 audit is named by a category and missing in the file.",
        "1 audit belongs to no category and is not judged.",
    ]


@pytest.mark.parametrize(
    ("content", "pointer"),
    [
        (b"{}", "/lighthouseVersion"),
        (b'{"lighthouseVersion": "2.9.0"}', "/categories"),
        (b'{"lighthouseVersion": "9.0.0", "categories": {}}', "/audits"),
        (result_of({}, {"k3y": 1}), "/categories"),
        (result_of({}, {"k3y": {"score": 1}}), "/categories"),
        (result_of({}, {"k3y": category_of(1.5)}), "/categories"),
        (result_of({}, {"k3y": {"score": "1", "auditRefs": []}}), "/categories"),
        (result_of({"k3y": 1}, {"seo": category_of(1, "k3y")}), "/audits"),
        (
            result_of({"k3y": audit_of(1, "k3y")}, {"seo": category_of(1, "k3y")}),
            "/audits",
        ),
        (result_of({"k3y": audit_of(-1)}, {"seo": category_of(1, "k3y")}), "/audits"),
    ],
)
def test_what_decides_a_verdict_is_read_strictly_and_never_repeated(
    content: bytes, pointer: str
) -> None:
    assert_refused_at(translate, content, pointer)
