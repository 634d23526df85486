"""The command as users and CI run it: what it writes, what it refuses, how it ends."""

import json
import re
import shutil
from importlib.metadata import version
from pathlib import Path

import pytest

from .conftest import HERE, LIBRARY, Command

PETSTORE = HERE / "contracts" / "petstore-expanded.json"
MODULE = "api/routes/default.py"


@pytest.fixture
def project(tmp_path: Path, codegen: Command) -> Path:
    """A folder with a contract, its settings, and the package generated from it."""
    shutil.copy(PETSTORE, tmp_path / "openapi.json")
    settings = '[tool.codegen]\nspec = "openapi.json"\nout = "api"\n'
    (tmp_path / "pyproject.toml").write_text(settings)
    assert codegen("generate").returncode == 0
    return tmp_path


def edit_contract(project: Path, old: str, new: str) -> None:
    text = (project / "openapi.json").read_text()
    assert old in text
    (project / "openapi.json").write_text(text.replace(old, new))


def modified_times(project: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in (project / "api").rglob("*")}


def test_check_of_a_fresh_package_ends_with_0(project: Path, codegen: Command) -> None:
    for options in ([], ["--full"]):
        done = codegen("check", *options)
        assert (done.returncode, done.stdout) == (0, "")


def test_generating_twice_touches_no_file(project: Path, codegen: Command) -> None:
    before = modified_times(project)
    for options in ([], ["--full"]):
        done = codegen("generate", *options)
        assert "0 written, 0 removed" in done.stderr
        assert modified_times(project) == before


def test_run_with_nothing_changed_loads_no_heavy_library(project: Path, codegen: Command) -> None:
    for command in ("generate", "check"):
        done = codegen(command, PYTHONPROFILEIMPORTTIME="1")
        assert done.returncode == 0
        loaded = set(re.findall(r"\| +([a-z_]+)$", done.stderr, re.MULTILINE))
        assert "click" in loaded
        assert not loaded & {"datamodel_code_generator", "pydantic", "yaml", "jsonschema_rs"}


def test_changed_contract_makes_check_end_with_4_and_name_the_stale_files(
    project: Path, codegen: Command
) -> None:
    edit_contract(project, '"name": "limit"', '"name": "at_most"')
    done = codegen("check")
    assert done.returncode == 4
    assert f"stale {MODULE}\n" in done.stdout
    assert "run: codegen generate" in done.stderr
    assert codegen("generate").returncode == 0
    assert codegen("check", "--full").returncode == 0


def test_file_edited_by_hand_is_named_and_mended(project: Path, codegen: Command) -> None:
    file = project / MODULE
    right = file.read_text()
    file.write_text(right + "# mine\n")
    done = codegen("check")
    assert (done.returncode, done.stdout) == (4, f"edited {MODULE}\n")
    assert codegen("generate").returncode == 0
    assert file.read_text() == right


def test_hand_edit_is_told_from_staleness_after_the_contract_changed(
    project: Path, codegen: Command
) -> None:
    file = project / MODULE
    file.write_text(file.read_text() + "# mine\n")
    edit_contract(project, '"name": "limit"', '"name": "at_most"')
    done = codegen("check")
    assert f"edited {MODULE}\n" in done.stdout
    assert "stale api/operations.py\n" in done.stdout


def test_missing_file_is_named_and_written_again(project: Path, codegen: Command) -> None:
    (project / MODULE).unlink()
    done = codegen("check")
    assert (done.returncode, done.stdout) == (4, f"missing {MODULE}\n")
    assert codegen("generate").returncode == 0
    assert (project / MODULE).exists()


def test_orphaned_module_of_a_renamed_tag_is_named_and_removed(
    project: Path, codegen: Command
) -> None:
    edit_contract(
        project, '"operationId": "findPets",', '"operationId": "findPets", "tags": ["a"],'
    )
    for name in ("addPet", "find pet by id", "deletePet"):
        edit_contract(
            project, f'"operationId": "{name}"', f'"tags": ["a"], "operationId": "{name}"'
        )
    done = codegen("check")
    assert done.returncode == 4
    assert f"orphaned {MODULE}\n" in done.stdout
    assert "missing api/routes/a.py\n" in done.stdout
    assert "2 removed" in codegen("generate").stderr
    assert not (project / MODULE).exists()


def test_foreign_file_in_the_folder_is_refused_and_left_alone(
    project: Path, codegen: Command
) -> None:
    (project / "api" / "notes.py").write_text("mine = 1\n")
    edit_contract(project, '"name": "limit"', '"name": "at_most"')
    before = modified_times(project)
    assert "foreign api/notes.py\n" in codegen("check").stdout
    done = codegen("generate")
    assert done.returncode == 1
    assert "api/notes.py:1:1 CG091" in done.stderr
    assert modified_times(project) == before


def test_a_file_of_the_same_name_as_a_generated_one_is_never_overwritten(
    tmp_path: Path, codegen: Command
) -> None:
    contract = PETSTORE.read_text()
    (tmp_path / "openapi.json").write_text(contract)
    done = codegen("generate", "--spec", "openapi.json", "--out", ".")
    assert done.returncode == 1
    assert "openapi.json:1:1 CG091" in done.stderr
    assert (tmp_path / "openapi.json").read_text() == contract
    assert list(tmp_path.iterdir()) == [tmp_path / "openapi.json"]


def test_lost_or_broken_manifest_only_means_that_all_is_read_again(
    project: Path, codegen: Command
) -> None:
    manifest = project / "api" / ".codegen.json"
    right = manifest.read_text()
    for text in ("{", '{"generator": "", "inputs": 1, "outputs": {}}', "[]"):
        manifest.write_text(text)
        assert codegen("generate").returncode == 0
        assert manifest.read_text() == right


def test_leftover_of_a_killed_run_is_cleaned_up(project: Path, codegen: Command) -> None:
    leftover = project / "api" / "operations.py.codegen-tmp"
    leftover.write_text("half a fi")
    assert "orphaned api/operations.py.codegen-tmp\n" in codegen("check").stdout
    assert codegen("generate").returncode == 0
    assert not leftover.exists()


def test_manifest_holds_no_path_of_the_machine(project: Path) -> None:
    manifest = json.loads((project / "api" / ".codegen.json").read_text())
    assert list(manifest["inputs"]) == ["../openapi.json"]
    assert str(project) not in json.dumps(manifest)


def test_change_of_a_referenced_file_is_seen(tmp_path: Path, codegen: Command) -> None:
    shutil.copytree(HERE / "cases" / "several_files", tmp_path / "parts")
    options = ["--spec", "parts/openapi.yaml", "--out", "api"]
    assert codegen("generate", *options).returncode == 0
    file = tmp_path / "parts" / "schemas.yaml"
    file.write_text(file.read_text().replace("parent:", "ancestor:"))
    done = codegen("check", *options)
    assert (done.returncode, "stale api/models/__init__.py\n" in done.stdout) == (4, True)


def test_error_in_the_contract_ends_with_1_and_writes_nothing(
    project: Path, codegen: Command
) -> None:
    edit_contract(project, '"operationId": "addPet"', '"operationId": "findPets"')
    before = modified_times(project)
    for command in ("generate", "check"):
        done = codegen(command)
        assert done.returncode == 1
        assert re.search(r"^openapi\.json:\d+:\d+ CG021 .*\(.+\)$", done.stderr, re.MULTILINE)
        assert "Traceback" not in done.stderr
    assert modified_times(project) == before


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("", "pyproject.toml:1:1 CG090 there is no table [tool.codegen]"),
        ('[tool.codegen]\nspec = "a"\n', "pyproject.toml:1:1 CG090 'out' is a required property"),
        (
            '[project]\n[tool.codegen]\nspec = "a"\nout = 5\n',
            "pyproject.toml:4:1 CG090 5 is not of type 'string'",
        ),
        ('[tool.codegen]\nspec = "a"\nout = "b"\nother = 1\n', "pyproject.toml:4:1 CG090"),
        ("[tool.codegen\n", "pyproject.toml:1:14 CG090 Expected ']' at the end"),
    ],
)
def test_mistake_in_the_settings_is_named_with_its_line(
    tmp_path: Path, codegen: Command, settings: str, expected: str
) -> None:
    (tmp_path / "pyproject.toml").write_text(settings)
    done = codegen("check")
    assert done.returncode == 1
    assert expected in done.stderr


def test_contract_that_is_not_there_is_an_error_with_its_name(
    tmp_path: Path, codegen: Command
) -> None:
    done = codegen("generate", "--spec", "nowhere.yaml", "--out", "api")
    assert done.returncode == 1
    assert (
        "nowhere.yaml:1:1 CG001 No such file or directory (give the contract's path" in done.stderr
    )


def test_spec_without_out_is_wrong_usage(codegen: Command) -> None:
    done = codegen("generate", "--spec", str(LIBRARY / "openapi.yaml"))
    assert done.returncode == 2
    assert "--spec and --out go together" in done.stderr


@pytest.mark.parametrize("name", ["my-api", "class", "2fa"])
def test_folder_that_no_import_can_name_is_refused_before_anything_is_written(
    tmp_path: Path, codegen: Command, name: str
) -> None:
    for command in ("generate", "check"):
        done = codegen(command, "--spec", str(PETSTORE), "--out", f"parts/{name}")
        assert done.returncode == 1
        assert f"parts/{name}:1:1 CG090 no import statement can name a package" in done.stderr
    assert not list(tmp_path.iterdir())


def test_package_that_is_there_keeps_its_name_whatever_that_is(
    project: Path, codegen: Command
) -> None:
    (project / "api").rename(project / "my-api")
    done = codegen("check", "--spec", "openapi.json", "--out", "my-api")
    assert (done.returncode, done.stdout) == (0, "")


def test_help_says_what_the_exit_codes_mean(codegen: Command) -> None:
    text = codegen("--help").stdout
    assert "4 check found files that differ" in text
    assert "pyproject.toml" in text


def test_help_names_each_command_once_in_the_order_of_use(codegen: Command) -> None:
    listed = codegen("--help").stdout.partition("Commands:\n")[2].splitlines()
    names = ["init", "generate", "check", "lint", "breaking", "explain"]
    assert [line.split()[0] for line in listed] == names
    assert not [line for line in listed if line.endswith("...")]


def test_version_is_that_of_the_distribution(codegen: Command) -> None:
    done = codegen("--version")
    assert (done.returncode, done.stdout) == (0, f"codegen {version('contract-codegen')}\n")


def test_what_is_to_be_explained_is_an_error_where_warnings_come_before_it(
    tmp_path: Path, codegen: Command
) -> None:
    (tmp_path / "openapi.yaml").write_text(
        "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths:\n"
        "  /a: {get: {responses: {'200': {description: ok}}}}\n"
        "  /b/{c}: {get: {operationId: b, tags: [t], responses: {'200': {description: ok}}}}\n"
    )
    done = codegen("generate", "--spec", "openapi.yaml", "--out", "api")
    assert "CG020 warning" in done.stderr.splitlines()[0]
    assert "codegen explain CG030 says more" in done.stderr


def test_output_is_the_same_under_every_hash_seed(tmp_path: Path, codegen: Command) -> None:
    packages = []
    for seed in ("0", "1", "4242"):
        out = f"seed_{seed}"
        done = codegen(
            "generate", "--spec", str(LIBRARY / "openapi.yaml"), "--out", out, PYTHONHASHSEED=seed
        )
        assert done.returncode == 0
        files = sorted(path for path in (tmp_path / out).rglob("*") if path.is_file())
        packages.append(
            {str(path.relative_to(tmp_path / out)): path.read_bytes() for path in files}
        )
    assert packages[0] == packages[1] == packages[2]
