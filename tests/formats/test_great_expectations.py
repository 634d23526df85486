"""The traps of Great Expectations: rows' values, exceptions, and the shapes of its versions."""

import json
from typing import Any

import pytest

from formats.document import MAX_EVALUATIONS, QcDocument
from formats.great_expectations import translate
from tests.formats.expectations import evaluations_of, outcomes_of, summary_of
from tests.formats.translating import assert_refused_at, refusal_of, translated_as

Json = dict[str, Any]
SECRET = "Jane Doe, 1970-01-01"


def expectation_of(success: object = True, **members: object) -> Json:
    kwargs = {"column": "name"}
    configuration = {"type": "expect_column_values_to_not_be_null", "kwargs": kwargs}
    return {"success": success, "expectation_config": configuration, **members}


def validation_of(*results: Json, **members: object) -> Json:
    asset = {"data_asset_name": "people"}
    meta = {"great_expectations_version": "1.5.0", "active_batch_definition": asset}
    return {
        "success": all(r["success"] for r in results),
        "results": list(results),
        "meta": meta,
    } | members


def translated(root: Json) -> QcDocument:
    return translated_as("great_expectations", json.dumps(root).encode())


def outcome(result: Json) -> str:
    [found] = outcomes_of(translated(validation_of(result)))
    return found


def test_no_value_of_a_row_reaches_the_report_wherever_it_stands() -> None:
    traceback = f'Traceback (most recent call last):\n  File "a.py", line 1\nValueError: {SECRET}\n'
    held = {
        "partial_unexpected_list": [SECRET],
        "partial_unexpected_counts": [{"value": SECRET, "count": 1}],
        "partial_unexpected_index_list": [{"name": SECRET, "pk": SECRET}],
        "unexpected_list": [SECRET],
        "unexpected_index_list": [{"name": SECRET}],
        "unexpected_index_query": f"SELECT '{SECRET}'",
        "observed_value": SECRET,
        "details": {"observed": {SECRET: 1}},
    }
    raised = {
        "raised_exception": True,
        "exception_message": SECRET,
        "exception_traceback": traceback,
    }
    failed = expectation_of(False, result=held, exception_info={"raised_exception": False})
    failed["expectation_config"]["kwargs"]["value_set"] = [SECRET]
    failed["expectation_config"]["meta"] = {"notes": SECRET}
    report = translated(
        validation_of(failed, expectation_of(False, result=held, exception_info=raised))
    )
    assert SECRET not in json.dumps(report)
    assert report["raw"] == {}
    assert [item["message"] for item in evaluations_of(report)] == ["failed", "raised ValueError"]


def test_number_observed_is_told_only_where_it_is_a_count() -> None:
    def message_of(kind: str) -> str:
        result = expectation_of(True, result={"observed_value": 1970})
        result["expectation_config"] = {"type": kind, "kwargs": {}}
        return evaluations_of(translated(validation_of(result)))[0]["message"]

    assert message_of("expect_table_row_count_to_be_between") == "passed: counted 1970"
    assert message_of("expect_column_max_to_be_between") == "passed"


@pytest.mark.parametrize(
    ("traceback", "expected"),
    [
        (None, "raised an exception"),
        (f"Traceback (most recent call last):\n{SECRET}Error: x\n", "raised an exception"),
        (f'Traceback (most recent call last):\n  File "a"\nx: {SECRET}', "raised an exception"),
        (
            f'Traceback (most recent call last):\n  File "a"\n    go()\na.b.DataError: {SECRET}\n'
            f"{SECRET.split(',')[0].replace(' ', '')}Error: x",
            "raised a.b.DataError",
        ),
        ('Traceback (most recent call last):\n  File "a"\nKeyError', "raised KeyError"),
        ("  Traceback (most recent call last):\n" * 200_000, "raised an exception"),
    ],
)
def test_class_of_an_exception_is_told_and_nothing_of_its_text(
    traceback: str | None, expected: str
) -> None:
    info = {"raised_exception": True, "exception_traceback": traceback}
    report = translated(validation_of(expectation_of(False, exception_info=info)))
    assert evaluations_of(report)[0]["message"] == expected


def test_exception_blocks_whatever_success_and_severity_say() -> None:
    raised = {"raised_exception": True}
    result = expectation_of(True, exception_info=raised)
    result["expectation_config"]["severity"] = "info"
    assert outcome(result) == "block/block"
    assert outcome(expectation_of(None, exception_info=raised)) == "block/block"
    by_metric = {"('column.max', 'a1', ())": raised}
    assert outcome(expectation_of(False, exception_info=by_metric)) == "block/block"


@pytest.mark.parametrize(
    ("severity", "expected"),
    [
        (None, "block/block"),
        ("critical", "block/block"),
        ("warning", "warn/warn"),
        ("info", "pass/info"),
    ],
)
def test_failure_blocks_unless_it_states_a_lower_severity(
    severity: str | None, expected: str
) -> None:
    result = expectation_of(False)
    result["expectation_config"]["severity"] = severity
    assert outcome(result) == expected
    assert summary_of(translated(validation_of(result)))["unsuccessful"] == 1


def test_expectation_on_several_columns_or_none_is_one_on_the_table() -> None:
    pair = expectation_of()
    pair["expectation_config"]["kwargs"] = {"column_A": "a", "column_B": "b"}
    many = expectation_of()
    many["expectation_config"]["kwargs"] = {"column_list": ["a", "b", "c"]}
    table = expectation_of()
    table["expectation_config"]["kwargs"] = {"column": {"$PARAMETER": "x"}}
    report = translated(validation_of(pair, many, table))
    assert report["status"] == {"people": "pass"}
    kind = "expect_column_values_to_not_be_null"
    assert [item["rule_id"] for item in evaluations_of(report)] == [
        f"{kind}::a, b",
        f"{kind}::a, b, c",
        kind,
    ]


def test_result_of_0_x_names_its_type_and_asset_elsewhere() -> None:
    result = expectation_of(False)
    result["expectation_config"] = {"expectation_type": "expect_table_columns_to_match_set"}
    meta = {"great_expectations_version": "0.15.50", "data_asset_name": "orders"}
    report = translated(validation_of(result, meta=meta))
    assert report["status"] == {"orders": "fail"}
    assert report["source"] == {"tool": "great_expectations", "version": "0.15.50"}


def _checkpoint(kind: str, *validations: Json) -> Json:
    if kind == "0.x":
        held = {str(n): {"validation_result": v} for n, v in enumerate(validations)}
        return {"run_id": {}, "run_results": held, "success": False}
    if kind == "1.x":
        return {"run_results": {str(n): v for n, v in enumerate(validations)}, "success": False}
    described = [
        {
            "success": validation["success"],
            "expectations": [
                {
                    "expectation_type": result["expectation_config"]["type"],
                    "success": result["success"],
                    "kwargs": result["expectation_config"]["kwargs"],
                }
                for result in validation["results"]
            ],
        }
        for validation in validations
    ]
    return {"success": False, "statistics": {}, "validation_results": described}


@pytest.mark.parametrize(
    ("kind", "tables"),
    [
        ("0.x", ("people", "orders")),
        ("1.x", ("people", "orders")),
        ("1.x described", ("(table)", "(table 2)")),
    ],
)
def test_checkpoint_keeps_the_same_column_of_two_tables_apart(
    kind: str, tables: tuple[str, str]
) -> None:
    meta = {"great_expectations_version": "1.0.0", "data_asset_name": "orders"}
    first = validation_of(expectation_of(False))
    second = validation_of(expectation_of(), meta=meta)
    report = translated(_checkpoint(kind, first, second))
    assert report["status"] == {f"{tables[0]} / name": "fail", f"{tables[1]} / name": "pass"}
    assert summary_of(report)["success_percent"] == 50


def test_validation_that_evaluated_nothing_is_not_applicable() -> None:
    report = translated(validation_of())
    assert report["status"] == {"people": "na"}
    assert report["notes"] == ["1 validation evaluated no expectations."]
    assert "success_percent" not in summary_of(report)


def test_validation_that_failed_without_saying_why_blocks() -> None:
    report = translated(validation_of(expectation_of(), success=False))
    assert report["status"] == {"name": "pass", "people": "fail"}
    assert evaluations_of(report)[-1]["rule_id"] == "(suite)"


@pytest.mark.parametrize(
    ("root", "pointer"),
    [
        ({}, "/results"),
        ({"results": [1]}, "/results/0"),
        ({"run_results": []}, "/run_results"),
        ({"run_results": {"k3y": 1}}, "/run_results"),
        ({"run_results": {"k3y": {"results": [{"success": 1}]}}}, "/run_results"),
        ({"run_results": {"k3y": {"results": {}}}}, "/run_results"),
        ({"validation_results": {}}, "/validation_results"),
        ({"validation_results": [{"results": [1]}]}, "/validation_results/0/results/0"),
        ({"results": [{"success": "k3y"}]}, "/results/0/success"),
        ({"results": [expectation_of(None)]}, "/results/0/success"),
        ({"results": [{"success": True, "severity": "k3y"}]}, "/results/0/severity"),
    ],
)
def test_what_decides_a_verdict_is_read_strictly_and_never_repeated(
    root: Json, pointer: str
) -> None:
    assert_refused_at(translate, json.dumps(root).encode(), pointer)


def test_results_over_the_limit_are_counted_over_all_validations() -> None:
    half = [{"success": True}] * (MAX_EVALUATIONS // 2 + 1)
    root = {"run_results": {"a": {"results": half}, "b": {"results": half}}}
    error = refusal_of(translate, json.dumps(root).encode())
    assert (error.limit, error.actual) == (MAX_EVALUATIONS, MAX_EVALUATIONS + 2)
