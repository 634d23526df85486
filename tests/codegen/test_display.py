"""How findings are shown: to people, to GitHub, and to what reads JSON or SARIF."""

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.diagnostics import CODES, Diagnostic, Place
from codegen.display import FORMATS, as_github, as_json, as_sarif, as_text

from .conftest import HERE, ROOT, Command

SCHEMA = json.loads((HERE / "sarif" / "sarif-2.1.0-rtm.5.json").read_text())
VALIDATOR = jsonschema.Draft4Validator(
    SCHEMA, format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER
)
WRONG = HERE / "cases" / "bad_operations" / "openapi.yaml"

DIAGNOSTICS = st.builds(
    Diagnostic,
    place=st.builds(
        Place,
        file=st.text(min_size=1).filter(lambda name: "\0" not in name),
        line=st.integers(1, 10**6),
        column=st.integers(1, 10**6),
    ),
    code=st.sampled_from(sorted(CODES)),
    message=st.text(),
    hint=st.text(),
    severity=st.sampled_from(["error", "warning"]),
)


def wrong(*options: str) -> list[str]:
    return ["check", "--spec", str(WRONG), "--out", "api", *options]


@pytest.mark.parametrize("form", FORMATS)
def test_exit_code_is_the_same_in_every_form(codegen: Command, form: str) -> None:
    done = codegen(*wrong("--format", form))
    assert done.returncode == 1
    lines = (WRONG.parent / "errors.txt").read_text().splitlines()
    errors = sum(" warning: " not in line for line in lines)
    assert f"{errors} errors; nothing was written" in done.stderr


def test_json_has_every_finding_with_its_place(codegen: Command) -> None:
    found = json.loads(codegen(*wrong("--format", "json")).stdout)["diagnostics"]
    lines = codegen(*wrong()).stderr.splitlines()[: len(found)]
    again = [
        str(
            Diagnostic(
                Place(each["file"], each["line"], each["column"]),
                each["code"],
                each["message"],
                each["hint"] or "",
                each["severity"],
            )
        )
        for each in found
    ]
    assert again == lines
    assert len(found) == len((WRONG.parent / "errors.txt").read_text().splitlines())


def test_sarif_of_the_command_is_valid_and_names_its_rules(codegen: Command) -> None:
    log = json.loads(codegen(*wrong("--format", "sarif")).stdout)
    validate(log)
    [run] = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        rule = rules[result["ruleIndex"]]
        assert rule["id"] == result["ruleId"]
        assert rule["shortDescription"]["text"] == CODES[rule["id"]][1]


@given(st.lists(DIAGNOSTICS, max_size=4))
def test_any_findings_are_valid_sarif(findings: list[Diagnostic]) -> None:
    validate(json.loads(as_sarif(findings)))


def validate(log: Any) -> None:
    VALIDATOR.validate(log)


@given(st.lists(DIAGNOSTICS, max_size=4))
def test_findings_come_back_from_json(findings: list[Diagnostic]) -> None:
    found = [
        Diagnostic(
            Place(each["file"], each["line"], each["column"]),
            each["code"],
            each["message"],
            each["hint"] or "",
            each["severity"],
        )
        for each in json.loads(as_json(findings))["diagnostics"]
    ]
    assert found == findings


@given(DIAGNOSTICS)
def test_github_reads_back_what_was_found(finding: Diagnostic) -> None:
    """Read as its runner reads a line: command, properties, data, each unescaped."""
    text = as_github([finding])
    assert text.endswith("\n")
    assert "\n" not in text[:-1]
    assert "\r" not in text
    match = re.fullmatch(r"::(\w+) ([^:]*)::(.*)\n", text, re.DOTALL)
    assert match
    properties = dict(pair.split("=", 1) for pair in match[2].split(","))
    assert match[1] == finding.severity
    assert unescaped(properties["file"]) == finding.place.file
    assert properties["line"] == str(finding.place.line)
    assert properties["col"] == str(finding.place.column)
    assert properties["title"] == finding.code
    hint = f" ({finding.hint})" if finding.hint else ""
    assert unescaped(match[3]) == finding.message + hint


@pytest.mark.parametrize(
    ("text", "in_data", "in_property"),
    [
        ("50%", "50%25", "50%25"),
        ("%0A", "%250A", "%250A"),
        ("a\r\nb", "a%0D%0Ab", "a%0D%0Ab"),
        ("a:b", "a:b", "a%3Ab"),
        ("a,b", "a,b", "a%2Cb"),
        ("::error::x", "::error::x", "%3A%3Aerror%3A%3Ax"),
    ],
)
def test_github_gets_the_escapes_that_its_toolkit_writes(
    text: str, in_data: str, in_property: str
) -> None:
    """As `escapeData` and `escapeProperty` of its toolkit's `command.ts` have them."""
    finding = Diagnostic(Place(text, 2, 3), "CG010", text)
    assert as_github([finding]) == (
        f"::error file={in_property},line=2,col=3,title=CG010::{in_data}\n"
    )


def unescaped(text: str) -> str:
    for written, meant in (
        ("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%"),
    ):  # fmt: skip
        text = text.replace(written, meant)
    return text


@given(DIAGNOSTICS)
def test_colour_adds_nothing_but_colour(finding: Diagnostic) -> None:
    coloured = as_text(finding, colour=True)
    plain = str(finding)
    if "\x1b" not in plain:
        assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain
    assert as_text(finding) == plain


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colour_is_for_terminals_whose_user_wants_it(
    tmp_path: Path, environment: dict[str, str], coloured: bool
) -> None:
    ours, theirs = pty.openpty()
    subprocess.run(
        [sys.executable, "-m", "codegen", *wrong()],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "TERM": "xterm", **environment},
        stderr=theirs,
        check=False,
        timeout=60,
    )
    os.close(theirs)
    said = os.read(ours, 1_000_000)
    os.close(ours)
    assert b"CG021" in said
    assert (b"\x1b[" in said) == coloured


def test_pipe_gets_no_colour(codegen: Command) -> None:
    assert "\x1b" not in codegen(*wrong(), TERM="xterm").stderr


def test_differing_files_are_findings_in_the_forms_for_machines(
    tmp_path: Path, codegen: Command
) -> None:
    shutil.copy(HERE / "cases" / "no_models" / "openapi.yaml", tmp_path)
    options = ["--spec", "openapi.yaml", "--out", "api"]
    assert codegen("generate", *options).returncode == 0
    (tmp_path / "api" / "notes.py").write_text("mine = 1\n")
    (tmp_path / "api" / "operations.py").unlink()
    done = codegen("check", *options, "--format", "github")
    assert done.returncode == 4
    assert done.stdout.splitlines() == [
        "::error file=api/notes.py,line=1,col=1,title=CG091::this file is not the generator's, so "
        "it is left alone and nothing is written (move it elsewhere: this folder is for generated "
        "files alone)",
        "::error file=api/operations.py,line=1,col=1,title=CG092::this generated file is missing "
        "(run: codegen generate)",
    ]


def test_machines_are_told_of_warnings_even_where_nothing_changed(
    tmp_path: Path, codegen: Command
) -> None:
    (tmp_path / "openapi.yaml").write_text(
        "openapi: 3.1.0\ninfo: {title: A, version: '1'}\npaths:\n  /a:\n    get:\n"
        "      operationId: listThings\n      tags: [a]\n"
        "      responses: {'204': {description: Done.}}\n"
    )
    options = ["--spec", "openapi.yaml", "--out", "api", "--format", "json"]
    for command in ("generate", "generate", "check"):
        done = codegen(command, *options)
        assert done.returncode == 0
        [found] = json.loads(done.stdout)["diagnostics"]
        assert (found["code"], found["severity"]) == ("CG022", "warning")


def test_people_get_one_line_for_warnings_that_say_the_same(codegen: Command) -> None:
    """Machines get each; errors are each to be mended, so each is shown."""
    contract = HERE / "contracts" / "petstore-expanded.json"
    command = ("check", "--spec", str(contract), "--out", "api")
    untagged = [line for line in codegen(*command).stderr.splitlines() if " CG025 " in line]
    assert [line.partition(" [")[2] for line in untagged] == [
        "and 3 more: --format json lists all]"
    ]
    found = json.loads(codegen(*command, "--format", "json").stdout)["diagnostics"]
    assert sum(each["code"] == "CG025" for each in found) == 4


def test_people_get_some_of_many_warnings_of_one_code_and_all_others(
    tmp_path: Path, codegen: Command
) -> None:
    operations = "".join(
        f"  /a{number}:\n    get: {{operationId: listThings{number}, tags: [a], "
        "responses: {'204': {description: Done.}}}\n"
        for number in range(23)
    )
    last = "  /b:\n    get: {tags: [a], responses: {'204': {description: Done.}}}\n"
    (tmp_path / "openapi.yaml").write_text(
        f"openapi: 3.1.0\ninfo: {{title: A, version: '1'}}\npaths:\n{operations}{last}"
    )
    command = ("check", "--spec", "openapi.yaml", "--out", "api")
    told = codegen(*command).stderr
    assert (told.count(" CG022 warning: "), told.count(" CG020 warning: ")) == (20, 1)
    assert "3 more CG022 warnings: --format json lists all" in told
    found = json.loads(codegen(*command, "--format", "json").stdout)["diagnostics"]
    assert sum(each["code"] == "CG022" for each in found) == 23
