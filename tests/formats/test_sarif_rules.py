"""The traps of SARIF: how a result finds its rule, and its level when it states none."""

import pytest

from tests.formats.expectations import evaluations_of, outcomes_of
from tests.formats.sarif_logs import Json, log_of, outcome, refusal, result_of, run_of, translated


def test_missing_level_of_an_unlisted_rule_is_warning() -> None:
    assert outcome(result_of()) == "warn/warn"


@pytest.mark.parametrize("level", ["error", "note"])
def test_missing_level_is_the_default_of_the_rule_found_by_its_id(level: str) -> None:
    rules = [{"id": "R0"}, {"id": "R1", "defaultConfiguration": {"level": level}}]
    expected = {"error": "block/block", "note": "pass/info"}[level]
    assert outcome(result_of(), rules=rules) == expected


def test_stated_level_outranks_the_default_of_the_rule() -> None:
    rules = [{"id": "R1", "defaultConfiguration": {"level": "error"}}]
    assert outcome(result_of(level="note"), rules=rules) == "pass/info"


def test_default_configuration_without_level_is_warning() -> None:
    rules = [{"id": "R1", "defaultConfiguration": {"enabled": True}}]
    assert outcome(result_of(), rules=rules) == "warn/warn"


@pytest.mark.parametrize(
    "reference",
    [
        {"ruleIndex": 1},
        {"rule": {"index": 1}},
        {"rule": {"id": "R1"}},
        {"rule": {"guid": "00000000-0000-0000-0000-000000000001"}},
        {"ruleId": "R1", "ruleIndex": 1},
        {"ruleId": "R1", "ruleIndex": 0},
        {"ruleId": "R1", "ruleIndex": 99},
        {"ruleId": "R1", "ruleIndex": -1},
        {"ruleId": "R1", "ruleIndex": True},
    ],
)
def test_rule_is_found_however_the_result_refers_to_it(reference: Json) -> None:
    rules = [
        {"id": "R0", "defaultConfiguration": {"level": "note"}},
        {
            "id": "R1",
            "guid": "00000000-0000-0000-0000-000000000001",
            "defaultConfiguration": {"level": "error"},
        },
    ]
    report = translated(run_of({"message": {"text": "text"}, **reference}, rules=rules))
    [evaluation] = evaluations_of(report)
    assert evaluation["rule_id"] == "R1"
    assert evaluation["verdict"] == "block"


@pytest.mark.parametrize("index", [{}, {"ruleIndex": 0}])
def test_hierarchical_rule_id_takes_the_default_of_its_parent_and_keeps_its_own_name(
    index: Json,
) -> None:
    rules = [{"id": "CA1000", "defaultConfiguration": {"level": "error"}}]
    report = translated(run_of(result_of(**{"ruleId": "CA1000/1/a", **index}), rules=rules))
    [evaluation] = evaluations_of(report)
    assert evaluation["rule_id"] == "CA1000/1/a"
    assert evaluation["verdict"] == "block"


def test_rule_of_the_same_beginning_is_not_a_parent() -> None:
    rules = [{"id": "CA1000", "defaultConfiguration": {"level": "error"}}]
    assert outcome(result_of(ruleId="CA10001", ruleIndex=0), rules=rules) == "warn/warn"


@pytest.mark.parametrize("result", [{}, {"ruleIndex": True}, {"ruleIndex": 7}, {"ruleId": ""}])
def test_result_that_names_no_rule_takes_none(result: Json) -> None:
    rules: list[Json] = [{}, {"id": "R1"}]
    for rule in rules:
        rule["defaultConfiguration"] = {"level": "error"}
    report = translated(run_of({"message": {"text": "text"}, **result}, rules=rules))
    assert evaluations_of(report)[0]["rule_id"] == "(no rule id)"
    assert outcomes_of(report) == ["warn/warn"]


def test_rule_id_over_its_bound_is_not_searched_for_parents() -> None:
    rules = [{"id": "R1", "defaultConfiguration": {"level": "error"}}]
    assert outcome(result_of(ruleId="R1" + "/x" * 255), rules=rules) == "block/block"
    assert outcome(result_of(ruleId="R1" + "/x" * 256), rules=rules) == "warn/warn"


def test_rules_that_share_an_id_are_told_apart_by_index() -> None:
    rules = [{"id": "R1"}, {"id": "R1", "defaultConfiguration": {"level": "error"}}]
    assert outcome(result_of(ruleIndex=1), rules=rules) == "block/block"
    assert outcome(result_of(), rules=rules) == "warn/warn"


@pytest.mark.parametrize(
    "component", [{"index": 1}, {"name": "Plugin"}, {"guid": "plugin-guid"}], ids=str
)
def test_rule_of_an_extension_is_found_through_its_tool_component(component: Json) -> None:
    tool = {
        "driver": {"name": "Linter", "rules": [{"id": "R1"}]},
        "extensions": [
            {"name": "Other", "rules": [{"id": "R1", "defaultConfiguration": {"level": "note"}}]},
            {
                "name": "Plugin",
                "guid": "plugin-guid",
                "rules": [{"id": "R1", "defaultConfiguration": {"level": "error"}}],
            },
        ],
    }
    result = result_of(rule={"index": 0, "toolComponent": component})
    assert outcomes_of(translated({"tool": tool, "results": [result]})) == ["block/block"]


def test_invocation_overrides_the_default_level_of_a_rule_but_not_a_stated_one() -> None:
    invocations = [
        {
            "executionSuccessful": True,
            "ruleConfigurationOverrides": [
                {"descriptor": {"id": "R1"}, "configuration": {"level": "error"}},
                {"descriptor": {"id": "unlisted"}, "configuration": {"level": "note"}},
                {"descriptor": {"index": 1}, "configuration": {"level": "none"}},
            ],
        }
    ]
    rules = [{"id": "R1"}, {"id": "R2"}]
    made_by: Json = {"provenance": {"invocationIndex": 0}}
    report = translated(
        run_of(
            result_of(**made_by),
            result_of(),
            result_of(level="note", **made_by),
            result_of(**made_by | {"ruleId": "unlisted"}),
            result_of(**made_by | {"ruleId": "R2"}),
            result_of(**made_by | {"ruleId": "R3"}),
            rules=rules,
            invocations=invocations,
        )
    )
    assert outcomes_of(report) == [
        "block/block",
        "warn/warn",
        "pass/info",
        "pass/info",
        "pass/info",
        "warn/warn",
    ]


def test_unknown_default_level_is_refused_at_its_rule() -> None:
    rules = [{"id": "R1", "defaultConfiguration": {"level": "high"}}]
    error = refusal(log_of(run_of(result_of(), rules=rules)))
    assert error.pointer == "/runs/0/tool/driver/rules/0/defaultConfiguration/level"
