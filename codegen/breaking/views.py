"""Makes views: follows references, merges `allOf`, hides what the other direction alone may see."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..runtime.document import conjuncts
from ..shape import Pointer
from .change import Direction
from .side import Side, is_reference, listed, mapping
from .view import CONDITIONS, Bound, Choice, Places, View, json_text

_LARGEST = ("minLength", "minItems", "minProperties", "minContains")
_SMALLEST = ("maxLength", "maxItems", "maxProperties", "maxContains")
_IMPLIED = {
    "object": ("properties", "additionalProperties", "required", "patternProperties"),
    "array": ("items", "prefixItems"),
}
_HIDDEN: dict[Direction, str] = {"request": "readOnly", "response": "writeOnly"}


@dataclass(slots=True)
class Views:
    """Makes and keeps the views of one contract's schemas."""

    side: Side
    _made: dict[tuple[Places, Direction], View] = field(default_factory=dict)

    def view(self, places: Places, direction: Direction) -> View:
        key = (places, direction)
        if key not in self._made:
            self._made[key] = self._merged(places, direction)
        return self._made[key]

    def _merged(self, places: Places, direction: Direction) -> View:
        view = View(places)
        for pointer, value, or_null in self._parts(places, view):
            view.parts += 1
            _add_types(view, value, or_null)
            _add_values(view, pointer, value, or_null)
            _add_limits(view, value)
            self._add_object(view, pointer, value, direction)
            self._add_array(view, pointer, value)
            _add_rest(view, pointer, value)
        _settle(view)
        return view

    def _parts(
        self, places: Iterable[Pointer], view: View
    ) -> Iterator[tuple[Pointer, dict[str, Any], bool]]:
        """The objects that hold together; the last says whether null does as well."""
        stack = [(place, False) for place in reversed(list(places))]
        seen: set[Pointer] = set()
        while stack:
            pointer, or_null = stack.pop()
            if pointer in seen:
                continue
            seen.add(pointer)
            value = self.side.at(pointer)
            view.never = view.never or value is False
            if not isinstance(value, dict):
                continue
            yield pointer, value, or_null
            inner = [(*pointer, "allOf", i) for i in range(len(listed(value.get("allOf"))))]
            if is_reference(value):
                inner.append(self.side.target(value))
            stack.extend((place, or_null) for place in reversed(inner))
            stack.extend(self._choices(view, pointer, value))

    def _choices(
        self, view: View, pointer: Pointer, value: dict[str, Any]
    ) -> Iterator[tuple[Pointer, bool]]:
        """Notes the alternatives of a part; where there is but one, it holds."""
        for keyword in ("oneOf", "anyOf"):
            members = listed(value.get(keyword))
            places: list[Pointer] = [(*pointer, keyword, i) for i in range(len(members))]
            kept = [place for place in places if not _is_null(self.side.resolved(place)[1])]
            null = len(kept) < len(places)
            if len(kept) == 1:
                yield kept[0], null
            elif places and not kept:
                yield places[0], False
            elif kept:
                view.choices.append(Choice(keyword, list(map(self.side.canonical, kept)), null))
                view.at.setdefault(keyword, (*pointer, keyword))
                view.member_types = self._types_of(kept)

    def _types_of(self, members: list[Pointer]) -> frozenset[str] | None:
        """The types of all alternatives, as far as they are said in each."""
        found: frozenset[str] = frozenset()
        for member in members:
            declared = self.side.resolved(member)[1].get("type")
            names = [declared] if isinstance(declared, str) else listed(declared)
            if not names:
                return None
            found |= frozenset(str(name) for name in names)
        return _expanded(found - {"null"})

    def _add_object(
        self, view: View, pointer: Pointer, value: dict[str, Any], direction: Direction
    ) -> None:
        for name, declared in mapping(value.get("properties")).items():
            place = (*pointer, "properties", name)
            view.at.setdefault(f"properties/{name}", place)
            if self._is_hidden(declared, direction):
                view.hidden.setdefault(name, place)
            else:
                _join(view.properties, name, self.side.canonical(place))
        view.required |= frozenset(str(name) for name in listed(value.get("required")))
        for name in mapping(value.get("patternProperties")):
            place = self.side.canonical((*pointer, "patternProperties", name))
            _join(view.patterned, name, place)
        for keyword in ("additionalProperties", "unevaluatedProperties"):
            extra = value.get(keyword)
            if extra is False:
                view.closed = True
                _limit_names(view, value, keyword)
                view.at.setdefault("closed", (*pointer, keyword))
            elif isinstance(extra, dict) and extra:
                view.additional += (self.side.canonical((*pointer, keyword)),)

    def _add_array(self, view: View, pointer: Pointer, value: dict[str, Any]) -> None:
        if isinstance(value.get("items"), dict | bool):
            view.items += (self.side.canonical((*pointer, "items")),)
        prefix = listed(value.get("prefixItems"))
        if prefix and not view.prefix:
            places = [(*pointer, "prefixItems", index) for index in range(len(prefix))]
            view.prefix = tuple((self.side.canonical(place),) for place in places)

    def _is_hidden(self, declared: Any, direction: Direction) -> bool:
        keyword = _HIDDEN[direction]
        return any(part.get(keyword) is True for part in conjuncts(self.side.document, declared))


def _limit_names(view: View, value: dict[str, Any], keyword: str) -> None:
    """A part closed by `additionalProperties` refuses what other parts of an `allOf` declare."""
    if keyword == "additionalProperties" and not value.get("patternProperties"):
        names = frozenset(mapping(value.get("properties")))
        view.known = names if view.known is None else view.known & names


def _add_types(view: View, value: dict[str, Any], or_null: bool) -> None:
    declared = value.get("type")
    names = [declared] if isinstance(declared, str) else listed(declared)
    if names:
        types = frozenset(str(name) for name in names)
        view.nullable = view.nullable and ("null" in types or or_null)
        types = _expanded(types - {"null"})
        view.types = types if view.types is None else view.types & types
    for name, keywords in _IMPLIED.items():
        if any(keyword in value for keyword in keywords):
            view.implied |= {name}


def _expanded(types: frozenset[str]) -> frozenset[str]:
    return types | {"integer"} if "number" in types else types


def _add_values(view: View, pointer: Pointer, value: dict[str, Any], or_null: bool) -> None:
    if "const" in value:
        found = {json_text(value["const"]): (*pointer, "const")}
    elif "enum" in value:
        found = {
            json_text(one): (*pointer, "enum", i) for i, one in enumerate(listed(value["enum"]))
        }
    else:
        return
    view.nullable = view.nullable and ("null" in found or or_null)
    found.pop("null", None)
    known = view.values
    view.values = found if known is None else {t: p for t, p in known.items() if t in found}
    view.at.setdefault("values", (*pointer, "const" if "const" in value else "enum"))


def _add_limits(view: View, value: dict[str, Any]) -> None:
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


def _add_rest(view: View, pointer: Pointer, value: dict[str, Any]) -> None:
    for keyword in ("pattern", "format", "contentEncoding", "contentMediaType"):
        if isinstance(value.get(keyword), str):
            view.words[keyword] = view.words.get(keyword, frozenset()) | {value[keyword]}
    for keyword in CONDITIONS:
        if keyword in value:
            _join(view.conditions, keyword, (*pointer, keyword))
    if "default" in value and view.default is None:
        view.default = json_text(value["default"])
    view.deprecated = view.deprecated or value.get("deprecated") is True
    if isinstance(value.get("discriminator"), dict) and view.discriminator is None:
        view.discriminator = (*pointer, "discriminator")
    for keyword in value:
        view.at.setdefault(keyword, (*pointer, keyword))


def _settle(view: View) -> None:
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


def _is_null(value: dict[str, Any]) -> bool:
    """Whether a schema allows null and nothing else."""
    if value.get("type") in ("null", ["null"]):
        return True
    return value.get("enum") == [None] or ("const" in value and value["const"] is None)


def _join(places: dict[str, Places], name: str, place: Pointer) -> None:
    known = places.get(name, ())
    if place not in known:
        places[name] = (*known, place)
