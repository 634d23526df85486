"""Each rule has an example that breaks it and has what only looks like it; here is what is found.

UPDATE_EXPECTED=1 writes the findings anew; read the diff before committing it.
"""

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
from ..test_broken_contracts import JUNK, PLACES, broken

FINDINGS = Path(__file__).parent / "findings"
EXAMPLES = ROOT / "codegen" / "lint" / "examples"
ABOUT_SUPPRESSIONS = ("suppression-without-reason", "unused-suppression")
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
    data = broken(*spot, junk)

    def read(path: Path) -> bytes:
        if path.name == "openapi.json":
            return data
        raise FileNotFoundError(2, "No such file or directory", str(path))

    with suppress(ContractError):
        lint(Path("openapi.json"), "openapi.json", LintSettings(), read)
