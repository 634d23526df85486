"""The command as users and CI run it: on files, on revisions of git, with what is accepted."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ..conftest import Command

OLD: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "pets", "version": "1.4.0"},
    "paths": {
        "/pets": {
            "get": {
                "operationId": "list_pets",
                "parameters": [{"name": "limit", "in": "query", "schema": {"type": "integer"}}],
                "responses": {"200": {"description": "d"}},
            }
        }
    },
}


def changed(version: str = "1.4.0", *, maximum: int | None = 50) -> dict[str, Any]:
    contract: dict[str, Any] = json.loads(json.dumps(OLD))
    contract["info"]["version"] = version
    if maximum is not None:
        contract["paths"]["/pets"]["get"]["parameters"][0]["schema"]["maximum"] = maximum
    return contract


def write(path: Path, contract: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(contract, sort_keys=False))


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with an old contract and one that breaks clients."""
    write(tmp_path / "old.yaml", OLD)
    write(tmp_path / "new.yaml", changed())
    return tmp_path


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True
    )


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose one commit has a contract in two files; the working tree has no others."""
    api = tmp_path / "api"
    api.mkdir()
    contract = changed(maximum=None)
    contract["paths"]["/pets"]["get"]["parameters"] = [{"$ref": "parts.yaml#/Limit"}]
    write(api / "openapi.yaml", contract)
    write(api / "parts.yaml", {"Limit": OLD["paths"]["/pets"]["get"]["parameters"][0]})
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "first")
    return tmp_path


def test_break_that_no_version_says_ends_with_5_and_names_the_place(
    files: Path, codegen: Command
) -> None:
    done = codegen("breaking", "old.yaml", "--spec", "new.yaml")
    assert (done.returncode, done.stderr) == (5, "")
    assert "BREAKING (1)\n  GET /pets\n" in done.stdout
    place = re.search(
        r"^    new\.yaml:(\d+):(\d+) limit-tightened \[request breaking\]", done.stdout, re.M
    )
    assert place is not None
    line = (files / "new.yaml").read_text().splitlines()[int(place[1]) - 1]
    assert line[int(place[2]) - 1 :] == "maximum: 50"
    assert "this needs a new major version, 2.0.0 or later" in done.stdout


def test_machines_get_what_is_breaking_and_dangerous(files: Path, codegen: Command) -> None:
    done = codegen("breaking", "old.yaml", "--spec", "new.yaml", "--format", "json")
    assert done.returncode == 5
    [finding] = json.loads(done.stdout)["diagnostics"]
    assert (finding["code"], finding["severity"]) == ("limit-tightened", "error")
    assert finding["hint"] == "request breaking; GET /pets"
    done = codegen("breaking", "old.yaml", "--spec", "new.yaml", "--format", "sarif")
    [run] = json.loads(done.stdout)["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["limit-tightened"]


def test_rule_is_explained(codegen: Command) -> None:
    done = codegen("explain", "limit-loosened")
    assert done.returncode == 0
    assert done.stdout.startswith("# limit-loosened: request safe, response dangerous\n")


def test_break_with_its_version_ends_with_0(files: Path, codegen: Command) -> None:
    write(files / "new.yaml", changed("2.0.0"))
    done = codegen("breaking", "old.yaml", "--spec", "new.yaml")
    assert done.returncode == 0
    assert "went from 1.4.0 to 2.0.0, which is enough" in done.stdout


def test_before_1_0_a_minor_version_says_that_clients_break(files: Path, codegen: Command) -> None:
    for old, new, code in (("0.4.0", "0.4.1", 5), ("0.4.0", "0.5.0", 0), ("2026-01", "2026-02", 0)):
        contract = changed(old, maximum=None)
        write(files / "old.yaml", contract)
        write(files / "new.yaml", changed(new))
        assert codegen("breaking", "old.yaml", "--spec", "new.yaml").returncode == code


def test_unchanged_contract_needs_no_version(files: Path, codegen: Command) -> None:
    done = codegen("breaking", "old.yaml", "--spec", "old.yaml")
    assert done.returncode == 0
    assert done.stdout == (
        "0 breaking, 0 dangerous, 0 safe\n"
        "no new version is needed; info.version is 1.4.0, as before\n"
    )


def test_safe_changes_are_listed_when_asked_for(files: Path, codegen: Command) -> None:
    done = codegen("breaking", "new.yaml", "--spec", "old.yaml")
    assert done.returncode == 0
    assert "limit-loosened" not in done.stdout
    assert "limit-loosened" in codegen("breaking", "new.yaml", "--spec", "old.yaml", "--all").stdout


def test_revision_of_git_is_read_with_all_its_files_and_nothing_is_checked_out(
    repository: Path, codegen: Command
) -> None:
    write(repository / "api" / "openapi.yaml", changed())
    (repository / "api" / "parts.yaml").unlink()
    spec = ("--spec", "api/openapi.yaml")
    done = codegen("breaking", "HEAD", *spec, PATH=os.environ["PATH"])
    assert (done.returncode, done.stderr) == (5, "")
    assert "limit-tightened" in done.stdout
    assert not (repository / "api" / "parts.yaml").exists()


def test_what_is_gone_is_placed_in_the_revision_that_had_it(
    repository: Path, codegen: Command
) -> None:
    contract = changed(maximum=None)
    del contract["paths"]["/pets"]["get"]["parameters"]
    write(repository / "api" / "openapi.yaml", contract)
    done = codegen("breaking", "HEAD", "--spec", "api/openapi.yaml", PATH=os.environ["PATH"])
    assert done.returncode == 0
    assert "HEAD:./api/parts.yaml:1:1 parameter-removed [request dangerous]" in done.stdout


@pytest.mark.parametrize("base", ["nowhere", "--help-me", "HEAD~5", ""])
def test_base_that_is_nothing_ends_with_1_and_says_what_to_give(
    repository: Path, codegen: Command, base: str
) -> None:
    spec = ("--spec", "api/openapi.yaml")
    done = codegen("breaking", *spec, "--", base, PATH=os.environ["PATH"])
    assert done.returncode == 1
    assert "CG001" in done.stderr
    assert "neither a file nor a revision" in done.stderr


def test_without_git_a_revision_ends_with_1(files: Path, codegen: Command) -> None:
    done = codegen("breaking", "HEAD", "--spec", "new.yaml")
    assert done.returncode == 1
    assert "git can't be run" in done.stderr


def test_contract_that_cannot_be_read_ends_with_1(files: Path, codegen: Command) -> None:
    (files / "old.yaml").write_text("openapi: 3.1.0\npaths: {/a: {$ref: '#/nowhere'}}\n")
    done = codegen("breaking", "old.yaml", "--spec", "new.yaml")
    assert done.returncode == 1
    assert re.search(r"^old\.yaml:\d+:\d+ CG010 ", done.stderr, re.M)


def test_contract_that_is_not_there_is_named_and_not_the_revision(
    repository: Path, codegen: Command
) -> None:
    done = codegen("breaking", "HEAD", "--spec", "api/nowhere.yaml", PATH=os.environ["PATH"])
    assert done.returncode == 1
    assert "api/nowhere.yaml:1:1 CG001 No such file or directory" in done.stderr


def test_header_that_always_comes_or_may_be_absent_is_named(files: Path, codegen: Command) -> None:
    for name, required in (("old.yaml", (True, False)), ("new.yaml", (False, True))):
        contract = changed(maximum=None)
        etag, age = ({"required": each, "schema": {"type": "string"}} for each in required)
        answers = contract["paths"]["/pets"]["get"]["responses"]
        answers["200"]["headers"] = {"ETag": etag, "Age": age}
        write(files / name, contract)
    done = codegen("breaking", "old.yaml", "--spec", "new.yaml", "--all")
    assert "answer 200: the header etag may be absent now" in done.stdout
    assert "answer 200: the header age always comes now" in done.stdout


def test_malformed_parts_are_told_and_passed_over(files: Path, codegen: Command) -> None:
    contract = changed()
    contract["paths"]["/pets"]["get"]["parameters"].append({"name": "q", "in": "nowhere"})
    write(files / "new.yaml", contract)
    done = codegen("breaking", "old.yaml", "--spec", "new.yaml")
    assert done.returncode == 5
    assert re.search(r"^new\.yaml:\d+:\d+ CG006 ", done.stderr, re.M)
    assert "limit-tightened" in done.stdout


def accept(folder: Path, **fields: str) -> None:
    entry = {"rule": "limit-tightened", "reason": "no client asks for more", "until": "2026-07-01"}
    lines = [f'{key} = "{value}"' for key, value in {**entry, **fields}.items()]
    table = ["[[tool.codegen.breaking.ignore]]", *lines]
    settings = '[tool.codegen]\nspec = "new.yaml"\nout = "api"\n\n'
    (folder / "pyproject.toml").write_text(settings + "\n".join(table) + "\n")


def test_accepted_change_is_shown_apart_and_needs_no_version(files: Path, codegen: Command) -> None:
    accept(files, operation="GET /pets", message="parameter limit: *")
    done = codegen("breaking", "old.yaml", "--today", "2026-06-30")
    assert done.returncode == 0
    assert "ACCEPTED (1)" in done.stdout
    assert "until 2026-07-01: no client asks for more" in done.stdout


def test_entry_that_ended_is_told_and_hides_nothing(files: Path, codegen: Command) -> None:
    accept(files)
    done = codegen("breaking", "old.yaml", "--today", "2026-07-01")
    assert done.returncode == 5
    assert "pyproject.toml:5:1 the entry for limit-tightened ended on 2026-07-01" in done.stdout


def test_entry_for_another_operation_hides_nothing_and_is_told(
    files: Path, codegen: Command
) -> None:
    accept(files, operation="POST *")
    done = codegen("breaking", "old.yaml", "--today", "2026-06-30")
    assert done.returncode == 5
    assert "fits no change and can go" in done.stdout


def test_accepted_changes_may_stand_in_a_file_of_their_own(files: Path, codegen: Command) -> None:
    settings = (
        '[tool.codegen]\nspec = "new.yaml"\nout = "api"\nbreaking.ignore-file = "ignore.toml"\n'
    )
    (files / "pyproject.toml").write_text(settings)
    entry = '[[ignore]]\nrule = "limit-*"\nreason = "r"\nuntil = 2026-07-01\n'
    (files / "ignore.toml").write_text(entry)
    assert codegen("breaking", "old.yaml", "--today", "2026-06-30").returncode == 0
    done = codegen("breaking", "old.yaml", "--today", "2026-07-02")
    assert done.returncode == 5
    assert "ignore.toml:1:1 the entry for limit-* ended" in done.stdout


@pytest.mark.parametrize("field", [{"until": "soon"}, {"until": "2026-02-30"}, {"wrong": "x"}])
def test_malformed_entry_ends_with_1_at_its_line(
    files: Path, codegen: Command, field: dict[str, str]
) -> None:
    accept(files, **field)
    done = codegen("breaking", "old.yaml")
    assert done.returncode == 1
    assert "pyproject.toml:5:1 CG090" in done.stderr


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ('tool = "x"\n', "limit-tightened"),
        ("[tool.codegen]\nbreaking = 1\n", "pyproject.toml:1:1 CG090"),
        ("[tool\n", "pyproject.toml:1:6 CG090"),
        ('[tool.codegen.breaking]\nignore-file = "nowhere.toml"\n', "nowhere.toml:1:1 CG090"),
        ('[tool.codegen.breaking]\nignore-file = "ignore.toml"\n', "ignore.toml:2:2 CG090"),
    ],
)
def test_settings_of_any_form_give_no_traceback(
    files: Path, codegen: Command, settings: str, expected: str
) -> None:
    (files / "pyproject.toml").write_text(settings)
    (files / "ignore.toml").write_text("ignore = [\n x\n")
    done = codegen("breaking", "old.yaml", "--spec", "new.yaml")
    assert expected in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
