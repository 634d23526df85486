"""Ordinary text, gathered where it lies: nothing of it is copied into this repository."""

import json
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from formats.registry import FORMATS

ROOT = Path(__file__).resolve().parents[2]
_HERE = Path(__file__).resolve().parent
_SAMPLES = {
    "ctrf": "ctrf",
    "cyclonedx": "cyclonedx",
    "dbt": "dbt",
    "gx": "great_expectations",
    "junit": "junit",
    "lighthouse": "lighthouse",
    "sarif": "sarif",
}


@dataclass(frozen=True, slots=True)
class Corpus:
    """`documents` are JSON values: reports, or texts."""

    name: str
    documents: Callable[[], Iterator[Any]]


def _reports() -> Iterator[Any]:
    """Each sample as it is stored, through its translator."""
    for path in sorted((ROOT / "tests" / "samples").iterdir()):
        name = _SAMPLES.get(path.name.partition("_")[0])
        if name is not None and path.suffix != ".md":
            yield FORMATS[name].translate(path.read_bytes())


def _sources() -> Iterator[Any]:
    """The same samples as they are, which hold much that a translation leaves out."""
    for path in sorted((ROOT / "tests" / "samples").iterdir()):
        text = path.read_text(encoding="utf-8", errors="replace")
        yield json.loads(text) if path.suffix in (".json", ".sarif") else text


def _prose() -> Iterator[Any]:
    for path in sorted(_HERE.glob("*.txt")):
        yield from path.read_text(encoding="utf-8").splitlines()


def _texts(*paths: Path) -> Iterator[Any]:
    for path in paths:
        yield path.read_text(encoding="utf-8", errors="replace")


def _documents() -> Iterator[Any]:
    yield from _texts(*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "openapi.yaml")


def _standard_library() -> Iterator[Any]:
    """Python's own modules: code, comments and docstrings; not what is installed beside them."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    for path in sorted(folder.rglob("*.py")):
        if not {"site-packages", "dist-packages", "test", "tests"} & set(path.parts):
            yield from _texts(path)


def _package_texts() -> Iterator[Any]:
    """Read-mes, descriptions and licences of the installed packages."""
    folder = Path(sysconfig.get_paths()["purelib"])
    for path in sorted(folder.glob("*.dist-info/**/*")):
        if path.is_file() and path.name != "RECORD":
            yield from _texts(path)


def _package_code() -> Iterator[Any]:
    folder = Path(sysconfig.get_paths()["purelib"])
    yield from _texts(*(path for path in sorted(folder.rglob("*.py")) if "test" not in str(path)))


CORPORA = (
    Corpus("samples as reports", _reports),
    Corpus("samples as they are", _sources),
    Corpus("prose, English and Korean", _prose),
    Corpus("this project's documents", _documents),
    Corpus("Python's standard library", _standard_library),
    Corpus("texts of installed packages", _package_texts),
    Corpus("code of installed packages", _package_code),
)
