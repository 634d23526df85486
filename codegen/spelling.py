"""Checks the words of a contract that a machine has to read: paths, headers, media types, patterns.

OpenAPI's meta-schemas take any text there; what is misspelt would never match a request, or keep
the service from starting.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import jsonschema_rs

from .bundle import Bundle
from .cache import Cache
from .diagnostics import Findings
from .names import template_names
from .shape import Node, Pointer, walk
from .units import Unit

# RFC 9110, 5.6.2 and 8.3.1. Ranges are OpenAPI's.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PARAMETER = rf"\s*;\s*{_TOKEN.pattern}=({_TOKEN.pattern}|\"[^\"]*\")"
_MEDIA_TYPE = re.compile(rf"{_TOKEN.pattern}/{_TOKEN.pattern}({_PARAMETER})*\s*;?")
_WITH_NAMES = ("header", "cookie")
_NOT_IN_BRACES = re.compile(r"[/?#{}]")


# Where it stands, its code, the message, the hint.
_Found = tuple[Pointer, str, str, str]


def check_spelling(
    contract: Bundle, units: Mapping[str, Unit], findings: Findings, cache: Cache
) -> None:
    known = cache.shelf("spelling")
    for unit in units.values():
        if unit.key not in known:
            known[unit.key] = list(_of_unit(unit.node))
        for pointer, code, message, hint in known.used(unit.key):
            findings.add(contract.place(tuple(pointer)), code, message, hint)
    for pointer, code, message, hint in _of_paths(contract.document.get("paths")):
        findings.add(contract.place(pointer), code, message, hint)


def _of_unit(unit: Node) -> Iterator[_Found]:
    for node in walk(unit):
        if not isinstance(node.value, dict):
            continue
        if node.kind == "parameter" and node.value.get("in") in _WITH_NAMES:
            yield from _of_name((*node.pointer, "name"), node.value.get("name"))
        elif node.kind == "response":
            yield from _of_headers(node)
        elif node.kind == "schema":
            yield from _of_patterns(node)
        if node.kind in ("request_body", "response"):
            yield from _of_media_types(node)


def _of_paths(paths: Any) -> Iterator[_Found]:
    for path in paths if isinstance(paths, dict) else ():
        for message, hint in _mistakes_in(path):
            yield ("paths", path), "CG034", f"{path} is no path: {message}", hint


def _mistakes_in(path: str) -> Iterator[tuple[str, str]]:
    if path.startswith("x-"):
        return
    between = path
    for name in template_names(path):
        between = between.replace("{" + name + "}", "", 1)
        if not name:
            yield "a pair of braces is empty", "name the parameter, as in /pets/{pet_id}"
        elif _NOT_IN_BRACES.search(name):
            yield f"{name!r} can't be the name of a parameter", "take letters, digits and _"
    if "{" in between or "}" in between:
        yield "a brace has no other one", "a parameter stands in a pair of braces, as in /pets/{id}"


def _of_name(pointer: Pointer, name: object) -> Iterator[_Found]:
    if isinstance(name, str) and name and not _TOKEN.fullmatch(name):
        odd = next(char for char in name if not _TOKEN.fullmatch(char))
        message = f"{name!r} can't be the name of a header or cookie: HTTP has no {odd!r} in one"
        yield pointer, "CG035", message, "take letters, digits, - and _"


def _of_headers(node: Node) -> Iterator[_Found]:
    headers = node.value.get("headers")
    for name in headers if isinstance(headers, dict) else ():
        yield from _of_name((*node.pointer, "headers", name), name)


def _of_patterns(node: Node) -> Iterator[_Found]:
    patterns = {(*node.pointer, "pattern"): node.value.get("pattern")}
    named = node.value.get("patternProperties")
    for key in named if isinstance(named, dict) else ():
        patterns[*node.pointer, "patternProperties", key] = key
    for pointer, pattern in patterns.items():
        if isinstance(pattern, str) and not _is_pattern(pattern):
            message = f"the pattern {pattern!r} can't be read"
            yield (
                pointer,
                "CG007",
                message,
                "write it as JavaScript does, without slashes and flags",
            )


@cache
def _is_pattern(pattern: str) -> bool:
    """Whether the engine that checks requests takes it."""
    try:
        jsonschema_rs.Draft202012Validator({"pattern": pattern})
    except ValueError:
        return False
    return True


def _of_media_types(node: Node) -> Iterator[_Found]:
    content = node.value.get("content")
    for media_type in content if isinstance(content, dict) else ():
        if not _MEDIA_TYPE.fullmatch(media_type):
            hint = "write type/subtype, such as application/json; */* stands for any"
            pointer = (*node.pointer, "content", media_type)
            yield pointer, "CG036", f"{media_type!r} is no media type", hint
