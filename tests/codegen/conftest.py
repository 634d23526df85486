"""What these tests share: the command run as a user runs it, and a generated package to try."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
LIBRARY = HERE / "cases" / "library"
GALLERY = HERE / "cases" / "gallery"

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
    return generated(LIBRARY / "openapi.yaml", tmp_path_factory.mktemp("generated") / "library")


@pytest.fixture(scope="session")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package `gallery`, generated from the case of that name."""
    return generated(GALLERY / "openapi.yaml", tmp_path_factory.mktemp("generated") / "gallery")


def generated(spec: Path, out: Path) -> Path:
    """The folder of the package `out`, once the command has made it."""
    subprocess.run(
        [sys.executable, "-m", "codegen", "generate", "--spec", str(spec), "--out", str(out)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=120,
    )
    return out.parent


@contextmanager
def serving(folder: Path, *command: str) -> Iterator[httpx.Client]:
    """A client of a service that `command PORT` starts, with packages in `folder` to import."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, *command, str(port)],
        env={**os.environ, "PYTHONPATH": str(folder)},
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            wait_until_it_answers(client, process)
            yield client
    finally:
        process.terminate()
        process.wait(timeout=20)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_it_answers(client: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "the service ended before it answered"
        try:
            client.get("/")
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the service did not answer within 60 s")
