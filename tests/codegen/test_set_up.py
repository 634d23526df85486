"""The tutorial's set-up, typed to the letter in an empty folder: a new environment, and pip.

What the project needs is taken from where these tests run, so no registry is asked: pip still has
to find every requirement met, and to build and install the project itself.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from .conftest import ROOT
from .test_tutorial import TUTORIAL

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
    """All that is installed here, the builder included, without the project itself."""
    folder = tmp_path_factory.mktemp("requirements")
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith(("__editable__", "collector")) and entry.suffix != ".pth":
            (folder / entry.name).symlink_to(entry)
    # Where a program that comes in a package is looked for.
    (folder / "bin").symlink_to(Path(sys.executable).parent)
    return folder


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
