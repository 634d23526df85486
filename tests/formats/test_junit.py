"""The traps of JUnit XML: dialects, nesting, flaky tests, and totals that lie."""

import pytest

from formats.document import MAX_CHECKS, MAX_EVALUATIONS, QcDocument
from formats.errors import TranslationError
from formats.junit import translate
from formats.registry import detect
from formats.shortening import shorten_identifier
from tests.formats.expectations import (
    assert_within_contract,
    evaluations_of,
    outcomes_of,
    summary_of,
)
from tests.formats.translating import refusal_of


def translated(xml: str) -> QcDocument:
    report = translate(xml.encode())
    assert_within_contract(report)
    return report


def case_of(children: str = "", attributes: str = "") -> QcDocument:
    """Translate one case `C::n` in suite `s`."""
    case = f'<testcase classname="C" name="n" {attributes}>{children}</testcase>'
    return translated(f'<testsuite name="s">{case}</testsuite>')


def refusal(xml: str) -> TranslationError:
    return refusal_of(translate, xml.encode())


def counts_of(report: QcDocument) -> dict[str, float]:
    return {key: count for key, count in summary_of(report).items() if count}


@pytest.mark.parametrize(
    ("children", "expected", "counted"),
    [
        ("", "pass/info", {}),
        ("<failure/>", "block/block", {"failures": 1}),
        ("<error/>", "block/block", {"errors": 1}),
        ("<skipped/>", "pass/info", {"skipped": 1}),
        ("<failure/><failure/>", "block/block", {"failures": 1}),
        ("<failure/><error/>", "block/block", {"failures": 1}),
        ("<skipped/><failure/>", "block/block", {"failures": 1}),
        ("<skipped/><error/>", "block/block", {"errors": 1}),
        ("<flakyFailure/>", "warn/warn", {"flaky": 1}),
        ("<flakyError/>", "warn/warn", {"flaky": 1}),
        ("<rerunFailure/>", "warn/warn", {"flaky": 1}),
        ("<rerunError/>", "warn/warn", {"flaky": 1}),
        ("<failure/><rerunFailure/>", "block/block", {"failures": 1}),
        ("<error/><rerunError/>", "block/block", {"errors": 1}),
        ("<flakyFailure/><skipped/>", "warn/warn", {"flaky": 1}),
        ("<properties><property name='a'/></properties>", "pass/info", {}),
        ("<wrapper><failure/></wrapper>", "block/block", {"failures": 1}),
    ],
)
def test_children_of_a_case_decide_its_verdict_and_count_it_once(
    children: str, expected: str, counted: dict[str, float]
) -> None:
    report = case_of(children)
    assert outcomes_of(report) == [expected]
    assert counts_of(report) == {"tests": 1, **counted}


@pytest.mark.parametrize(
    ("attributes", "expected", "counted"),
    [
        ('status="run" result="completed"', "pass/info", {}),
        ('status="notrun" result="suppressed"', "pass/info", {"skipped": 1}),
        ('status="run" result="skipped"', "pass/info", {"skipped": 1}),
        ('status="Disabled"', "pass/info", {"skipped": 1}),
        ('status="fail"', "block/block", {"failures": 1}),
        ('status="FAILED"', "block/block", {"failures": 1}),
    ],
)
def test_dialects_that_tell_the_outcome_in_attributes_are_understood(
    attributes: str, expected: str, counted: dict[str, float]
) -> None:
    report = case_of(attributes=attributes)
    assert outcomes_of(report) == [expected]
    assert counts_of(report) == {"tests": 1, **counted}


def test_elements_outrank_status_attributes() -> None:
    assert outcomes_of(case_of("<failure/>", 'status="notrun"')) == ["block/block"]


@pytest.mark.parametrize(
    ("children", "expected"),
    [
        ("", "passed"),
        ("<failure/>", "failure"),
        ("<error type='T'/>", "T"),
        ("<failure message='m'/>", "m"),
        ("<failure type='T' message='m'/>", "T: m"),
        ("<failure type='T' message='T: m'/>", "T: m"),
        ("<failure type='T' message='m'> body </failure>", "T: m\nbody"),
        ("<failure type='T' message='m'>T: m\n at x</failure>", "T: m\n at x"),
        ("<failure type='T' message='m'>m\n at x</failure>", "T\nm\n at x"),
        ("<failure><![CDATA[1 < 2 && ]]>more</failure>", "1 < 2 && more"),
        ("<failure>a</failure><error>b</error>", "a\n\nb"),
        ("<failure>a</failure><rerunFailure message='b'/>", "a\n\nb"),
        (
            "<rerunFailure message='b'><stackTrace>at x</stackTrace>"
            "<system-out>secret</system-out></rerunFailure>",
            "flaky: passed after 1 failed attempt\n\nb\nat x",
        ),
        ("<skipped/>", "skipped"),
        ("<skipped message='later'/>", "skipped: later"),
        ("<skipped type='xfail' message=''/>", "skipped: xfail"),
        ("<system-out>secret</system-out><system-err>secret</system-err>", "passed"),
    ],
)
def test_message_tells_type_message_and_text_once_each(children: str, expected: str) -> None:
    assert evaluations_of(case_of(children))[0]["message"] == expected


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ('classname="a.B" name="c"', "a.B::c"),
        ('classname="" name="c"', "c"),
        ('name="c"', "c"),
        ('classname="a.B" name=""', "a.B::(unnamed test)"),
        ("", "(unnamed test)"),
    ],
)
def test_rule_id_is_made_of_class_and_name(attributes: str, expected: str) -> None:
    report = translated(f'<testsuite name="s"><testcase {attributes}/></testsuite>')
    assert evaluations_of(report)[0]["rule_id"] == expected


def test_cases_of_the_same_name_stay_separate_evaluations() -> None:
    report = translated(
        '<testsuite name="s"><testcase name="a"/><testcase name="a"><error/></testcase></testsuite>'
    )
    assert [item["rule_id"] for item in evaluations_of(report)] == ["a", "a"]
    assert report["status"] == {"s": "fail"}


def test_targets_of_nested_suites_are_their_names_joined() -> None:
    report = translated(
        '<testsuites name="all"><testcase name="0"/><testsuite name="a"><testcase name="1"/>'
        '<testsuite name="b"><testcase name="2"><flakyError/></testcase></testsuite>'
        '<testcase name="3"/></testsuite><testsuite><testcase name="4"/></testsuite></testsuites>'
    )
    assert [(item["target"], item["rule_id"]) for item in evaluations_of(report)] == [
        ("all", "0"),
        ("a", "1"),
        ("a / b", "2"),
        ("a", "3"),
        ("(unnamed suite)", "4"),
    ]
    assert report["status"] == {
        "all": "pass",
        "a": "pass",
        "a / b": "warn",
        "(unnamed suite)": "pass",
    }
    assert summary_of(report)["tests"] == 5


def test_testsuites_below_the_root_is_a_suite_like_others() -> None:
    report = translated(
        '<testsuites><testsuites name="a"><testsuite name="b"><testcase/></testsuite></testsuites>'
        "</testsuites>"
    )
    assert report["status"] == {"a / b": "pass"}


def test_totals_are_counted_and_a_suite_that_states_others_is_noted() -> None:
    report = translated(
        '<testsuites tests="2"><testsuite name="a" tests="1" failures="0" errors="0">'
        '<testcase name="1"><failure/></testcase></testsuite>'
        '<testsuite name="b" tests=" 1 " failures="x"><testcase name="2"/></testsuite></testsuites>'
    )
    assert counts_of(report) == {"tests": 2, "failures": 1}
    assert report["notes"] == [
        "1 suite states other totals than its tests add up to; the tests were counted."
    ]


def test_failure_of_a_suite_outside_of_any_case_blocks() -> None:
    report = translated('<testsuite name="s"><error message="set-up"/></testsuite>')
    assert evaluations_of(report) == [
        {
            "rule_id": "(suite)",
            "target": "s",
            "verdict": "block",
            "severity": "block",
            "message": "set-up",
        }
    ]
    assert counts_of(report) == {"errors": 1}


@pytest.mark.parametrize(
    ("xml", "status"),
    [
        ("<testsuites/>", {"junit": "na"}),
        ('<testsuites name="all"/>', {"all": "na"}),
        ('<testsuite name="s"/>', {"s": "na"}),
        ('<testsuites><testsuite name="s"/></testsuites>', {"s": "na"}),
        (
            '<testsuites><testsuite name="s"/><testsuite name="s"><testcase/></testsuite>'
            "</testsuites>",
            {"s": "pass"},
        ),
        ('<testsuite name="a"><testsuite name="b"/></testsuite>', {"a / b": "na"}),
    ],
)
def test_suite_in_which_nothing_ran_is_not_applicable(xml: str, status: dict[str, str]) -> None:
    report = translated(xml)
    assert report["status"] == status
    assert "1 suite holds no tests." in report["notes"]


def test_suite_all_of_whose_tests_were_skipped_is_noted() -> None:
    report = translated(
        '<testsuites><testsuite name="s"><testcase><skipped/></testcase></testsuite></testsuites>'
    )
    assert report["status"] == {"s": "pass"}
    assert report["notes"] == [
        "1 test was skipped.",
        "1 suite ran nothing: all its tests were skipped.",
    ]


@pytest.mark.parametrize(
    ("stated", "seconds"),
    [
        ("0.5", 0.5),
        ("1", 1),
        ("1.", 1),
        (" 2.25 ", 2.25),
        ("1.2E-4", 0.00012),
        ("1,234.567", 1234.567),
        ("1,234,567.5", 1234567.5),
        ("10000000", 10_000_000),
        ("1,234", 1234),
        ("0,5", 0.5),
        ("0,0421", 0.0421),
        ("", 0),
    ],
)
def test_times_of_any_locale_are_summed(stated: str, seconds: float) -> None:
    report = case_of(attributes=f'time="{stated}"')
    assert summary_of(report)["time"] == pytest.approx(seconds)
    assert report["notes"] == []


@pytest.mark.parametrize(
    "stated", ["NaN", "inf", "-1", "1e99", "9" * 5_000, "10000000.1", "soon", "\u0661", "1_0"]
)
def test_unreadable_time_is_left_out_of_the_sum_and_noted(stated: str) -> None:
    report = case_of(attributes=f'time="{stated}"')
    assert summary_of(report)["time"] == 0
    assert report["notes"] == ["1 test has a time that can't be read and isn't in the sum."]


def test_time_is_summed_over_cases_and_not_taken_from_suites() -> None:
    report = translated(
        '<testsuite time="99"><testcase time="0.1"/><testcase time="0.2"/></testsuite>'
    )
    assert summary_of(report)["time"] == 0.3


def test_namespace_of_the_elements_does_not_matter() -> None:
    report = translated(
        '<testsuites xmlns="urn:x"><testsuite name="s"><testcase/></testsuite></testsuites>'
    )
    assert summary_of(report)["tests"] == 1


def test_output_of_a_suite_is_not_kept() -> None:
    report = translated(
        '<testsuite name="s"><system-out>secret</system-out><testcase/></testsuite>'
    )
    assert "secret" not in str(report)


@pytest.mark.parametrize("xml", ["<html/>", "<testcase/>", "<assemblies><testsuite/></assemblies>"])
def test_document_with_another_root_is_refused(xml: str) -> None:
    assert "testsuites" in refusal(xml).detail
    assert detect(xml.encode()) is None


def test_document_is_recognised_by_its_root() -> None:
    assert detect(b"<testsuites/>") == "junit"
    assert detect(b'<?xml version="1.0"?>\n<!-- made by a tool --><testsuite') is None
    assert detect(b'<?xml version="1.0"?>\n<!-- made by a tool --><testsuite>') == "junit"


def test_cases_over_the_limit_are_refused_by_their_number() -> None:
    def suite_of(count: int) -> str:
        return '<testsuite name="s">' + "<testcase/>" * count + "</testsuite>"

    assert len(evaluations_of(translate(suite_of(MAX_EVALUATIONS).encode()))) == MAX_EVALUATIONS
    error = refusal(suite_of(MAX_EVALUATIONS + 5))
    assert (error.limit, error.actual) == (MAX_EVALUATIONS, MAX_EVALUATIONS + 5)


def test_suites_over_the_limit_of_checks_are_refused_by_their_number() -> None:
    def suites_of(count: int) -> str:
        suites = (f'<testsuite name="{n}"/>' for n in range(count))
        return f"<testsuites>{''.join(suites)}</testsuites>"

    assert len(translated(suites_of(MAX_CHECKS))["status"]) == MAX_CHECKS
    error = refusal(suites_of(MAX_CHECKS + 1))
    assert (error.limit, error.actual) == (MAX_CHECKS, MAX_CHECKS + 1)


def test_long_names_of_nested_suites_stay_bounded_and_different() -> None:
    long_name = "n" * 300
    inner = "".join(f'<testsuite name="{long_name}{n}"><testcase/></testsuite>' for n in "12")
    report = translated(f'<testsuite name="{long_name}">{inner}</testsuite>')
    assert len(report["status"]) == 2
    assert all(len(check) == 256 for check in report["status"])
    outer = shorten_identifier(long_name, 256)
    assert shorten_identifier(f"{outer} / {long_name}1", 256) in report["status"]
