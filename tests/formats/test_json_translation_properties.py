"""Whatever JSON comes, well formed for its tool or not: a report within the contract, or an error.

Each format is given trees of its own words, and results that decide properly while every other
member of them is anything at all.
"""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from formats.document import QcDocument
from formats.errors import TranslationError
from formats.registry import FORMATS, detect
from tests.formats.expectations import (
    assert_within_contract,
    evaluations_of,
    outcomes_of,
    summary_of,
)

Json = dict[str, Any]

# A busy machine is no failure of a translator.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
_WORDS = {
    "lighthouse": (
        "lighthouseVersion audits categories auditRefs id weight score scoreDisplayMode numeric "
        "binary error manual title displayValue errorMessage explanation runtimeError code message "
        "runWarnings finalUrl https://a/b?c numericValue largest-contentful-paint performance seo"
    ),
    "great_expectations": (
        "results expectations run_results validation_results validation_result success meta "
        "statistics expectation_config type expectation_type kwargs column column_list column_A "
        "severity critical result element_count unexpected_count observed_value exception_info "
        "raised_exception exception_traceback active_batch_definition data_asset_name suite_name"
    ),
    "dbt": (
        "metadata dbt_schema_version dbt_version results args which compile elapsed_time status "
        "success pass fail skipped unique_id model.a.b test.a.b message failures vars"
    ),
    "cyclonedx": (
        "bomFormat CycloneDX specVersion 1.6 vulnerabilities id analysis state exploitable detail "
        "justification affects ref versions version range status ratings severity score method "
        "components services bom-ref name group metadata component tools serialNumber"
    ),
    "ctrf": (
        "reportFormat CTRF results tool name version summary tests status passed failed flaky "
        "retries retryAttempts suite filePath message trace rawStatus duration skipped insights"
    ),
}
# What a tree must hold to be looked into at all.
_ROOTS: dict[str, Json] = {
    "lighthouse": {"lighthouseVersion": "13.0.0", "categories": {}, "audits": {}},
    "great_expectations": {"results": []},
    "dbt": {"metadata": {"dbt_schema_version": "/dbt/run-results/v6.json"}, "results": []},
    "cyclonedx": {"bomFormat": "CycloneDX", "specVersion": "1.6"},
    "ctrf": {"results": {"tests": []}},
}
_integer = st.integers(-(2**64), 2**64)
# JSON as the reader of all formats takes it: what it refuses has tests of its own.
_text = st.text(st.characters(min_codepoint=1, exclude_categories=["Cs"]))
_number = _integer | st.floats(allow_nan=False, allow_infinity=False)
_scalar = st.one_of(st.none(), st.booleans(), _number, _text)


def _tree(word: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return st.recursive(
        _scalar | word,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4), st.dictionaries(word | _text, inner, max_size=6)
        ),
        max_leaves=8,
    )


_any_word = st.sampled_from(sorted({word for words in _WORDS.values() for word in words.split()}))
_leaf = _scalar | _any_word
# Flat beside the trees above: several stand in each result of each list.
_anything = st.one_of(
    _leaf, st.lists(_leaf, max_size=3), st.dictionaries(_any_word | _text, _leaf, max_size=3)
)


def _translated_or_refused(name: str, root: Json) -> QcDocument | None:
    """Return the document, or None for a refusal; any other error fails the test."""
    content = json.dumps(root).encode()
    detect(content)
    try:
        report = FORMATS[name].translate(content)
    except TranslationError:
        return None
    assert_within_contract(report)
    return report


@pytest.mark.parametrize("name", _WORDS)
@settings(_PATIENT, max_examples=50)
@given(st.data())
def test_trees_of_a_formats_words_are_translated_or_refused(name: str, data: st.DataObject) -> None:
    word = st.sampled_from(_WORDS[name].split())
    tree = data.draw(st.dictionaries(word | _text, _tree(word), max_size=6))
    _translated_or_refused(name, tree)
    _translated_or_refused(name, _ROOTS[name] | tree)
    _translated_or_refused(name, tree | _ROOTS[name])


def _with(deciding: Json, *others: str) -> st.SearchStrategy[Json]:
    """An object of given deciding members, any of its other members anything at all."""
    return st.fixed_dictionaries(
        {key: st.sampled_from(values) for key, values in deciding.items()},
        optional=dict.fromkeys(others, _anything),
    )


_audit = _with(
    {
        "score": [None, 0, 0.3, 0.5, 0.89, 0.9, 1],
        "scoreDisplayMode": ["numeric", "binary", "informative", "notApplicable", "error"],
    },
    "title",
    "displayValue",
    "errorMessage",
    "details",
    "numericValue",
)
_category = st.fixed_dictionaries(
    {
        "score": st.sampled_from([None, 0, 0.4, 0.5, 0.8, 0.9, 1]),
        "auditRefs": st.lists(
            st.fixed_dictionaries(
                {"id": st.sampled_from("abcd"), "weight": st.sampled_from([0, 1, None, "1"])}
            ),
            max_size=5,
        ),
    },
    optional={"title": _anything},
)


@_PATIENT
@given(
    st.dictionaries(st.sampled_from("abcd"), _audit),
    st.dictionaries(_text, _category, max_size=4),
    _anything,
)
def test_lighthouse_check_is_what_its_category_scored(
    audits: Json, categories: Json, anything: Any
) -> None:
    root = {"lighthouseVersion": "13.0.0", "audits": audits, "categories": categories}
    report = _translated_or_refused("lighthouse", {"runWarnings": anything, **root})
    assert report is not None
    for name, category in categories.items():
        score, status = category["score"], report["status"][name or "(unnamed category)"]
        if score is None:
            assert status in ("na", "pass", "warn")
        else:
            assert status == ("pass" if score >= 0.9 else "warn" if score >= 0.5 else "fail")


_expectation = st.fixed_dictionaries(
    {"success": st.booleans()},
    optional={
        "result": _anything,
        "meta": _anything,
        "exception_info": st.just({"raised_exception": True, "exception_message": "row value"}),
        "expectation_config": st.fixed_dictionaries(
            {"type": _text}, optional={"kwargs": _anything, "meta": _anything}
        ),
    },
)


@_PATIENT
@given(st.lists(st.lists(_expectation, max_size=4), max_size=3), st.booleans())
def test_each_expectation_becomes_one_evaluation_and_failures_alone_block(
    validations: list[list[Json]], wrapped: bool
) -> None:
    held = {
        str(number): {"validation_result": {"results": results}}
        if wrapped
        else {"results": results}
        for number, results in enumerate(validations)
    }
    report = _translated_or_refused("great_expectations", {"run_results": held})
    assert report is not None
    results = [result for found in validations for result in found]
    failed = [r for r in results if not r["success"] or "exception_info" in r]
    assert Counter(outcomes_of(report)) == Counter(
        {"block/block": len(failed), "pass/info": len(results) - len(failed)}
    )
    assert summary_of(report)["unsuccessful"] == len(failed)
    assert "row value" not in json.dumps(report)


@_PATIENT
@given(
    st.text(alphabet=st.characters(categories=["L"]), min_size=12).map(lambda text: f"§{text}§"),
    st.sampled_from(["observed_value", "partial_unexpected_list", "details", "unexpected_rows"]),
    st.lists(st.sampled_from(["list", "value", "counts"]), max_size=4),
)
def test_no_value_below_a_result_of_great_expectations_reaches_the_report(
    value: str, member: str, nesting: list[str]
) -> None:
    held: Any = value
    for each in nesting:
        held = [held] if each == "list" else {each: held}
    result = {"success": False, "result": {member: held, value: held}}
    report = _translated_or_refused("great_expectations", {"results": [result]})
    assert report is not None
    assert value not in json.dumps(report, ensure_ascii=False)


_DBT_STATUSES = ["success", "pass", "warn", "fail", "error", "skipped", "no-op", "reused"]
_node = st.fixed_dictionaries(
    {
        "status": st.sampled_from(_DBT_STATUSES),
        "unique_id": st.sampled_from(["model.a.b", "test.a.b.0123456789", "seed.a.c", ""]),
    },
    optional={"message": _anything, "failures": _anything, "timing": _anything},
)


@_PATIENT
@given(
    st.lists(_node, max_size=8),
    st.sampled_from(["build", "test", "generate", "compile"]),
    _anything,
)
def test_every_dbt_node_is_a_check_and_counted_once(
    nodes: list[Json], which: str, anything: Any
) -> None:
    root = {**_ROOTS["dbt"], "results": nodes, "args": {"which": which, "vars": anything}}
    report = _translated_or_refused("dbt", root)
    assert report is not None
    counted = {key: n for key, n in summary_of(report).items() if key != "elapsed"}
    assert sum(counted.values()) == len(nodes)
    verdicts = Counter(item["verdict"] for item in evaluations_of(report))
    assert verdicts["block"] == sum(node["status"] in ("fail", "error") for node in nodes)
    assert verdicts["warn"] == sum(node["status"] == "warn" for node in nodes)
    if which in ("generate", "compile"):
        assert verdicts["pass"] == 0


_STATES = ["exploitable", "in_triage", "resolved", "false_positive", "not_affected", None]
_vulnerability = st.fixed_dictionaries(
    {"analysis": _with({"state": _STATES}, "detail", "justification", "response")},
    optional={
        "id": _anything,
        "affects": _anything | st.lists(st.fixed_dictionaries({"ref": _text})),
        "ratings": _anything,
        "description": _anything,
    },
)


@_PATIENT
@given(st.lists(_vulnerability, max_size=6), _anything, _anything)
def test_every_vulnerability_is_judged_by_its_state(
    vulnerabilities: list[Json], components: Any, metadata: Any
) -> None:
    root = {**_ROOTS["cyclonedx"], "vulnerabilities": vulnerabilities}
    report = _translated_or_refused(
        "cyclonedx", {"components": components, "metadata": metadata, **root}
    )
    assert report is not None
    worst = [vulnerability["analysis"]["state"] for vulnerability in vulnerabilities]
    verdicts = {item["verdict"] for item in evaluations_of(report)}
    assert ("block" in verdicts) == ("exploitable" in worst)
    assert ("warn" in verdicts) == ("in_triage" in worst or None in worst)
    assert len(evaluations_of(report)) >= len(vulnerabilities)


_case = st.fixed_dictionaries(
    {"status": st.sampled_from(["passed", "failed", "skipped", "pending", "other"])},
    optional={
        "name": _anything,
        "suite": _anything | st.lists(_text),
        "flaky": st.booleans() | st.none(),
        "retries": _anything,
        "retryAttempts": _anything,
        "message": _anything,
        "trace": _anything,
        "filePath": _anything,
    },
)


@_PATIENT
@given(st.lists(_case, max_size=8), _anything)
def test_every_ctrf_test_is_counted_once_by_its_status(cases: list[Json], summary: Any) -> None:
    report = _translated_or_refused("ctrf", {"results": {"tests": cases, "summary": summary}})
    assert report is not None
    assert len(evaluations_of(report)) == summary_of(report)["tests"] == len(cases)
    for status, count in Counter(case["status"] for case in cases).items():
        assert summary_of(report)[status] == count
    failed = sum(case["status"] == "failed" for case in cases)
    assert outcomes_of(report).count("block/block") == failed
