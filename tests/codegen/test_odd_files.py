"""Files, folders and machines that aren't as a command expects: all is told, and nothing lost."""

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from codegen.diagnostics import ContractError, Findings
from codegen.render import render
from codegen.source import read_source

from .conftest import LIBRARY, ROOT, Command

CONTRACT = """\
openapi: 3.1.0
info: {title: Grüße, version: '1'}
paths:
  /a: {get: {operationId: get_a, tags: [a], responses: {'204': {description: Done.}}}}
"""
OPTIONS = ["--spec", "openapi.yaml", "--out", "api"]


def refusal(data: bytes) -> str:
    with pytest.raises(ContractError) as caught:
        read_source(Path("a.yaml"), "a.yaml", data, Findings())
    return str(caught.value)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            CONTRACT.encode("latin-1"),
            "a.yaml:2:17 CG002 the file is not UTF-8: invalid start byte",
        ),
        (CONTRACT.encode("utf-16"), "a.yaml:1:1 CG002 the file is not UTF-8: invalid start byte"),
        (b"a: b\nc: d\0\n", "a.yaml:2:5 CG002 a character stands here that no text has: U+0000"),
        (b"a: \x1b[1m\n", "a.yaml:1:4 CG002 a character stands here that no text has: U+001B"),
    ],
)
def test_what_is_no_text_is_told_at_its_place(data: bytes, expected: str) -> None:
    assert refusal(data).startswith(expected)


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + CONTRACT.encode(),
        CONTRACT.replace("\n", "\r\n").encode(),
        CONTRACT.replace("\n", "\r").encode(),
        CONTRACT.rstrip("\n").encode(),
    ],
)
def test_marks_and_ends_of_lines_of_other_systems_change_nothing(data: bytes) -> None:
    findings = Findings()
    read = read_source(Path("a.yaml"), "a.yaml", data, findings)
    plain = read_source(Path("a.yaml"), "a.yaml", CONTRACT.encode(), findings)
    assert (read.value, read.positions) == (plain.value, plain.positions)
    assert not findings.found


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "openapi.yaml").write_text(CONTRACT)
    return tmp_path


@pytest.mark.parametrize("command", ["generate", "check", "lint", "breaking"])
@pytest.mark.parametrize(("spec", "reason"), [("nowhere.yaml", "No such"), ("folder", "Is a dir")])
def test_contract_that_is_no_file_is_told_by_every_command(
    project: Path, codegen: Command, command: str, spec: str, reason: str
) -> None:
    (project / "folder").mkdir()
    others = {"lint": [], "breaking": ["openapi.yaml"]}.get(command, ["--out", "api"])
    done = codegen(command, "--spec", spec, *others)
    assert done.returncode == 1
    assert f"{spec}:1:1 CG001 {reason}" in done.stderr
    assert "Traceback" not in done.stderr


def test_output_that_is_a_file_or_in_one_is_told(project: Path, codegen: Command) -> None:
    for out in ("openapi.yaml", "openapi.yaml/api"):
        done = codegen("generate", "--spec", "openapi.yaml", "--out", out)
        assert done.returncode == 1
        assert "CG001" in done.stderr
        assert "(the package goes into a folder: give another name)" in done.stderr
    assert (project / "openapi.yaml").read_text() == CONTRACT


def test_folder_of_a_whole_project_is_refused_by_its_first_files(
    project: Path, codegen: Command
) -> None:
    for number in range(300):
        (project / f"note_{number}.txt").write_text("mine\n")
    before = {path: path.read_bytes() for path in project.iterdir()}
    done = codegen("generate", "--spec", "openapi.yaml", "--out", ".")
    assert done.returncode == 1
    assert len(re.findall(r":1:1 CG091 ", done.stderr)) == 20
    assert {path: path.read_bytes() for path in project.iterdir()} == before


def test_what_is_no_regular_file_in_the_folder_is_foreign(project: Path, codegen: Command) -> None:
    (project / "api").mkdir()
    os.mkfifo(project / "api" / "pipe")
    (project / "api" / "gone").symlink_to("nowhere")
    done = codegen("generate", *OPTIONS)
    assert done.returncode == 1
    assert re.findall(r"^api/(\w+):1:1 CG091", done.stderr, re.MULTILINE) == ["gone", "pipe"]


def test_machine_that_lets_no_file_grow_is_told_and_the_next_run_mends_all(
    project: Path, codegen: Command
) -> None:
    def nothing_grows() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))

    done = subprocess.run(
        [sys.executable, "-m", "codegen", "generate", *OPTIONS],
        cwd=project,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=nothing_grows,  # no threads here
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "CG001 File too large" in done.stderr
    assert "nothing was written" not in done.stderr
    assert codegen("generate", *OPTIONS).returncode == 0
    assert codegen("check", "--full", *OPTIONS).returncode == 0


def test_run_that_is_killed_in_the_middle_leaves_whole_files_and_the_next_mends_the_rest(
    project: Path, codegen: Command
) -> None:
    shutil.copy(LIBRARY / "openapi.yaml", project)
    assert codegen("generate", *OPTIONS).returncode == 0
    whole = {path.name: path.read_bytes() for path in (project / "api").rglob("*.py")}
    shutil.rmtree(project / "api")
    process = subprocess.Popen(
        [sys.executable, "-m", "codegen", "generate", *OPTIONS],
        cwd=project,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not list((project / "api").glob("*.py")) and time.monotonic() < deadline:
        time.sleep(0.0005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    written = {path.name: path.read_bytes() for path in (project / "api").rglob("*.py")}
    assert written
    assert set(written) <= set(whole)
    assert codegen("generate", *OPTIONS).returncode == 0
    assert codegen("check", "--full", *OPTIONS).returncode == 0


@pytest.mark.parametrize(
    ("settings", "line", "said"),
    [
        ('[tool.codegen]\nspec = ""\nout = "b"\n', 2, "non-empty"),
        ('[tool.codegen]\nspec = "a"\nout = ["b"]\n', 3, "is not of type 'string'"),
        ("[tool]\ncodegen = 5\n", 1, "there is no table [tool.codegen]"),
        ("tool = 5\n", 1, "there is no table [tool.codegen]"),
        ('[tool.codegen]\nspec = "a"\nspec = "b"\n', 3, "Cannot overwrite a value"),
        ('[tool.codegen]\nspec = "a"\nout = "b"\nlint = 1\n', 4, "is not of type 'object'"),
        (
            '[tool.codegen]\nspec = "a"\nout = "b"\n\n[tool.codegen.lnt]\n',
            5,
            "'lnt' was unexpected",
        ),
    ],
)
def test_settings_that_are_wrong_are_told_at_their_line(
    tmp_path: Path, codegen: Command, settings: str, line: int, said: str
) -> None:
    (tmp_path / "pyproject.toml").write_text(settings)
    done = codegen("generate")
    assert done.returncode == 1
    assert re.search(rf"^pyproject\.toml:{line}:\d+ CG090 .*{re.escape(said)}", done.stderr, re.M)


def test_settings_that_are_no_utf_8_are_told(tmp_path: Path, codegen: Command) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b'[tool.codegen]\nspec = "\xff"\n')
    done = codegen("generate")
    assert done.returncode == 1
    assert "pyproject.toml:1:1 CG090 pyproject.toml can't be read" in done.stderr


@pytest.mark.parametrize("title", ["half a \ud800", "a whole \U0001f600", "both \U0001f600\udfff"])
def test_half_a_character_in_json_is_read_and_written_as_such(title: str) -> None:
    done = {"204": {"description": "Done."}}
    contract = {
        "openapi": "3.1.0",
        "info": {"title": title, "version": "1"},
        "paths": {"/a": {"get": {"operationId": "getA", "tags": ["a"], "responses": done}}},
    }
    text = json.dumps(contract)
    rendered = render(Path("a.json"), "a.json", lambda _: text.encode())
    assert json.loads(rendered.files["openapi.json"]) == contract
    [warning] = rendered.warnings
    column = text.index('"operationId"') + 1
    assert str(warning.place) == f"a.json:1:{column}"
