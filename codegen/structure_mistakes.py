"""Says of what breaks a meta-schema of OpenAPI what is wrong and what to do, in plain words. Pure.

A validator says several things where one is wrong: what only follows from it is left out.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

import jsonschema_rs

from .pointers import value_at
from .shape import METHODS, SECTIONS, Pointer
from .suggestions import did_you_mean

Version = Literal["3.0", "3.1"]

_COMPONENT_NAME = re.compile(r"[a-zA-Z0-9._-]+")
_MAX_TEXT = 160
TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
_IN_WORDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "a mapping",
    "string": "text",
}
_OF_FIELDS = 2
_TOP = ("openapi", "info", "servers", "paths", "components", "security", "tags", "externalDocs")
_NULLABLE = "OpenAPI 3.0 has one type, and `nullable: true` for null"
_OF_3_1 = (
    "$anchor", "$defs", "$id", "$schema", "contains", "contentEncoding", "contentMediaType",
    "dependentRequired", "dependentSchemas", "else", "examples", "if", "pathItems",
    "patternProperties", "prefixItems", "propertyNames", "then", "unevaluatedItems",
    "unevaluatedProperties", "webhooks",
)  # fmt: skip
# Where OpenAPI 3.0 and 3.1 differ in what a keyword takes, or whether there is one.
_HINTS: dict[tuple[str, str], str] = {
    ("3.0", "type"): _NULLABLE,
    ("3.0", "const"): "it is of OpenAPI 3.1: use `enum` with one value",
    ("3.0", "exclusiveMinimum"): "OpenAPI 3.0 has `exclusiveMinimum: true` beside `minimum`",
    ("3.0", "exclusiveMaximum"): "OpenAPI 3.0 has `exclusiveMaximum: true` beside `maximum`",
    ("3.1", "exclusiveMinimum"): "OpenAPI 3.1 has the number here, and no `minimum`",
    ("3.1", "exclusiveMaximum"): "OpenAPI 3.1 has the number here, and no `maximum`",
    ("3.1", "items"): "OpenAPI 3.1 has `prefixItems` for a list of schemas",
    ("3.1", "required"): "name the property in the `required` list of the object around it",
    **dict.fromkeys([("3.0", keyword) for keyword in _OF_3_1], "it is of OpenAPI 3.1"),
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """`broken` is the part that is malformed; `shown` what to look at: it, or a field of it."""

    broken: Pointer
    shown: Pointer
    message: str
    hint: str = ""


def mistakes(
    document: Any,
    at: Pointer,
    errors: Iterable[jsonschema_rs.ValidationError],
    version: Version,
    names: frozenset[str] = frozenset(),
) -> list[Mistake]:
    """One for each thing that is wrong in `document`, which stands at the pointer `at`.

    `names` are those of all fields, from which a misspelt one is told.
    """
    found: list[Mistake] = []
    told: set[Pointer] = set()
    for rank, group in groupby(sorted(_leaves(errors), key=_rank), key=_rank):
        made = [
            mistake
            for error in group
            for mistake in _of_error(error, (*at, *_pointer(document, error)), version, names)
        ]
        fresh = [mistake for mistake in made if not _is_told(mistake, told, rank)]
        found += fresh
        told |= {mistake.shown for mistake in fresh}
    return found


def _is_told(mistake: Mistake, told: set[Pointer], rank: int) -> bool:
    """Whether what is wrong there has been said: of the value, or of a part of the odd field."""
    if rank < _OF_FIELDS:
        return mistake.shown in told
    length = len(mistake.shown)
    return any(shown[:length] == mistake.shown for shown in told)


def _rank(error: jsonschema_rs.ValidationError) -> int:
    """What is wrong with a value goes before what that makes of the object around it."""
    if getattr(error.kind, "unexpected", None):
        return _OF_FIELDS
    return 1 if error.kind.name in ("required", "enum", "not") else 0


def _leaves(
    errors: Iterable[jsonschema_rs.ValidationError],
) -> Iterator[jsonschema_rs.ValidationError]:
    """The errors that name the actual mistake, where a choice between forms failed."""
    for error in errors:
        branches = getattr(error.kind, "context", None) or []
        meant = [branch for branch in branches if branch and not _is_reference_branch(branch)]
        if not meant or not isinstance(error.instance, dict):
            yield error
            continue
        deepest = max(meant, key=lambda branch: max(len(inner.instance_path) for inner in branch))
        yield from _leaves(deepest)


def _is_reference_branch(branch: list[jsonschema_rs.ValidationError]) -> bool:
    return any(getattr(error.kind, "property", None) == "$ref" for error in branch)


def _pointer(document: Any, error: jsonschema_rs.ValidationError) -> Pointer:
    """The validator gives numeric keys of mappings as numbers; the document has text."""
    pointer: Pointer = ()
    for token in error.instance_path:
        inside = value_at(document, pointer)
        pointer = (*pointer, int(token) if isinstance(inside, list) else str(token))
    return pointer


def _of_error(
    error: jsonschema_rs.ValidationError, pointer: Pointer, version: Version, names: frozenset[str]
) -> Iterator[Mistake]:
    if unexpected := getattr(error.kind, "unexpected", None):
        for name in unexpected:
            message, hint = _of_field(name, error.instance, pointer, version, names)
            yield Mistake(pointer, (*pointer, name), message, hint)
    elif error.kind.name == "propertyNames":
        for name in error.instance if isinstance(error.instance, dict) else ():
            if not _COMPONENT_NAME.fullmatch(name):
                message = f"`{name}` can't be the name of a component"
                hint = "letters of a to z, digits, `.`, `-` and `_` may stand in one"
                yield Mistake((*pointer, name), (*pointer, name), message, hint)
    else:
        yield Mistake(pointer, pointer, *_of_value(error, pointer, version))


def _of_field(
    name: str, holder: Any, pointer: Pointer, version: Version, names: frozenset[str]
) -> tuple[str, str]:
    if pointer == ("paths",):
        return f"`{name}` is no path", "a path begins with /; what is common to all goes to servers"
    if pointer and pointer[-1] == "responses":
        hint = "100 to 599, 1XX to 5XX and default are, in these letters"
        return f"`{name}` is no status of an answer", hint
    message = f"{_where(pointer)} may not have the field `{name}`"
    if isinstance(holder, dict) and "$ref" in holder:
        return message, "beside `$ref` only `summary` and `description` may stand"
    if (version, name) in _HINTS:
        return message, _HINTS[version, name]
    if name.lower() in METHODS and name != name.lower():
        return message, f"did you mean {name.lower()}?"
    others = _fields(pointer, names) - set(holder)
    return message, did_you_mean(name, others, "fields of your own begin with x-")


def _fields(pointer: Pointer, names: frozenset[str]) -> frozenset[str]:
    """Those that are known of the object at a pointer, or all."""
    if not pointer:
        return frozenset(_TOP)
    if pointer == ("components",):
        return frozenset(SECTIONS)
    is_path_item = len(pointer) == len(("paths", "/pets")) and pointer[0] == "paths"
    return METHODS | {"parameters", "servers"} if is_path_item else names


def _of_value(
    error: jsonschema_rs.ValidationError, pointer: Pointer, version: Version
) -> tuple[str, str]:
    """Message and hint."""
    # Which attributes there are depends on the name.
    kind: Any = error.kind
    where = _where(pointer)
    hint = _keyword_hint(pointer, version)
    if missing := getattr(kind, "property", None):
        return f"{where} lacks the field `{missing}`", ""
    match kind.name:
        case "type":
            wanted = " or ".join(_IN_WORDS[name] for name in kind.types)
            return f"{where} must be {wanted}, not {_shown(error.instance)}", hint
        case "enum" if len(kind.options) <= len(TYPES):
            options = ", ".join(map(str, kind.options))
            return f"{where} must be one of {options}, not {_shown(error.instance)}", hint
        case "const":
            wanted = json.dumps(kind.expected_value)
            return f"{where} must be {wanted}, not {_shown(error.instance)}", ""
        case "minProperties" | "minItems":
            return f"{where} may not be empty", ""
        case "maxProperties":
            return f"{where} may have {kind.limit} at most", ""
        case "uniqueItems":
            return f"{where} has a value twice", ""
        case "format":
            return f"{where} is not of the form {kind.format}: {_shown(error.instance)}", ""
        case "oneOf" if isinstance(error.instance, dict) and "schema" in error.instance:
            return f"{where} has both `schema` and `content`", "leave out one of the two"
    return _of_choice(error, where, pointer)


def _keyword_hint(pointer: Pointer, version: Version) -> str:
    if pointer[-1:] == ("required",) and pointer[-3:-2] != ("properties",):
        return ""
    return _HINTS.get((version, str(pointer[-1])), "") if pointer else ""


def _of_choice(
    error: jsonschema_rs.ValidationError, where: str, pointer: Pointer
) -> tuple[str, str]:
    if isinstance(error.instance, dict | list) and error.instance:
        return f"{where} breaks the rule `{error.kind.name}`", ""
    if error.kind.name in ("anyOf", "oneOf"):
        hint = ""
        if pointer[-1:] == ("type",):
            hint = did_you_mean(str(error.instance), TYPES, f"types are {', '.join(TYPES)}")
        return f"{where}: {_shown(error.instance)} is not an allowed value", hint
    return f"{where}: {error.message[:_MAX_TEXT]}", ""


def _where(pointer: Pointer) -> str:
    if not pointer:
        return "the contract"
    at_list = isinstance(pointer[-1], int) and len(pointer) > 1
    return f"`{pointer[-2]}/{pointer[-1]}`" if at_list else f"`{pointer[-1]}`"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}…"
