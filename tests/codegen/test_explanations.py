"""Every code that the generator can say is explained, and its examples are true."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from codegen.breaking.rules import RULES as BREAKING_RULES
from codegen.cli import main
from codegen.config import read_settings
from codegen.diagnostics import CODES, ContractError, Findings
from codegen.explanations import explanation, heads
from codegen.lint.rules import RULES as LINT_RULES
from codegen.render import load
from codegen.run import check, differences, generate

from .conftest import Command

FENCE = re.compile(r"^```\w+ (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Said of files beside the contract, so the contract alone doesn't yield them.
OF_THE_FOLDER = ("CG091", "CG092")


def examples(code: str) -> tuple[dict[str, str], dict[str, str]]:
    """The files of the wrong example, and those of the right one."""
    page = explanation(code)
    assert page
    _, wrong, right = re.split(r"^(?:Wrong|Right):$", page, flags=re.MULTILINE)
    return dict(FENCE.findall(wrong)), dict(FENCE.findall(right))


def codes_found_in(folder: Path, files: dict[str, str]) -> set[str]:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    findings = Findings()
    try:
        spec = "openapi.yaml"
        if "pyproject.toml" in files:
            spec = str(read_settings(folder / "pyproject.toml").spec)
        load(folder / spec, spec, findings)
    except ContractError as error:
        return {finding.code for finding in error.findings}
    except FileNotFoundError:
        return {"CG001"}
    return {finding.code for finding in findings.found}


def test_every_code_has_a_page_with_its_severity_and_title() -> None:
    ours = [head for head in heads() if head[0].startswith("CG")]
    assert ours == [(code, *CODES[code]) for code in sorted(CODES)]


@pytest.mark.parametrize("code", sorted(set(CODES) - set(OF_THE_FOLDER)))
def test_wrong_example_yields_its_code_and_the_right_one_yields_none(
    tmp_path: Path, code: str
) -> None:
    wrong, right = examples(code)
    assert code in codes_found_in(tmp_path / "wrong", wrong)
    assert codes_found_in(tmp_path / "right", right) == set()


@pytest.mark.parametrize("code", OF_THE_FOLDER)
def test_examples_of_codes_about_the_output_folder_are_true(tmp_path: Path, code: str) -> None:
    for files, expected in zip(examples(code), ({code}, set()), strict=True):
        folder = tmp_path / str(len(expected))
        assert codes_found_in(folder, {"openapi.yaml": files["openapi.yaml"]}) == set()
        spec, out = folder / "openapi.yaml", folder / "api"
        generate(spec, out, full=False)
        codes_found_in(folder, files)
        found = differences(out, check(spec, out, full=False).drifts)
        assert {finding.code for finding in found} == expected


def test_command_explains_a_code_however_it_is_written(codegen: Command) -> None:
    done = codegen("explain", "cg030")
    assert (done.returncode, done.stdout) == (0, explanation("CG030"))


def test_command_without_a_code_lists_them_all_and_the_rules_of_other_commands() -> None:
    said = CliRunner().invoke(main, ["explain"]).output.splitlines()
    pages = [code for code, _, _ in heads()]
    assert [line.split()[0] for line in said if line] == [*pages, *LINT_RULES, *BREAKING_RULES]
    assert "CG021  error    two operations have the same operationId" in said
    assert "CG022  warning  an operationId is not in snake_case, so its Python name differs" in said


def test_rule_of_another_command_is_explained_by_its_sentence() -> None:
    done = CliRunner().invoke(main, ["explain", "unbounded-string"])
    assert LINT_RULES["unbounded-string"].reason in done.output
    done = CliRunner().invoke(main, ["explain", "limit-tightened"])
    assert done.output.startswith("# limit-tightened: request breaking, response safe\n")


def test_unknown_code_is_wrong_usage_with_a_suggestion() -> None:
    done = CliRunner().invoke(main, ["explain", "CG03O"])
    assert done.exit_code == 2
    assert "there is no code CG03O: did you mean CG03" in done.output
