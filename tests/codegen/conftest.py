"""What these tests share: the command run as a user runs it, and a generated package to try."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
LIBRARY = HERE / "cases" / "library"

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def codegen(tmp_path: Path) -> Command:
    """Runs `codegen` in a folder of its own, with `environment` added to a bare one."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "codegen", *arguments],
            cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT), "PATH": "", **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package `library`, generated from the case of that name."""
    folder = tmp_path_factory.mktemp("generated")
    options = ["--spec", str(LIBRARY / "openapi.yaml"), "--out", str(folder / "library")]
    subprocess.run(
        [sys.executable, "-m", "codegen", "generate", *options],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=60,
    )
    return folder
