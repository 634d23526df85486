"""`codegen init`: what it writes, and what it refuses. That it works, the tutorial's test shows."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from codegen.init import service_files

from .conftest import ROOT, Command
from .test_boundary import OWN_NOUNS


def test_new_service_is_as_its_contract_has_it(tmp_path: Path, codegen: Command) -> None:
    done = codegen("init", "lost-and-found")
    assert done.returncode == 0
    folder = tmp_path / "lost-and-found"
    assert (folder / "README.md").read_text().startswith("# Lost and found\n")
    assert tomllib.loads((folder / "pyproject.toml").read_text())["project"]["name"] == folder.name
    for path in folder.rglob("*"):
        assert not re.search("SERVICE_(NAME|TITLE)", path.name)
        assert not path.is_file() or "SERVICE_NAME" not in path.read_text()
    checked = codegen(
        "check", "--spec", "lost-and-found/openapi.yaml", "--out", "lost-and-found/api"
    )
    assert (checked.returncode, checked.stdout) == (0, "")


@pytest.mark.parametrize("name", ["Upper", "1st", "a/b", "..", "a b", "", "x" * 51])
def test_name_that_no_service_can_have_is_refused(
    tmp_path: Path, codegen: Command, name: str
) -> None:
    done = codegen("init", name)
    assert done.returncode == 1
    assert "this can't be the name of a service: begin it with a small letter" in done.stderr
    assert not any(tmp_path.iterdir())


def test_folder_with_something_in_it_is_left_alone(tmp_path: Path, codegen: Command) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "mine.txt").write_text("mine")
    done = codegen("init", "shop")
    assert done.returncode == 1
    assert "shop is there already: take another name, or empty it" in done.stderr
    assert [path.name for path in (tmp_path / "shop").iterdir()] == ["mine.txt"]


def test_folder_that_cant_be_made_is_an_error_that_names_it(
    tmp_path: Path, codegen: Command
) -> None:
    (tmp_path / "shop").symlink_to("elsewhere/shop")
    done = codegen("init", "shop")
    assert done.returncode == 1
    assert "can't be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_empty_folder_is_filled(tmp_path: Path, codegen: Command) -> None:
    (tmp_path / "shop").mkdir()
    assert codegen("init", "shop").returncode == 0
    assert (tmp_path / "shop" / "api" / "operations.py").exists()


def test_new_service_needs_what_the_generator_is_tested_with() -> None:
    """The same versions, as the generated runtime is written for them."""
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    known = {*ours["dependencies"], *ours["optional-dependencies"]["dev"]}
    made = tomllib.loads(service_files("shop")["pyproject.toml"])["project"]
    needed = [*made["dependencies"], *made["optional-dependencies"]["dev"]]
    assert [each for each in needed if re.search("[=><]", each) and each not in known] == []


def test_new_service_lists_all_that_its_package_imports(tmp_path: Path, codegen: Command) -> None:
    assert codegen("init", "shop").returncode == 0
    made = tomllib.loads((tmp_path / "shop" / "pyproject.toml").read_text())["project"]
    listed = [*made["dependencies"], *made["optional-dependencies"]["dev"]]
    names = {re.split(r"[\[=><]", each)[0] for each in listed}
    providers = packages_distributions()
    for file in (tmp_path / "shop" / "api").rglob("*.py"):
        # pydantic_core is a part of pydantic, pinned by it.
        for module in imported_modules(file) - sys.stdlib_module_names - {"pydantic_core"}:
            provided_by = {each.replace("_", "-") for each in providers[module]}
            assert names & provided_by, f"{file}: {module}"


def imported_modules(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def test_new_service_has_nothing_of_the_one_that_lives_beside_the_generator() -> None:
    for name, text in service_files("shop").items():
        assert not OWN_NOUNS.search(text), name
