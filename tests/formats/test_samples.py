"""Reports of real tools, each against what a person reads in it."""

from collections import Counter

from formats.registry import FORMATS
from tests.formats.expectations import (
    assert_within_contract,
    evaluations_of,
    outcomes_of,
    sample,
    summary_of,
)


def test_shellcheck_scan_passes_with_27_notes() -> None:
    report = FORMATS["sarif"].translate(sample("sarif_shellcheck_real.sarif"))
    assert_within_contract(report)
    assert report["status"] == {"Shell Script Analysis": "pass"}
    assert Counter(outcomes_of(report)) == {"pass/info": 27}
    assert summary_of(report) == {
        "error": 0,
        "warning": 0,
        "note": 27,
        "none": 0,
        "suppressed": 0,
        "not_new": 0,
    }
    assert evaluations_of(report)[1] == {
        "rule_id": "2071",
        "target": "Shell Script Analysis",
        "verdict": "pass",
        "severity": "info",
        "message": (
            "file:///home/damien/dd/docker/dojo-data.bash:4: "
            "> is for string comparisons. Use -gt instead."
        ),
    }
    assert report["source"] == {"tool": "Shell Script Analysis", "version": "1.0.0-scan"}
    assert report["notes"] == []


def test_tutorial_of_suppressions_passes_only_results_all_of_whose_suppressions_hold() -> None:
    report = FORMATS["sarif"].translate(sample("sarif_suppressions.sarif"))
    assert_within_contract(report)
    passed = [n for n, outcome in enumerate(outcomes_of(report)) if outcome == "pass/info"]
    assert passed == [1, 2, 4]
    assert Counter(outcomes_of(report)) == {"warn/warn": 6, "pass/info": 3}
    assert report["status"] == {"SarifSamples": "warn"}
    assert summary_of(report)["warning"] == 9
    assert summary_of(report)["suppressed"] == 3
    assert report["notes"] == ["3 results are suppressed and pass."]
    assert evaluations_of(report)[1]["message"] == (
        "This result is hidden because it is suppressed in source. [suppressed]"
    )


def test_pytest_run_blocks_on_its_2_failures_and_counts_10_cases_where_15_are_stated() -> None:
    report = FORMATS["junit"].translate(sample("junit_pytest.xml"))
    assert_within_contract(report)
    assert report["status"] == {"pytest": "fail"}
    assert Counter(outcomes_of(report)) == {"pass/info": 8, "block/block": 2}
    assert summary_of(report) == {
        "tests": 10,
        "failures": 2,
        "errors": 0,
        "skipped": 2,
        "flaky": 0,
        "time": 0.007,
    }
    assert report["notes"] == [
        "2 tests were skipped.",
        "1 suite states other totals than its tests add up to; the tests were counted.",
    ]
    by_rule = {item["rule_id"]: item for item in evaluations_of(report)}
    assert by_rule["tests.test_lib::test_always_fail"] == {
        "rule_id": "tests.test_lib::test_always_fail",
        "target": "pytest",
        "verdict": "block",
        "severity": "block",
        "message": (
            "def test_always_fail():\n        > assert False\n        E assert False\n\n"
            "        tests/test_lib.py:25: AssertionError"
        ),
    }
    assert by_rule["tests.test_lib::test_expected_failure"]["message"] == "skipped: pytest.xfail"
    assert by_rule["custom_classname::test_with_record_xml_attribute"]["message"] == "passed"


def test_jest_run_of_4239_cases_blocks_in_the_2_suites_that_failed() -> None:
    report = FORMATS["junit"].translate(sample("junit_jest_large.xml"))
    assert_within_contract(report)
    assert Counter(outcomes_of(report)) == {"pass/info": 4237, "block/block": 2}
    failed = {check for check, status in report["status"].items() if status == "fail"}
    assert failed == {
        "e2e/__tests__/jestChangedFiles.test.ts",
        "e2e/__tests__/onlyChanged.test.ts",
    }
    assert len(report["status"]) == 400
    assert summary_of(report) == {
        "tests": 4239,
        "failures": 2,
        "errors": 0,
        "skipped": 30,
        "flaky": 0,
        "time": 592.588,
    }
    assert report["notes"] == ["30 tests were skipped."]
