"""The tutorial's set-up, typed to the letter in an empty folder: a new environment, and pip.

What the generator says it needs is taken from where these tests run, so no registry is asked: pip
still has to find every requirement met, and to build and install the generator itself. Whatever
else is installed here is out of reach.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterable
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from codegen.init import service_files

from .conftest import ROOT
from .test_tutorial import TUTORIAL

PROJECT = tomllib.loads((ROOT / "codegen" / "pyproject.toml").read_text(encoding="utf-8"))
SET_UP = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what git has of this repository: building writes beside the sources."""
    copy = tmp_path_factory.mktemp("repository") / "codegen"
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    for name in listed.stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    return copy


@pytest.fixture(scope="module")
def requirements(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the generator needs by its own word, and the builder; nothing else that is here."""
    folder = tmp_path_factory.mktemp("requirements")
    installed = Path(sysconfig.get_path("purelib"))
    for name in needed([*PROJECT["build-system"]["requires"], *with_extra(PROJECT["project"])]):
        for first in {file.parts[0] for file in distribution(name).files or ()} - {".."}:
            if not (folder / first).exists():
                (folder / first).symlink_to(installed / first)
    # Where a program that comes in a package is looked for.
    (folder / "bin").symlink_to(Path(sys.executable).parent)
    return folder


def with_extra(project: dict[str, Any]) -> list[str]:
    return [*project["dependencies"], *project["optional-dependencies"]["dev"]]


def needed(requirements: Iterable[str]) -> set[str]:
    """The names of all distributions that come with the requirements here."""
    found: set[tuple[str, str]] = set()
    waiting = [(Requirement(one), "") for one in requirements]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        asked = {(requirement.name, one) for one in ("", *requirement.extras)}
        for name, wanted in asked - found:
            found.add((name, wanted))
            more = distribution(name).requires or ()
            waiting.extend((Requirement(one), wanted) for one in more)
    return {name for name, _ in found}


def test_every_package_of_the_generator_is_installed() -> None:
    folders = {file.parent.relative_to(ROOT) for file in (ROOT / "codegen").rglob("__init__.py")}
    named = {".".join(folder.parts) for folder in folders}
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == named


def test_dev_brings_what_a_new_service_asks_for() -> None:
    service = tomllib.loads(service_files("service")["pyproject.toml"])["project"]
    assert set(with_extra(service)) <= set(with_extra(PROJECT["project"]))


@pytest.mark.parametrize("editable", ["-e ", ""])
def test_generator_works_from_a_new_environment(
    tmp_path: Path, repository: Path, requirements: Path, editable: str
) -> None:
    [commands] = SET_UP.findall(TUTORIAL.read_text(encoding="utf-8"))
    assert commands.count("install -e ") == 1
    script = commands.replace("install -e ", f"install {editable}")
    script += "codegen init noticeboard && cd noticeboard && codegen check && codegen lint\n"
    script += 'codegen explain CG010 && command -v codegen && python -c "import codegen; '
    script += 'print(codegen.__file__)"\n'
    done = subprocess.run(
        ["/bin/sh", "-eu", "-c", script],
        cwd=tmp_path,
        env=environment(tmp_path, repository, requirements),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    *_, command, module = done.stdout.splitlines()
    assert command == str(tmp_path / ".venv" / "bin" / "codegen")
    assert Path(module).is_relative_to(repository if editable else tmp_path / ".venv")
    assert "# CG010 error" in done.stdout
    assert "files are as the contract has them" in done.stderr


def environment(home: Path, repository: Path, requirements: Path) -> dict[str, str]:
    return {
        "PATH": f"{Path(sys.base_prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "CODEGEN": str(repository),
        "PYTHONPATH": str(requirements),
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
