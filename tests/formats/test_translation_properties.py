"""Whatever comes in, a translator answers with a document within the contract or one error."""

import json
from collections import Counter
from xml.sax.saxutils import quoteattr

from hypothesis import given, settings
from hypothesis import strategies as st

from formats.document import QcDocument
from formats.errors import TranslationError
from formats.registry import FORMATS, detect
from tests.formats.expectations import (
    assert_within_contract,
    evaluations_of,
    outcomes_of,
    sample,
    summary_of,
)
from tests.formats.sarif_logs import Json, log_of, run_of

_SARIF_WORDS = (
    "version 2.1.0 runs tool driver extensions name rules id guid index defaultConfiguration level "
    "error warning note none results ruleId ruleIndex rule toolComponent message text markdown "
    "arguments messageStrings {0} locations physicalLocation artifactLocation uri region startLine "
    "kind fail pass review suppressions status accepted baselineState unchanged invocations "
    "executionSuccessful provenance invocationIndex ruleConfigurationOverrides descriptor "
    "configuration policies artifacts logicalLocations externalPropertyFileReferences"
)
_word = st.sampled_from(_SARIF_WORDS.split(" "))
_scalar = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 3), st.floats(allow_nan=False), st.text(), _word
)
_tree = st.recursive(
    _scalar,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(_word | st.text(), inner, max_size=6)
    ),
    max_leaves=25,
)
_LEVELS = [None, "error", "warning", "note", "none"]


def _result() -> st.SearchStrategy[Json]:
    """A result of well-formed deciding members, any of its other members anything at all."""
    return st.fixed_dictionaries(
        {},
        optional={
            "level": st.sampled_from(_LEVELS),
            "kind": st.sampled_from([None, "fail", "pass", "open", "review", "informational"]),
            "baselineState": st.sampled_from([None, "new", "unchanged", "absent"]),
            "suppressions": st.lists(
                st.sampled_from([{}, {"status": "accepted"}, {"status": "rejected"}]), max_size=2
            ),
            "ruleId": _tree,
            "ruleIndex": _tree,
            "rule": _tree,
            "message": _tree
            | st.fixed_dictionaries({"text": st.text(), "arguments": st.lists(st.text())}),
            "locations": _tree,
            "provenance": _tree,
        },
    )


def _run() -> st.SearchStrategy[Json]:
    driver = st.fixed_dictionaries(
        {"name": st.text("ab \n\x7f", min_size=1)}, optional={"rules": _tree}
    )
    tool = st.fixed_dictionaries({"driver": driver}, optional={"extensions": _tree})
    return st.fixed_dictionaries(
        {"tool": tool, "results": st.lists(_result(), max_size=5)},
        optional={"artifacts": _tree, "invocations": _tree, "logicalLocations": _tree},
    )


def _translated_or_refused(name: str, content: bytes) -> QcDocument | None:
    """Return the document, or None for a refusal; any other error fails the test."""
    try:
        report = FORMATS[name].translate(content)
    except TranslationError:
        return None
    assert_within_contract(report)
    return report


@given(st.binary(max_size=200) | st.text().map(str.encode))
def test_arbitrary_bytes_are_refused_and_never_crash(content: bytes) -> None:
    detect(content)
    for name in FORMATS:
        _translated_or_refused(name, content)


_DAMAGED = (
    ("sarif", "sarif_suppressions.sarif"),
    ("junit", "junit_pytest.xml"),
    ("dbt", "dbt_run_results_v4.json"),
    ("cyclonedx", "cyclonedx_vex_case7.json"),
    ("ctrf", "ctrf_comprehensive.json"),
)


@settings(deadline=None)
@given(st.data())
def test_damaged_samples_are_translated_or_refused(data: st.DataObject) -> None:
    for name, file in _DAMAGED:
        content = bytearray(sample(file))
        for _ in range(data.draw(st.integers(1, 3))):
            position = data.draw(st.integers(0, len(content) - 1))
            content[position : position + data.draw(st.integers(0, 20))] = data.draw(
                st.binary(max_size=3)
            )
        _translated_or_refused(name, bytes(content))


@given(st.dictionaries(_word | st.text(), _tree, max_size=6))
def test_trees_of_sarif_words_are_translated_or_refused(tree: Json) -> None:
    _translated_or_refused("sarif", json.dumps({"version": "2.1.0", **tree}).encode())


@settings(max_examples=200)
@given(st.lists(_run(), max_size=3))
def test_each_sarif_result_becomes_one_evaluation_and_one_counted_level(runs: list[Json]) -> None:
    report = _translated_or_refused("sarif", log_of(*runs))
    if report is None:
        return
    results = [result for run in runs for result in run["results"]]
    found = [
        item
        for item in evaluations_of(report)
        if item["rule_id"] != "invocation.executionSuccessful"
    ]
    assert len(found) == len(results)
    summary = summary_of(report)
    assert sum(summary[level] for level in ("error", "warning", "note", "none")) == len(results)


@given(st.lists(st.sampled_from(_LEVELS[1:])), st.booleans())
def test_sarif_verdicts_follow_from_levels_alone(levels: list[str], reverse: bool) -> None:
    ordered = sorted(levels, reverse=reverse)
    results = [{"level": level, "message": {"text": "text"}} for level in ordered]
    report = FORMATS["sarif"].translate(log_of(run_of(*results)))
    assert_within_contract(report)
    counted = Counter(outcomes_of(report))
    assert counted["block/block"] == levels.count("error")
    assert counted["warn/warn"] == levels.count("warning")
    assert counted["pass/info"] == levels.count("note") + levels.count("none")


_xml_text = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=20).map(
    lambda text: text.replace("\ufffe", "").replace("\uffff", "")
)
_attributes = st.dictionaries(
    st.sampled_from(["name", "classname", "tests", "failures", "time", "status", "result", "type"]),
    _xml_text | st.sampled_from(["1", "1,234.5", "failed", "notrun", "0.1"]),
    max_size=4,
)
_JUNIT_ELEMENTS = (
    "testsuites testsuite testcase failure error skipped flakyFailure flakyError rerunFailure "
    "properties system-out stackTrace other"
)
_element = st.sampled_from(_JUNIT_ELEMENTS.split(" "))


def _render(element: str, attributes: dict[str, str], children: list[str]) -> str:
    rendered = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<{element}{rendered}>{''.join(children)}</{element}>"


_xml_tree = st.recursive(
    st.builds(_render, _element, _attributes, st.just([])),
    lambda inner: st.builds(_render, _element, _attributes, st.lists(inner, max_size=4)),
    max_leaves=20,
)


@settings(max_examples=200)
@given(st.sampled_from(["testsuites", "testsuite"]), st.lists(_xml_tree, max_size=4))
def test_trees_of_junit_elements_count_every_case_once(root: str, children: list[str]) -> None:
    body = "".join(children)
    report = FORMATS["junit"].translate(f"<{root}>{body}</{root}>".encode())
    assert_within_contract(report)
    assert summary_of(report)["tests"] == body.count("<testcase")
    cases = [item for item in evaluations_of(report) if item["rule_id"] != "(suite)"]
    assert len(cases) == body.count("<testcase")


_outcome = st.sampled_from(["", "<failure/>", "<error/>", "<skipped/>", "<flakyFailure/>"])


@given(st.lists(st.lists(_outcome, min_size=1, max_size=6), max_size=6), st.integers(0, 99))
def test_recounted_totals_equal_the_cases_whatever_the_attributes_state(
    suites: list[list[str]], stated: int
) -> None:
    rendered = "".join(
        f'<testsuite name="{number}" tests="{stated}" failures="{stated}">'
        + "".join(f"<testcase>{outcome}</testcase>" for outcome in outcomes)
        + "</testsuite>"
        for number, outcomes in enumerate(suites)
    )
    report = FORMATS["junit"].translate(
        f'<testsuites errors="{stated}">{rendered}</testsuites>'.encode()
    )
    assert_within_contract(report)
    outcomes = [outcome for suite in suites for outcome in suite]
    assert summary_of(report) == {
        "tests": len(outcomes),
        "failures": outcomes.count("<failure/>"),
        "errors": outcomes.count("<error/>"),
        "skipped": outcomes.count("<skipped/>"),
        "flaky": outcomes.count("<flakyFailure/>"),
        "time": 0,
    }
    for number, suite in enumerate(suites):
        failed = "<failure/>" in suite or "<error/>" in suite
        warned = "<flakyFailure/>" in suite
        expected = "fail" if failed else "warn" if warned else "pass"
        assert report["status"][str(number)] == expected
