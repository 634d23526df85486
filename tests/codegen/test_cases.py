"""Each folder of `cases/` is a contract with what must come of it: `expected/` or `errors.txt`.

UPDATE_EXPECTED=1 rewrites both from what does come; read the diff before committing it.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from codegen.diagnostics import ContractError
from codegen.render import render

CASES = Path(__file__).parent / "cases"
UPDATE = os.environ.get("UPDATE_EXPECTED") == "1"
# The same for every contract, or the contract once more.
NOT_COMPARED = ("runtime/", "py.typed")


def contract_in(case: Path) -> Path:
    return next(case.glob("openapi.*"))


def all_cases() -> list[str]:
    return sorted(case.name for case in CASES.iterdir())


def wrong_cases() -> list[str]:
    return [
        name for name in all_cases() if name.startswith(("bad_", "not_", "repeated", "swagger"))
    ]


def right_cases() -> list[str]:
    return sorted(set(all_cases()) - set(wrong_cases()))


@pytest.mark.parametrize("name", right_cases())
def test_contract_gives_the_expected_package(name: str) -> None:
    spec = contract_in(CASES / name)
    rendered = render(spec, spec.name)
    found = {
        path: content.decode()
        for path, content in rendered.files.items()
        if not path.startswith(NOT_COMPARED)
    }
    folder = CASES / name / "expected"
    if UPDATE:
        write(folder, found)
    assert found == read(folder)


@pytest.mark.parametrize("name", right_cases())
def test_warnings_of_a_contract_are_the_expected_ones(name: str) -> None:
    spec = contract_in(CASES / name)
    found = "".join(f"{warning}\n" for warning in render(spec, spec.name).warnings)
    compare_text(CASES / name / "warnings.txt", found)


def test_packages_are_imported_without_a_warning(tmp_path: Path) -> None:
    modules = []
    rendered = render(contract_in(CASES / "library"), "openapi.yaml").files
    runtime = {
        path: content.decode()
        for path, content in rendered.items()
        if path.startswith(NOT_COMPARED)
    }
    for name in right_cases():
        write(tmp_path / name, read(CASES / name / "expected") | runtime)
        modules += [f"{name}.routes", f"{name}.client"]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"import {', '.join(modules)}"],
        # Where paths are safe, the working folder is none to import from.
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", wrong_cases())
def test_wrong_contract_gives_all_its_errors_at_once_sorted_by_place(name: str) -> None:
    spec = contract_in(CASES / name)
    with pytest.raises(ContractError) as caught:
        render(spec, spec.name)
    compare_text(CASES / name / "errors.txt", f"{caught.value}\n")


def compare_text(file: Path, found: str) -> None:
    if UPDATE:
        file.write_text(found, encoding="utf-8")
    assert found == file.read_text(encoding="utf-8")


def write(folder: Path, files: dict[str, str]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


def read(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
