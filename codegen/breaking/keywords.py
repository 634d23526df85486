"""What single keywords of a part of a schema add to a view."""

import json
from collections.abc import Iterator
from typing import Any

from ..shape import Pointer
from .side import listed, mapping
from .view import CONDITIONS, Bound, Places, View, json_text

_LARGEST = ("minLength", "minItems", "minProperties", "minContains")
_SMALLEST = ("maxLength", "maxItems", "maxProperties", "maxContains")
_IMPLIED = {
    "object": ("properties", "additionalProperties", "required", "patternProperties"),
    "array": ("items", "prefixItems"),
}


def limit_names(view: View, value: dict[str, Any], keyword: str) -> None:
    """A part closed by `additionalProperties` refuses what other parts of an `allOf` declare."""
    if keyword == "additionalProperties" and not value.get("patternProperties"):
        names = frozenset(mapping(value.get("properties")))
        view.known = names if view.known is None else view.known & names


def add_types(view: View, value: dict[str, Any], or_null: bool) -> None:
    declared = value.get("type")
    names = [declared] if isinstance(declared, str) else listed(declared)
    if names:
        types = frozenset(str(name) for name in names)
        view.nullable = view.nullable and ("null" in types or or_null)
        types = expanded(types - {"null"})
        view.types = types if view.types is None else view.types & types
    for name, keywords in _IMPLIED.items():
        if any(keyword in value for keyword in keywords):
            view.implied |= {name}


def expanded(types: frozenset[str]) -> frozenset[str]:
    return types | {"integer"} if "number" in types else types


def add_values(view: View, pointer: Pointer, value: dict[str, Any], or_null: bool) -> None:
    found = values_of(pointer, value)
    if found is None:
        return
    where = (*pointer, "const" if "const" in value else "enum")
    limit_values(view, found, where, or_null)


def values_of(pointer: Pointer, value: dict[str, Any]) -> dict[str, Pointer] | None:
    """The values that `const` or `enum` allow, by their JSON text; None where neither stands."""
    if "const" in value:
        return {json_text(value["const"]): (*pointer, "const")}
    if "enum" in value:
        listed_values = enumerate(listed(value["enum"]))
        return {json_text(one): (*pointer, "enum", index) for index, one in listed_values}
    return None


def limit_values(view: View, found: dict[str, Pointer], where: Pointer, or_null: bool) -> None:
    """`found` are all values that a part allows, by their JSON text."""
    view.nullable = view.nullable and ("null" in found or or_null)
    plain = {text: place for text, place in found.items() if text != "null"}
    known = view.values
    view.values = plain if known is None else {t: p for t, p in known.items() if t in plain}
    view.at.setdefault("values", where)


def add_limits(view: View, value: dict[str, Any]) -> None:
    for keyword in (*_LARGEST, *_SMALLEST):
        limit = value.get(keyword)
        if isinstance(limit, int | float) and not isinstance(limit, bool):
            known = view.limits.get(keyword, limit)
            larger = keyword in _LARGEST
            view.limits[keyword] = max(known, limit) if larger else min(known, limit)
    lowers = [(value.get("minimum"), False), (value.get("exclusiveMinimum"), True)]
    uppers = [(value.get("maximum"), False), (value.get("exclusiveMaximum"), True)]
    known_lower = [view.lower] if view.lower else []
    known_upper = [view.upper] if view.upper else []
    view.lower = max([*known_lower, *_bounds(lowers)], default=None)
    view.upper = min(
        [*known_upper, *_bounds(uppers)], key=lambda bound: (bound[0], not bound[1]), default=None
    )
    if is_number(value.get("multipleOf")):
        view.multiples += (value["multipleOf"],)
    view.unique = view.unique or value.get("uniqueItems") is True


def _bounds(found: list[tuple[Any, bool]]) -> Iterator[Bound]:
    for limit, exclusive in found:
        if is_number(limit):
            yield limit, exclusive


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def add_rest(view: View, pointer: Pointer, value: dict[str, Any]) -> None:
    for keyword in ("pattern", "format", "contentEncoding", "contentMediaType"):
        if isinstance(value.get(keyword), str):
            view.words[keyword] = view.words.get(keyword, frozenset()) | {value[keyword]}
    for keyword in CONDITIONS:
        if keyword in value:
            join(view.conditions, keyword, (*pointer, keyword))
    if "default" in value and view.default is None:
        view.default = json_text(value["default"])
    view.deprecated = view.deprecated or value.get("deprecated") is True
    if isinstance(value.get("discriminator"), dict) and view.discriminator is None:
        view.discriminator = (*pointer, "discriminator")
    for keyword in value:
        view.at.setdefault(keyword, (*pointer, keyword))


def settle(view: View) -> None:
    """What only the whole of the parts tells."""
    view.required -= view.hidden.keys()
    if view.known is not None:
        view.properties = {n: p for n, p in view.properties.items() if n in view.known}
    if view.values is not None:
        view.values = {
            text: place
            for text, place in view.values.items()
            if (view.types is None or _type_of(text) in view.types) and _is_within(view, text)
        }
        view.types = frozenset(_type_of(text) for text in view.values)
    if view.types == frozenset({"integer"}):
        view.lower = _closed(view.lower, 1)
        view.upper = _closed(view.upper, -1)
    if view.choices and not all(choice.null for choice in view.choices):
        # A member may allow null too; its own view tells.
        view.nullable = False


def _is_within(view: View, text: str) -> bool:
    """Whether one of a few values keeps the limits that stand beside it."""
    value = json.loads(text)
    if isinstance(value, str):
        at_most = view.limits.get("maxLength", len(value))
        return view.limits.get("minLength", 0) <= len(value) <= at_most
    if not is_number(value):
        return True
    lower, upper = view.lower or (value, False), view.upper or (value, False)
    above = value > lower[0] if lower[1] else value >= lower[0]
    below = value < upper[0] if upper[1] else value <= upper[0]
    return bool(above and below)


def _closed(bound: Bound | None, step: int) -> Bound | None:
    """Of whole numbers, those above 0 are those from 1."""
    if bound and bound[1] and float(bound[0]).is_integer():
        return bound[0] + step, False
    return bound


def _type_of(text: str) -> str:
    value = json.loads(text)
    if isinstance(value, bool):
        return "boolean"
    names = {int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


def is_null(value: dict[str, Any]) -> bool:
    """Whether a schema allows null and nothing else."""
    if value.get("type") in ("null", ["null"]):
        return True
    return value.get("enum") == [None] or ("const" in value and value["const"] is None)


def join(places: dict[str, Places], name: str, place: Pointer) -> None:
    known = places.get(name, ())
    if place not in known:
        places[name] = (*known, place)
