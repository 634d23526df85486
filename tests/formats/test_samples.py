"""Reports of real tools, each against what a person reads in it."""

import json
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


def test_lighthouse_run_takes_each_check_from_its_categorys_score() -> None:
    report = FORMATS["lighthouse"].translate(sample("lighthouse_sample_v2.json"))
    assert_within_contract(report)
    assert report["status"] == {
        "performance": "fail",
        "accessibility": "warn",
        "best-practices": "fail",
        "seo": "warn",
        "agentic-browsing": "fail",
    }
    assert Counter(outcomes_of(report)) == {"pass/info": 126, "warn/warn": 25, "block/block": 17}
    assert summary_of(report) == {
        "performance": 32,
        "accessibility": 75,
        "best-practices": 31,
        "seo": 75,
        "agentic-browsing": 30,
        "lcp": 10884.681,
        "cls": 0.099576,
        "tbt": 1055.198,
    }
    assert report["source"] == {"tool": "lighthouse", "version": "13.4.1"}
    assert report["notes"] == [
        "Page: http://localhost:10200/dobetterweb/dbw_tester.html",
        "51 audits are not applicable.",
        "11 audits are to be checked by hand.",
    ]
    assert evaluations_of(report)[2] == {
        "rule_id": "largest-contentful-paint",
        "target": "performance",
        "verdict": "block",
        "severity": "block",
        "message": "Largest Contentful Paint: 10.9\xa0s [score 0]",
    }


def test_titanic_validation_blocks_on_9_expectations_and_names_no_passenger() -> None:
    content = sample("gx_validation_result_with_exception.json")
    report = FORMATS["great_expectations"].translate(content)
    assert_within_contract(report)
    assert report["status"] == {
        "my_datasource/my_generator/titanic_data": "pass",
        **dict.fromkeys(
            ("Unnamed: 0", "Name", "PClass", "Age", "Sex", "Survived", "SexCode"), "fail"
        ),
    }
    assert Counter(outcomes_of(report)) == {"pass/info": 42, "block/block": 9}
    assert summary_of(report) == {
        "evaluated": 51,
        "successful": 42,
        "unsuccessful": 9,
        "success_percent": 82.352941,
    }
    assert report["notes"] == [
        "1 expectation raised an exception.",
        "Values of rows, observed values and exceptions' texts are left out: "
        "see them where the validation ran.",
    ]
    messages = {item["rule_id"]: item["message"] for item in evaluations_of(report)}
    assert messages["expect_column_kl_divergence_to_be_less_than::Age"] == "raised ValueError"
    assert messages["expect_column_values_to_not_match_regex::Name"] == (
        "failed: 3 of 1313 values unexpected"
    )
    assert b"Astor, Colonel John Jacob" in content
    for value in ("Astor", "Miss", "female", "1st", "Invalid partition"):
        assert value not in json.dumps(report)


def test_jaffle_shop_build_blocks_on_the_model_that_failed() -> None:
    report = FORMATS["dbt"].translate(sample("dbt_run_results_v4.json"))
    assert_within_contract(report)
    assert Counter(outcomes_of(report)) == {"pass/info": 28, "block/block": 1}
    assert [check for check, status in report["status"].items() if status == "fail"] == [
        "test_insert_overwrite"
    ]
    assert len(report["status"]) == 29
    assert summary_of(report) == {
        "success": 8,
        "pass": 20,
        "warn": 0,
        "fail": 0,
        "error": 1,
        "skipped": 0,
        "compiled": 0,
        "elapsed": 16.181153,
    }
    assert report["source"] == {"tool": "dbt", "version": "1.0.0"}
    assert report["notes"] == []
    assert evaluations_of(report)[7] == {
        "rule_id": "test.jaffle_shop.unique_stg_customers_customer_id.c7614daada",
        "target": "unique_stg_customers_customer_id",
        "verdict": "pass",
        "severity": "info",
        "message": "pass",
    }


def test_vex_of_two_products_blocks_both_for_their_exploitable_versions() -> None:
    report = FORMATS["cyclonedx"].translate(sample("cyclonedx_vex_case7.json"))
    assert_within_contract(report)
    assert report["status"] == {"product-ABC": "fail", "product-JKL": "fail"}
    assert outcomes_of(report) == ["block/block"] * 2 + ["pass/info"] * 3
    assert summary_of(report) == {
        "exploitable": 2,
        "in_triage": 0,
        "resolved": 1,
        "resolved_with_pedigree": 0,
        "false_positive": 0,
        "not_affected": 2,
        "not_analysed": 0,
    }
    assert report["source"] == {"tool": "cyclonedx"}
    assert evaluations_of(report)[0] == {
        "rule_id": "CVE-2021-44228",
        "target": "product-ABC",
        "verdict": "block",
        "severity": "block",
        "message": (
            "exploitable; rated critical 10 (CVSSv31)\n"
            "Versions of Products ABC and JKL are affected by the vulnerability. "
            "Customers are advised to upgrade to the latest releases.\n"
            "affected: 2.4, 2.6, vers:generic/>=2.9|<=4.1"
        ),
    }


def test_ctrf_run_blocks_on_the_failed_test_and_warns_of_the_flaky_one() -> None:
    report = FORMATS["ctrf"].translate(sample("ctrf_comprehensive.json"))
    assert_within_contract(report)
    assert report["status"] == {
        "Authentication / Login": "pass",
        "Checkout": "warn",
        "Admin / Dashboard": "fail",
    }
    assert outcomes_of(report) == ["pass/info", "warn/warn", "block/block"]
    assert summary_of(report) == {
        "tests": 3,
        "passed": 2,
        "failed": 1,
        "skipped": 0,
        "pending": 0,
        "other": 0,
        "flaky": 1,
        "duration": 20000,
    }
    assert report["source"] == {"tool": "example-runner", "version": "3.5.0"}
    assert report["notes"] == ["1 test is flaky: it failed before it passed."]
    assert evaluations_of(report)[1]["message"] == (
        "flaky: passed after 1 failed attempt\n\n"
        "Error: Payment gateway timeout\n    at processPayment (payment.js:23:10)"
    )
