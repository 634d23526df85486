"""The traps of CTRF: statuses, flaky tests by flag or retries, suites of two shapes, insights."""

import json
from typing import Any

import pytest

from formats.ctrf import translate
from formats.document import MAX_EVALUATIONS, QcDocument
from formats.registry import detect
from tests.formats.expectations import evaluations_of, outcomes_of, summary_of
from tests.formats.translating import assert_refused_at, refusal_of, translated_as

Json = dict[str, Any]


def case_of(status: str = "passed", **members: object) -> Json:
    return {"name": "adds", "status": status, "duration": 1, "suite": ["Cart"], **members}


def report_of(*tests: Json, **members: object) -> bytes:
    results = {"tool": {"name": "runner"}, "summary": {}, "tests": list(tests)}
    return json.dumps({"reportFormat": "CTRF", "results": results, **members}).encode()


def translated(*tests: Json, **members: object) -> QcDocument:
    return translated_as("ctrf", report_of(*tests, **members))


def outcome(test: Json) -> str:
    [found] = outcomes_of(translated(test))
    return found


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("passed", "pass/info"),
        ("failed", "block/block"),
        ("skipped", "pass/info"),
        ("pending", "pass/info"),
        ("other", "warn/warn"),
    ],
)
def test_status_decides_the_verdict(status: str, expected: str) -> None:
    report = translated(case_of(status))
    assert outcomes_of(report) == [expected]
    assert (summary_of(report)[status], summary_of(report)["tests"]) == (1, 1)
    assert len(report["notes"]) == (status in ("skipped", "pending", "other"))


@pytest.mark.parametrize(
    ("members", "flaky"),
    [
        ({"flaky": True}, True),
        ({"flaky": False}, False),
        ({"flaky": None}, False),
        ({"retries": 2}, True),
        ({"retries": 0}, False),
        ({"flaky": False, "retries": 2}, False),
        ({"retryAttempts": [{"attempt": 1, "status": "failed"}]}, True),
        ({"retryAttempts": [{"attempt": 1, "status": "passed"}]}, False),
    ],
)
def test_passed_test_is_flaky_by_its_flag_or_else_by_its_retries(
    members: Json, flaky: bool
) -> None:
    report = translated(case_of(**members))
    assert outcomes_of(report) == ["warn/warn" if flaky else "pass/info"]
    assert (summary_of(report)["flaky"], summary_of(report)["passed"]) == (flaky, 1)


@pytest.mark.parametrize("status", ["failed", "skipped"])
def test_only_a_passed_test_is_flaky(status: str) -> None:
    report = translated(case_of(status, flaky=True, retries=3))
    assert summary_of(report)["flaky"] == 0
    assert outcome(case_of("failed", flaky=True)) == "block/block"


@pytest.mark.parametrize(
    ("members", "target"),
    [
        ({"suite": ["Cart", "Totals"]}, "Cart / Totals"),
        ({"suite": "Cart > Totals"}, "Cart > Totals"),
        ({"suite": [], "filePath": "cart.test.js"}, "cart.test.js"),
        ({"suite": [1, " "], "filePath": None}, "(no suite)"),
        ({"suite": None}, "(no suite)"),
    ],
)
def test_target_is_the_suite_in_either_shape(members: Json, target: str) -> None:
    assert list(translated(case_of(**members))["status"]) == [target]


def test_messages_tell_the_failure_once_and_the_tools_own_status() -> None:
    report = translated(
        case_of("failed", message="boom", trace="Error: boom\n  at x"),
        case_of("failed", message="boom", trace="at x"),
        case_of("failed"),
        case_of("other", rawStatus="timedOut", message="10 s"),
        case_of("skipped", message="not here"),
        case_of("passed", flaky=True, retries=2),
        case_of("passed", flaky=True),
    )
    assert [item["message"] for item in evaluations_of(report)] == [
        "Error: boom\n  at x",
        "boom\nat x",
        "failed",
        "other (timedOut): 10 s",
        "skipped: not here",
        "flaky: passed after 2 failed attempts",
        "flaky: passed after failed attempts",
    ]


def test_insights_and_baseline_decide_nothing() -> None:
    compared = {"passRate": {"current": 0.1, "baseline": 1.0, "change": -0.9}}
    report = translated(
        case_of(insights=compared), insights=compared, baseline={"reportId": "1", "commit": "c"}
    )
    assert report == translated(case_of())


def test_output_attachments_parameters_and_environment_are_not_kept() -> None:
    secret = "s3cret"
    test = case_of(
        "failed",
        stdout=[secret],
        stderr=[secret],
        screenshot=secret,
        attachments=[{"name": secret, "path": secret}],
        parameters={"password": secret},
        labels={"a": secret},
        snippet=secret,
        extra={"a": secret},
    )
    content = json.loads(report_of(test))
    content["results"]["environment"] = {"buildUrl": f"https://ci/?token={secret}"}
    assert secret not in json.dumps(translate(json.dumps(content).encode()))


def test_report_from_before_1_0_does_not_say_what_it_is() -> None:
    content = json.loads(report_of(case_of("failed", suite="Cart")))
    del content["reportFormat"]
    body = json.dumps(content).encode()
    assert detect(body) == "ctrf"
    assert outcomes_of(translate(body)) == ["block/block"]


def test_totals_that_contradict_the_tests_are_noted_and_not_taken() -> None:
    content = json.loads(report_of(case_of()))
    content["results"]["summary"] = {"tests": 1, "passed": 0, "failed": 1, "duration": -5}
    report = translated_as("ctrf", json.dumps(content).encode())
    assert summary_of(report)["passed"] == 1
    assert "duration" not in summary_of(report)
    assert report["notes"] == [
        "The summary states other totals than the tests add up to; the tests were counted."
    ]


def test_run_of_no_tests_is_not_applicable() -> None:
    assert translated()["status"] == {"ctrf": "na"}


@pytest.mark.parametrize(
    ("content", "pointer"),
    [
        (b"{}", "/results"),
        (b'{"reportFormat": "k3y"}', "/reportFormat"),
        (b'{"results": {}}', "/results/tests"),
        (report_of(case_of("k3y")), "/results/tests/0/status"),
        (report_of({"name": "a"}), "/results/tests/0/status"),
        (report_of(case_of(flaky="k3y")), "/results/tests/0/flaky"),
    ],
)
def test_what_decides_a_verdict_is_read_strictly_and_never_repeated(
    content: bytes, pointer: str
) -> None:
    assert_refused_at(translate, content, pointer)


def test_tests_over_the_limit_are_refused_by_their_number() -> None:
    error = refusal_of(translate, report_of(*[case_of()] * (MAX_EVALUATIONS + 1)))
    assert (error.limit, error.actual) == (MAX_EVALUATIONS, MAX_EVALUATIONS + 1)
