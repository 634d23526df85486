"""How the text of a SARIF result is found, filled in and placed."""

import pytest

from formats.sarif import translate
from formats.sarif_messages import MAX_PLACEHOLDERS
from tests.formats.expectations import assert_within_contract, evaluations_of
from tests.formats.sarif_logs import Json, log_of, result_of, run_of


def message_of(result: Json, **run: object) -> str:
    report = translate(log_of({**run_of(result), **run}))
    assert_within_contract(report)
    [evaluation] = evaluations_of(report)
    return evaluation["message"]


def tool_of(**rule: object) -> Json:
    strings = {"shared": {"text": "Shared {0}."}, "both": {"text": "of the component"}}
    driver = {
        "name": "Linter",
        "rules": [{"id": "R1", **rule}],
        "globalMessageStrings": strings,
    }
    return {"driver": driver}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"text": "plain {0} {{x}}"}, "plain {0} {{x}}"),
        ({"text": "{0} is {1}", "arguments": ["a", "b"]}, "a is b"),
        ({"text": "{{0}} is {0}", "arguments": ["a"]}, "{0} is a"),
        ({"text": "{0} {7} {x}", "arguments": ["a"]}, "a {7} {x}"),
        ({"text": "{0}{0}", "arguments": ["{0}"]}, "{0}{0}"),
        ({"text": "{0} {1}", "arguments": [1, "b"]}, "{0} b"),
        ({"text": "{0}", "arguments": "none"}, "{0}"),
        ({"id": "own", "arguments": ["a"]}, "Own a {}."),
        ({"id": "own"}, "Own {0} {}."),
        ({"id": "shared", "arguments": ["b"]}, "Shared b."),
        ({"id": "both"}, "of the rule"),
        ({"id": "only markdown"}, "*marked*"),
        ({"markdown": "*marked*"}, "*marked*"),
        ({"text": "", "markdown": "*marked*"}, "*marked*"),
        ({"text": "text wins", "id": "own"}, "text wins"),
    ],
)
def test_text_is_looked_up_and_its_placeholders_filled_in(message: Json, expected: str) -> None:
    strings = {
        "own": {"text": "Own {0} {{}}."},
        "both": {"text": "of the rule"},
        "only markdown": {"markdown": "*marked*"},
    }
    tool = tool_of(messageStrings=strings)
    assert message_of({"ruleId": "R1", "message": message}, tool=tool) == expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"shortDescription": {"text": "short"}, "fullDescription": {"text": "full"}}, "short"),
        ({"fullDescription": {"text": "full"}, "name": "name"}, "full"),
        ({"name": "name"}, "name"),
        ({}, "The tool gave no message."),
    ],
)
def test_result_without_text_is_described_by_its_rule(rule: Json, expected: str) -> None:
    result = {"ruleId": "R1", "message": {"id": "unknown"}}
    assert message_of(result, tool=tool_of(**rule)) == expected


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ({"uri": "src/a.py", "line": 3}, "src/a.py:3: text"),
        ({"uri": "src/a.py"}, "src/a.py: text"),
        ({"uri": "src/a.py", "line": 0}, "src/a.py: text"),
        ({"uri": "src/a.py", "line": "3"}, "src/a.py: text"),
        ({"index": 1, "line": 3}, "lib/b.py:3: text"),
        ({"index": 1, "uri": "src/a.py"}, "src/a.py: text"),
        ({"index": 9}, "text"),
        ({"uri": 5}, "text"),
    ],
)
def test_place_of_the_result_stands_before_its_text(location: Json, expected: str) -> None:
    artifact = {key: location[key] for key in ("uri", "index") if key in location}
    physical = {"artifactLocation": artifact, "region": {"startLine": location.get("line")}}
    artifacts = [{"location": {"uri": "lib/a.py"}}, {"location": {"uri": "lib/b.py"}}]
    result = result_of(locations=[{"physicalLocation": physical}])
    assert message_of(result, artifacts=artifacts) == expected


@pytest.mark.parametrize(
    ("logical", "expected"),
    [
        ({"fullyQualifiedName": "a.b.C", "name": "C"}, "a.b.C: text"),
        ({"name": "C"}, "C: text"),
        ({"index": 0}, "x.Y: text"),
        ({}, "text"),
    ],
)
def test_logical_location_stands_in_for_a_file(logical: Json, expected: str) -> None:
    result = result_of(locations=[{"logicalLocations": [logical]}])
    assert message_of(result, logicalLocations=[{"fullyQualifiedName": "x.Y"}]) == expected


def test_further_locations_are_counted() -> None:
    place = {"physicalLocation": {"artifactLocation": {"uri": "a"}}}
    assert message_of(result_of(locations=[place, {}])) == "a: text (and 1 more place)"
    assert message_of(result_of(locations=[place] * 4)) == "a: text (and 3 more places)"


@pytest.mark.parametrize("locations", [[], [5], ["a"], {"a": 1}, None])
def test_malformed_locations_are_left_out(locations: object) -> None:
    assert message_of(result_of(locations=locations)).startswith("text")


def test_long_text_keeps_both_ends_and_says_how_much_is_left_out() -> None:
    report = translate(log_of(run_of(result_of("a" * 20_000 + "z" * 20_000))))
    [evaluation] = evaluations_of(report)
    assert evaluation["message"].startswith("aaa")
    assert evaluation["message"].endswith("zzz")
    assert "[31872 characters left out]" in evaluation["message"]
    assert report["notes"] == [
        "1 message was longer than 8192 characters and is shortened where marked."
    ]


@pytest.mark.parametrize(
    ("text", "argument"),
    [
        ("{0}" * (MAX_PLACEHOLDERS + 1), "x"),
        ("{0}{0}", "x" * 40_000),
        ("{0}" + "y" * 8_190, "x"),
    ],
    ids=["placeholders", "filled", "template"],
)
def test_text_that_would_unfold_too_far_is_shown_unfilled_and_noted(
    text: str, argument: str
) -> None:
    result = {"message": {"text": text, "arguments": [argument]}}
    report = translate(log_of(run_of(result)))
    assert evaluations_of(report)[0]["message"].startswith("{0}")
    assert report["notes"][0] == (
        "1 message is too long to fill in its placeholders and is shown with them."
    )


def test_text_with_as_many_placeholders_as_allowed_is_filled_in() -> None:
    message = {"text": "{0}" * MAX_PLACEHOLDERS, "arguments": ["x"]}
    assert message_of({"message": message}) == "x" * MAX_PLACEHOLDERS


def test_path_over_the_bound_is_shortened_to_a_digest() -> None:
    place = {"physicalLocation": {"artifactLocation": {"uri": "p" * 5_000}}}
    message = message_of(result_of(locations=[place]))
    assert len(message) == 1_024 + len(": text")
    assert "~" in message
