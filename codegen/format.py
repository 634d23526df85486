"""Lays out emitted Python text with ruff, all files that changed in one run."""

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ruff import find_ruff_bin

from .cache import Cache
from .manifest import digest

_OPTIONS = ["--isolated", "--no-cache", "--quiet", "--line-length=100", "--target-version=py311"]
_STEPS = (["check", "--select=I", "--fix"], ["format"])


def format_python(files: Mapping[str, str], cache: Cache) -> dict[str, str]:
    """The same files with every `.py` laid out. Raises RuntimeError if one isn't Python.

    Where the file in the package came of the same text, it is taken as it is.
    """
    digests = {name: digest(text.encode()) for name, text in _python(files).items()}
    shelf = cache.shelf("layout")
    laid_out: dict[str, str] = {}
    for name, key in digests.items():
        kept = cache.package_file(name, str(shelf[key])) if key in shelf else None
        if kept is not None:
            laid_out[name] = kept
    laid_out |= _laid_out({name: files[name] for name in digests.keys() - laid_out.keys()})
    for name, key in digests.items():
        shelf[key] = digest(laid_out[name].encode())
        shelf.used(key)
    return {**files, **laid_out}


def _laid_out(files: Mapping[str, str]) -> dict[str, str]:
    if not files:
        return {}
    with tempfile.TemporaryDirectory(prefix="codegen-") as folder:
        root = Path(folder)
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        for step in _STEPS:
            _run([find_ruff_bin(), *step, *_OPTIONS, folder])
        return {name: (root / name).read_text(encoding="utf-8") for name in files}


def _run(command: list[str]) -> None:
    done = subprocess.run(  # noqa: S603  # a program that we depend on, on files of our own
        command, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"ruff can't lay out the emitted code:\n{done.stdout}{done.stderr}")


def _python(files: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in files.items() if name.endswith(".py")}
