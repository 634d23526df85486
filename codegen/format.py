"""Lays out emitted Python text with ruff: in one run all that isn't known from the run before."""

import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ruff import find_ruff_bin

from .cache import Cache
from .manifest import digest

# A file's text, or parts of it that stand two lines apart: each is laid out by itself.
Text = str | tuple[str, ...]

_OPTIONS = ["--isolated", "--no-cache", "--quiet", "--line-length=100", "--target-version=py311"]
_STEPS = (["check", "--select=I", "--fix"], ["format"])
_APART = "\n\n\n"


def format_python(files: Mapping[str, Text], cache: Cache) -> dict[str, str]:
    """The same files with every `.py` laid out. Raises RuntimeError if one isn't Python.

    What came of the same text in the package is taken from there as it is.
    """
    shelf = cache.shelf("layout")
    parts = {name: _parts(text) for name, text in files.items() if name.endswith(".py")}
    known = {name: _known(name, shelf[name], cache) if name in shelf else {} for name in parts}
    missing = {
        name: {key: part for key, part in keyed if key not in known[name]}
        for name, keyed in parts.items()
    }
    for name, made in _laid_out({name: made for name, made in missing.items() if made}).items():
        known[name] |= made
    done = {name: _APART.join(_texts(text)) for name, text in files.items()}
    for name, keyed in parts.items():
        laid_out = [(key, known[name][key]) for key, _ in keyed]
        done[name] = _APART.join(part for _, part in laid_out) + "\n"
        shelf[name] = {"file": digest(done[name].encode()), "places": _places(laid_out)}
        shelf.used(name)
    return done


def _texts(text: Text) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else text


def _parts(text: Text) -> list[tuple[str, str]]:
    """Each with a digest of it before it."""
    return [(digest(part.encode()), part) for part in _texts(text)]


def _places(parts: Iterable[tuple[str, str]]) -> dict[str, list[int]]:
    """Where each begins and ends in their file."""
    places, at = {}, 0
    for key, part in parts:
        places[key] = [at, at + len(part)]
        at += len(part) + len(_APART)
    return places


def _known(name: str, entry: dict[str, Any], cache: Cache) -> dict[str, str]:
    content = cache.package_file(name, entry["file"])
    if content is None:
        return {}
    text = content.decode()
    return {key: text[start:end] for key, (start, end) in entry["places"].items()}


def _laid_out(files: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    if not files:
        return {}
    with tempfile.TemporaryDirectory(prefix="codegen-") as folder:
        root = Path(folder)
        for name, parts in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_border(parts).join(parts.values()), encoding="utf-8")
        for step in _STEPS:
            _run([find_ruff_bin(), *step, *_OPTIONS, folder])
        return {
            name: dict(zip(parts, _divided(root / name, parts), strict=True))
            for name, parts in files.items()
        }


def _divided(path: Path, parts: Iterable[str]) -> list[str]:
    return path.read_text(encoding="utf-8").rstrip("\n").split(_border(parts))


def _border(keys: Iterable[str]) -> str:
    """A comment that stands in none of the parts with these keys, and stays where it is."""
    return f"{_APART}# {digest(''.join(keys).encode())}\n"


def _run(command: list[str]) -> None:
    done = subprocess.run(  # noqa: S603  # a program that we depend on, on files of our own
        command, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"ruff can't lay out the emitted code:\n{done.stdout}{done.stderr}")
