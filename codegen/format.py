"""Lays out emitted Python text with ruff, all files in one run."""

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

_COMMAND = [sys.executable, "-m", "ruff", "format", "--isolated", "--no-cache", "--quiet"]
_LINE_LENGTH = "100"


def format_python(files: Mapping[str, str]) -> dict[str, str]:
    """The same files with every `.py` laid out. Raises RuntimeError if one isn't Python."""
    with tempfile.TemporaryDirectory(prefix="codegen-") as folder:
        root = Path(folder)
        for name, text in _python(files).items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        command = [*_COMMAND, "--line-length", _LINE_LENGTH, "--target-version", "py311", folder]
        done = subprocess.run(  # noqa: S603  # our own interpreter, on files of our own
            command, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"ruff can't lay out the emitted code:\n{done.stderr}")
        laid_out = {name: (root / name).read_text(encoding="utf-8") for name in _python(files)}
    return {**files, **laid_out}


def _python(files: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in files.items() if name.endswith(".py")}
