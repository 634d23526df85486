"""`codegen lint` as users and CI run it: what it shows, what the settings change, how it ends."""

import shutil
from pathlib import Path

import pytest

from ..conftest import HERE, Command

CONTRACT = """\
openapi: 3.1.0
info: {title: Pets, version: '1'}
tags: [{name: pets}]
security: []
paths:
  /pets:
    get:
      operationId: list_pets
      tags: [pets]
      parameters:
        - {name: kind, in: query, schema: {type: string}}
      responses:
        '200': {description: All.}
        default: {description: A problem., content: {application/problem+json: {schema: {}}}}
"""
FINDINGS = """\
openapi.yaml:7:5 undescribed-operation warning: GET /pets has neither summary nor description (say \
in a line what it does)
openapi.yaml:11:35 unbounded-string warning: the string may be of any length (give it maxLength, \
an enum, or an anchored pattern with an end)
0 errors, 2 warnings
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "openapi.yaml").write_text(CONTRACT)
    configure(tmp_path, "")
    return tmp_path


def configure(project: Path, settings: str) -> None:
    text = f'[tool.codegen]\nspec = "openapi.yaml"\nout = "api"\n{settings}'
    (project / "pyproject.toml").write_text(text)


def edit(project: Path, old: str, new: str) -> None:
    text = (project / "openapi.yaml").read_text()
    assert old in text
    (project / "openapi.yaml").write_text(text.replace(old, new))


def test_warnings_are_shown_with_their_place_and_end_with_0(
    project: Path, codegen: Command
) -> None:
    done = codegen("lint")
    assert (done.returncode, done.stderr) == (0, FINDINGS)


def test_warnings_end_with_1_under_strict(project: Path, codegen: Command) -> None:
    assert codegen("lint", "--strict").returncode == 1
    edit(project, "schema: {type: string}", "schema: {type: string, maxLength: 9}")
    edit(project, "operationId: list_pets", "operationId: list_pets\n      summary: All pets")
    done = codegen("lint", "--strict")
    assert (done.returncode, done.stderr) == (0, "0 errors, 0 warnings\n")


def test_errors_end_with_1(project: Path, codegen: Command) -> None:
    edit(project, "security: []\n", "")
    done = codegen("lint")
    assert done.returncode == 1
    assert "openapi.yaml:6:5 unsecured-operation GET /pets has no" in done.stderr


def test_settings_turn_rules_off_and_change_their_level(project: Path, codegen: Command) -> None:
    rules = 'undescribed-operation = "off"\nunbounded-string = "error"\n'
    configure(project, f"[tool.codegen.lint.rules]\n{rules}")
    done = codegen("lint")
    assert done.returncode == 1
    assert "undescribed-operation" not in done.stderr
    assert "openapi.yaml:11:35 unbounded-string the string" in done.stderr


def test_settings_hold_for_another_contract_too(project: Path, codegen: Command) -> None:
    (project / "openapi.yaml").rename(project / "other.yaml")
    configure(project, '[tool.codegen.lint]\nrules = {undescribed-operation = "off"}\n')
    done = codegen("lint", "--spec", "other.yaml")
    assert done.returncode == 0
    assert "0 errors, 1 warning\n" in done.stderr
    (project / "pyproject.toml").unlink()
    assert "0 errors, 2 warnings\n" in codegen("lint", "--spec", "other.yaml").stderr


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("[tool.codegen.lint]\nother = 1\n", "pyproject.toml:5:1 CG090 'other' is not known here"),
        (
            '[tool.codegen.lint.rules]\nunbounded-strings = "off"\n',
            "pyproject.toml:5:1 CG090 'unbounded-strings' is not known here",
        ),
        (
            '[tool.codegen.lint.rules]\n\nunbounded-string = "loud"\n',
            "pyproject.toml:6:1 CG090 'loud' is not one of ['error', 'warning', 'off']",
        ),
        (
            '[tool.codegen.lint]\nnames = {operations = "snake"}\n',
            "pyproject.toml:5:1 CG090 'snake' is not one of",
        ),
        ("[tool.codegen]\nlint = 1\n", "pyproject.toml:"),
    ],
)
def test_mistake_in_the_settings_is_named_with_its_line(
    project: Path, codegen: Command, settings: str, expected: str
) -> None:
    configure(project, settings)
    done = codegen("lint")
    assert done.returncode == 1
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


def test_suppression_with_a_reason_holds_for_all_inside(project: Path, codegen: Command) -> None:
    reason = "Old clients send what they like; it is cut where it is read."
    edit(project, "    get:\n", f"    x-lint-ignore: {{unbounded-string: {reason}}}\n    get:\n")
    done = codegen("lint")
    assert "unbounded-string" not in done.stderr
    assert "0 errors, 1 warning\n" in done.stderr


def test_suppression_without_a_reason_suppresses_nothing(project: Path, codegen: Command) -> None:
    edit(project, "    get:\n", "    x-lint-ignore: {unbounded-string: ' '}\n    get:\n")
    done = codegen("lint")
    assert done.returncode == 1
    assert "openapi.yaml:7:21 suppression-without-reason" in done.stderr
    assert "openapi.yaml:12:35 unbounded-string" in done.stderr


def test_suppression_of_nothing_is_told(project: Path, codegen: Command) -> None:
    edit(project, "    get:\n", "    x-lint-ignore: {unbounded-array: It is short.}\n    get:\n")
    done = codegen("lint")
    assert done.returncode == 1
    assert "openapi.yaml:7:21 unused-suppression unbounded-array finds nothing" in done.stderr
    configure(project, '[tool.codegen.lint.rules]\nunbounded-array = "off"\n')
    assert codegen("lint").returncode == 0


def test_finding_in_a_referenced_file_names_that_file(tmp_path: Path, codegen: Command) -> None:
    shutil.copytree(HERE / "cases" / "several_files", tmp_path / "parts")
    done = codegen("lint", "--spec", "parts/openapi.yaml")
    places = {line.partition(":")[0] for line in done.stderr.splitlines()[:-1]}
    assert {"parts/openapi.yaml", "parts/paths/plants.yaml"} <= places


def test_suppression_in_a_referenced_file_holds_there(tmp_path: Path, codegen: Command) -> None:
    shutil.copytree(HERE / "cases" / "several_files", tmp_path / "parts")
    file = tmp_path / "parts" / "paths" / "plants.yaml"
    before = codegen("lint", "--spec", "parts/openapi.yaml").stderr
    assert "parts/paths/plants.yaml:3:10 undeclared-tag" in before
    text = file.read_text()
    file.write_text(f"x-lint-ignore: {{undeclared-tag: Its chapter is another's.}}\n{text}")
    after = codegen("lint", "--spec", "parts/openapi.yaml").stderr
    assert "undeclared-tag" not in after
    assert "unused-suppression" not in after


def test_mistakes_that_the_generator_finds_are_told_beside(
    tmp_path: Path, codegen: Command
) -> None:
    shutil.copy(HERE / "cases" / "bad_operations" / "openapi.yaml", tmp_path)
    done = codegen("lint", "--spec", "openapi.yaml")
    assert done.returncode == 1
    assert "openapi.yaml:16:3 CG032 " in done.stderr
    assert "unsecured-operation" in done.stderr


def test_reference_that_leads_nowhere_hides_nothing_else(project: Path, codegen: Command) -> None:
    edit(project, "{description: All.}", "{$ref: '#/components/responses/Al'}")
    done = codegen("lint")
    assert done.returncode == 1
    assert "openapi.yaml:13:17 CG010 " in done.stderr
    assert "openapi.yaml:7:5 undescribed-operation" in done.stderr
    assert "1 error, 2 warnings\n" in done.stderr


def test_components_are_not_called_unused_while_a_reference_leads_nowhere(
    project: Path, codegen: Command
) -> None:
    text = (project / "openapi.yaml").read_text()
    components = "components: {responses: {All: {description: All.}}}\n"
    (project / "openapi.yaml").write_text(text + components)
    assert "unused-component" in codegen("lint").stderr
    edit(project, "'200': {description: All.}", "'200': {$ref: '#/components/responses/Al'}")
    assert "unused-component" not in codegen("lint").stderr


def test_contract_of_a_new_service_is_clean(tmp_path: Path, codegen: Command) -> None:
    assert codegen("init", "notes").returncode == 0
    done = codegen("lint", "--strict", "--spec", "notes/openapi.yaml")
    assert (done.returncode, done.stderr) == (0, "0 errors, 0 warnings\n")


@pytest.mark.parametrize(
    ("name", "code"), [("bad_yaml", "CG002"), ("swagger_2", "CG005"), ("nowhere", "CG001")]
)
def test_contract_that_cant_be_read_is_an_error_with_its_place(
    codegen: Command, name: str, code: str
) -> None:
    done = codegen("lint", "--spec", str(HERE / "cases" / name / "openapi.yaml"))
    assert done.returncode == 1
    assert f" {code} " in done.stderr
    assert "Traceback" not in done.stderr


def test_lint_without_settings_and_without_a_contract_says_what_to_do(codegen: Command) -> None:
    done = codegen("lint")
    assert done.returncode == 1
    assert "pyproject.toml:1:1 CG090" in done.stderr
