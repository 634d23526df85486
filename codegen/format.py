"""Lays out emitted Python text with ruff, all files in one run."""

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

_RUFF = [sys.executable, "-m", "ruff"]
_OPTIONS = ["--isolated", "--no-cache", "--quiet", "--line-length=100", "--target-version=py311"]
_STEPS = (["check", "--select=I", "--fix"], ["format"])


def format_python(files: Mapping[str, str]) -> dict[str, str]:
    """The same files with every `.py` laid out. Raises RuntimeError if one isn't Python."""
    with tempfile.TemporaryDirectory(prefix="codegen-") as folder:
        root = Path(folder)
        for name, text in _python(files).items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        for step in _STEPS:
            _run([*_RUFF, *step, *_OPTIONS, folder])
        laid_out = {name: (root / name).read_text(encoding="utf-8") for name in _python(files)}
    return {**files, **laid_out}


def _run(command: list[str]) -> None:
    done = subprocess.run(  # noqa: S603  # our own interpreter, on files of our own
        command, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"ruff can't lay out the emitted code:\n{done.stdout}{done.stderr}")


def _python(files: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in files.items() if name.endswith(".py")}
