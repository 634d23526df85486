"""What the text of a `$ref` says of itself, and what was probably meant where it leads nowhere."""

import re
from pathlib import Path
from typing import Any

from .shape import Kind, section_of
from .suggestions import did_you_mean, nearest_fragment

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:|//")
_UNSAFE = re.compile(r"[^a-zA-Z0-9._-]+")
_DEFINE = "define it there, or correct the reference"


def is_absolute(file: str) -> bool:
    """Whether it is a URL or a URN, which is never fetched, and no path to a file."""
    return _SCHEME.match(file) is not None


def file_hint(path: Path, reference: str, document: Any, kind: Kind) -> str:
    """`document` is the file that the reference stands in."""
    meant = _fragment_of(reference, document, kind)
    if meant:
        return f"did you mean #{meant}?"
    beside = path.parent.iterdir() if path.parent.is_dir() else ()
    return did_you_mean(path.name, (each.name for each in beside if each != path), "")


def fragment_hint(file: str, fragment: str, document: Any, kind: Kind) -> str:
    near = nearest_fragment(document, fragment)
    if near is None and not fragment.startswith("/"):
        near = _fragment_of(fragment, document, kind)
        if near is None:
            return "what follows # is a path from the top of the file: it begins with /"
    return f"did you mean {file}#{near}?" if near else _DEFINE


def _fragment_of(name: str, document: Any, kind: Kind) -> str | None:
    """A fragment where only a name was given, or the # was left out."""
    section = section_of(kind)
    for fragment in (f"/{name.lstrip('/')}", f"/components/{section}/{name}"):
        near = nearest_fragment(document, fragment)
        if near == fragment or (near and near.casefold() == fragment.casefold()):
            return near
    return None


def component_name(name: str) -> str:
    """The name as OpenAPI takes it for a component."""
    return _UNSAFE.sub("_", name).strip("_") or "unnamed"
