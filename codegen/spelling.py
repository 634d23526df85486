"""Checks the words of a contract that a machine has to read: paths, headers, media types, patterns.

OpenAPI's meta-schemas take any text there; what is misspelt would never match a request, or keep
the service from starting.
"""

import re
from collections.abc import Iterator
from functools import cache

import jsonschema_rs

from .bundle import Bundle
from .diagnostics import Findings
from .names import template_names
from .shape import Node, Pointer, walk

# RFC 9110, 5.6.2 and 8.3.1. Ranges are OpenAPI's.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PARAMETER = rf"\s*;\s*{_TOKEN.pattern}=({_TOKEN.pattern}|\"[^\"]*\")"
_MEDIA_TYPE = re.compile(rf"{_TOKEN.pattern}/{_TOKEN.pattern}({_PARAMETER})*\s*;?")
_WITH_NAMES = ("header", "cookie")
_NOT_IN_BRACES = re.compile(r"[/?#{}]")


def check_spelling(contract: Bundle, findings: Findings) -> None:
    for node in walk(Node("openapi", (), contract.document)):
        if not isinstance(node.value, dict):
            continue
        if node.kind == "paths":
            _check_paths(contract, node, findings)
        elif node.kind == "parameter" and node.value.get("in") in _WITH_NAMES:
            _check_name(contract, (*node.pointer, "name"), node.value.get("name"), findings)
        elif node.kind == "response":
            _check_headers(contract, node, findings)
        elif node.kind == "schema":
            _check_patterns(contract, node, findings)
        if node.kind in ("request_body", "response"):
            _check_media_types(contract, node, findings)


def _check_paths(contract: Bundle, node: Node, findings: Findings) -> None:
    for path in node.value:
        for message, hint in _mistakes_in(path):
            place = contract.place((*node.pointer, path))
            findings.add(place, "CG034", f"{path} is no path: {message}", hint)


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


def _check_name(contract: Bundle, pointer: Pointer, name: object, findings: Findings) -> None:
    if isinstance(name, str) and name and not _TOKEN.fullmatch(name):
        odd = next(char for char in name if not _TOKEN.fullmatch(char))
        message = f"{name!r} can't be the name of a header or cookie: HTTP has no {odd!r} in one"
        findings.add(contract.place(pointer), "CG035", message, "take letters, digits, - and _")


def _check_headers(contract: Bundle, node: Node, findings: Findings) -> None:
    headers = node.value.get("headers")
    for name in headers if isinstance(headers, dict) else ():
        _check_name(contract, (*node.pointer, "headers", name), name, findings)


def _check_patterns(contract: Bundle, node: Node, findings: Findings) -> None:
    patterns = {(*node.pointer, "pattern"): node.value.get("pattern")}
    named = node.value.get("patternProperties")
    for key in named if isinstance(named, dict) else ():
        patterns[*node.pointer, "patternProperties", key] = key
    for pointer, pattern in patterns.items():
        if isinstance(pattern, str) and not _is_pattern(pattern):
            message = f"the pattern {pattern!r} can't be read"
            hint = "write it as JavaScript does, without slashes and flags"
            findings.add(contract.place(pointer), "CG007", message, hint)


@cache
def _is_pattern(pattern: str) -> bool:
    """Whether the engine that checks requests takes it."""
    try:
        jsonschema_rs.Draft202012Validator({"pattern": pattern})
    except ValueError:
        return False
    return True


def _check_media_types(contract: Bundle, node: Node, findings: Findings) -> None:
    content = node.value.get("content")
    for media_type in content if isinstance(content, dict) else ():
        if not _MEDIA_TYPE.fullmatch(media_type):
            place = contract.place((*node.pointer, "content", media_type))
            message = f"{media_type!r} is no media type"
            hint = "write type/subtype, such as application/json; */* stands for any"
            findings.add(place, "CG036", message, hint)
