"""`codegen init`: writes a new contract-first service into a folder of its own.

What it writes are the files of `template/`, with the service's name put in; `run` makes the rest.
"""

import re
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,49}")
_SUFFIX = ".template"


class InitError(Exception):
    """The service can't be made; the message says why and what to do."""


def write_service(name: str, parent: Path) -> Path:
    """Writes a service into the folder `name`, which must be absent or empty. Raises InitError."""
    if not _NAME.fullmatch(name):
        reason = "begin it with a small letter; then up to 49 small letters, digits, - and _"
        raise InitError(f"this can't be the name of a service: {reason}")
    folder = parent / name
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InitError(f"{name} is there already: take another name, or empty it")
    try:
        for path, text in service_files(name).items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InitError(f"{error.filename} can't be written: {error.strerror}") from error
    return folder


def service_files(name: str) -> dict[str, str]:
    title = name.replace("-", " ").replace("_", " ").capitalize()
    return {
        path: text.replace("SERVICE_NAME", name).replace("SERVICE_TITLE", title)
        for path, text in _templates(files(__package__).joinpath("template"), "")
    }


def _templates(folder: Traversable, prefix: str) -> Iterator[tuple[str, str]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _templates(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(_SUFFIX):
            name = entry.name.removesuffix(_SUFFIX)
            yield f"{prefix}{name}", entry.read_text(encoding="utf-8")
