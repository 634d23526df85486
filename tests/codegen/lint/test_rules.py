"""Each rule has an example that breaks it and has what only looks like it; here is what is found.

UPDATE_EXPECTED=1 writes the findings anew; read the diff before committing it.
"""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codegen.diagnostics import ContractError
from codegen.lint.explanations import example_findings, rule_page
from codegen.lint.rule import Level
from codegen.lint.rules import RULES
from codegen.lint.run import lint
from codegen.lint.settings import LintSettings
from codegen.lint.subject import Options

from ..conftest import ROOT
from ..test_broken_contracts import JUNK, PLACES, broken, reads_alone

FINDINGS = Path(__file__).parent / "findings"
EXAMPLES = ROOT / "codegen" / "lint" / "examples"
ABOUT_SUPPRESSIONS = ("suppression-without-reason", "unused-suppression")
SPEC = Path("openapi.json")
UPDATE = os.environ.get("UPDATE_EXPECTED") == "1"


def only(rule: str) -> LintSettings:
    levels: dict[str, Level] = dict.fromkeys(RULES, "off")
    return LintSettings(levels | {rule: "warning"})


@pytest.mark.parametrize("rule", RULES)
def test_rule_finds_in_its_example_what_is_expected(rule: str) -> None:
    file = FINDINGS / f"{rule}.txt"
    text = "".join(f"{finding}\n" for finding in example_findings(RULES[rule]))
    if UPDATE:
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")
    assert text


def test_every_example_is_that_of_a_rule() -> None:
    assert {path.stem for path in EXAMPLES.iterdir()} == set(RULES)
    assert {path.stem for path in FINDINGS.iterdir()} == set(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_page_of_a_rule_has_its_reason_its_example_and_what_is_found_there(rule: str) -> None:
    page = rule_page(rule)
    assert page is not None
    expected = (FINDINGS / f"{rule}.txt").read_text(encoding="utf-8")
    assert RULES[rule].reason in page
    assert (EXAMPLES / f"{rule}.yaml").read_text(encoding="utf-8") in page
    assert all(f"    {finding}\n" in page for finding in expected.splitlines())


@pytest.mark.parametrize("rule", RULES)
def test_reason_of_a_rule_is_one_sentence(rule: str) -> None:
    reason = RULES[rule].reason
    assert reason.endswith(".")
    assert ". " not in reason


def test_convention_that_the_settings_ask_for_replaces_the_contracts_own() -> None:
    options = Options(names={"operations": "camelCase"})
    findings = example_findings(RULES["operation-name"], options)
    assert [finding.split()[0] for finding in findings] == [
        "openapi.yaml:5:11",
        "openapi.yaml:6:12",
        "openapi.yaml:9:13",
    ]
    assert "as the settings ask" in findings[0]


def test_names_without_a_convention_are_one_finding_for_all(tmp_path: Path) -> None:
    spec = tmp_path / "openapi.yaml"
    schemas = ", ".join(f"{name}: {{}}" for name in ("Pet", "pet_list", "petOwner", "pet-food"))
    spec.write_text(
        "openapi: 3.1.0\ninfo: {title: Pets, version: '1'}\npaths: {}\n"
        f"components: {{schemas: {{{schemas}}}}}\n"
    )
    [finding] = [
        each for each in lint(spec, spec.name, only("schema-name")) if each.code == "schema-name"
    ]
    assert "follow no convention: 25% are in" in finding.message


@pytest.mark.parametrize(
    ("rule", "response", "message"),
    [
        ("missing-default-response", "'200'", "no operation documents a `default` response"),
        ("default-without-problem", "default", "no default response has content"),
        ("untagged-operation", "'200'", "no operation has a tag"),
    ],
)
def test_what_no_operation_has_is_one_finding_for_all(
    tmp_path: Path, rule: str, response: str, message: str
) -> None:
    spec = tmp_path / "openapi.yaml"
    spec.write_text(
        "openapi: 3.1.0\ninfo: {title: Pets, version: '1'}\npaths:\n  /pets:\n"
        f"    get: {{responses: {{{response}: {{description: OK}}}}}}\n"
        f"    put: {{responses: {{{response}: {{description: OK}}}}}}\n"
    )
    [finding] = [each for each in lint(spec, spec.name, only(rule)) if each.code == rule]
    assert finding.message.startswith(message)
    assert str(finding.place) == "openapi.yaml:3:1"


@pytest.mark.parametrize("rule", ["unbounded-string", "unbounded-array"])
def test_bounds_are_asked_of_answers_too_where_the_settings_say_so(rule: str) -> None:
    everywhere = example_findings(RULES[rule], Options(bounds_everywhere=True))
    assert set(everywhere) > set(example_findings(RULES[rule]))


@pytest.mark.parametrize("rule", sorted(set(RULES) - set(ABOUT_SUPPRESSIONS)))
def test_suppression_at_the_top_takes_out_all_findings_of_a_rule(rule: str, tmp_path: Path) -> None:
    spec = tmp_path / "openapi.yaml"
    contract = (EXAMPLES / f"{rule}.yaml").read_text(encoding="utf-8")
    spec.write_text(f"x-lint-ignore: {{{rule}: It is only an example.}}\n{contract}")
    levels: dict[str, Level] = dict.fromkeys(RULES, "off")
    levels |= {rule: "warning", "unused-suppression": "error"}
    found = lint(spec, spec.name, LintSettings(levels))
    assert not [finding for finding in found if finding.code in levels]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(PLACES), JUNK)
def test_any_value_in_any_place_gives_findings_never_a_traceback(
    spot: tuple[int, tuple[str | int, ...]], junk: Any
) -> None:
    with suppress(ContractError):
        lint(SPEC, SPEC.name, LintSettings(), reads_alone(broken(*spot, junk)))


def found_by(rule: str, version: str, components: dict[str, Any], **members: Any) -> list[str]:
    """The messages of one rule on a contract of these components."""
    contract = {
        "openapi": version,
        "info": {"title": "Pets", "version": "1"},
        "paths": {},
        "components": components,
        **members,
    }
    read = reads_alone(json.dumps(contract).encode())
    found = lint(SPEC, SPEC.name, only(rule), read)
    return [finding.message for finding in found if finding.code == rule]


def test_roles_of_a_scheme_are_found_through_a_reference() -> None:
    schemes = {
        "Key": {"$ref": "#/components/securitySchemes/Real"},
        "Real": {"type": "http", "scheme": "bearer", "x-roles": ["reader"]},
    }
    security = [{"Key": ["reader"]}, {"Key": ["wirter"]}]
    found = found_by("unknown-role", "3.1.0", {"securitySchemes": schemes}, security=security)
    assert found == ["Key declares no role or scope 'wirter'"]


def test_roles_of_a_malformed_scheme_are_passed_over() -> None:
    """That it is malformed is told; whoever lints gets no traceback."""
    schemes = {"Key": 5, "Other": {"$ref": "#/components/securitySchemes/Key"}}
    security = [{"Key": ["reader"], "Other": ["reader"]}]
    assert not found_by("unknown-role", "3.1.0", {"securitySchemes": schemes}, security=security)


@pytest.mark.parametrize(
    ("rule", "values", "in_3_0", "in_3_1"),
    [
        ("enum-without-null", ["cat"], 1, 0),
        ("enum-of-another-type", ["cat", None], 0, 1),
        ("ignored-nullable", ["cat", None], 0, 1),
    ],
)
def test_nullable_counts_in_the_dialect_alone_that_knows_it(
    rule: str, values: list[str | None], in_3_0: int, in_3_1: int
) -> None:
    schemas = {"Kind": {"type": "string", "nullable": True, "enum": values}}
    counts = [len(found_by(rule, each, {"schemas": schemas})) for each in ("3.0.3", "3.1.0")]
    assert counts == [in_3_0, in_3_1]


@pytest.mark.parametrize(
    ("version", "limits", "is_bounded"),
    [
        ("3.1.0", {"exclusiveMinimum": 0, "exclusiveMaximum": 9}, True),
        ("3.0.3", {"exclusiveMinimum": True, "exclusiveMaximum": True}, False),
        ("3.0.3", {"minimum": 0, "exclusiveMinimum": True, "maximum": 9}, True),
    ],
)
def test_exclusive_flags_bound_nothing_alone(
    version: str, limits: dict[str, Any], is_bounded: bool
) -> None:
    schema = {"type": "number", **limits}
    parameter = {"name": "weight", "in": "query", "schema": schema}
    operation = {"parameters": [parameter], "responses": {"200": {"description": "OK"}}}
    found = found_by("unbounded-number", version, {}, paths={"/pets": {"get": operation}})
    assert not found if is_bounded else found == ["the number has no minimum and no maximum"]
