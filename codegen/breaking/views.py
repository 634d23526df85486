"""Makes views: follows references, merges `allOf`, hides what the other direction alone may see."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..runtime.document import conjuncts
from ..shape import Pointer
from .change import Direction
from .keywords import (
    add_limits,
    add_rest,
    add_types,
    add_values,
    expanded,
    is_null,
    join,
    limit_names,
    limit_values,
    settle,
    values_of,
)
from .side import Side, is_reference, listed, mapping
from .view import Choice, Places, View

# What may stand beside `enum` or `const` in an alternative that is nothing but values.
_OF_VALUES = frozenset(
    {
        "type", "enum", "const", "title", "description", "default", "example", "examples",
        "deprecated", "nullable",
    }
)  # fmt: skip
_HIDDEN: dict[Direction, str] = {"request": "readOnly", "response": "writeOnly"}


@dataclass(slots=True)
class Views:
    """Makes and keeps the views of one contract's schemas."""

    side: Side
    _made: dict[tuple[Places, Direction, bool], View] = field(default_factory=dict)

    def view(self, places: Places, direction: Direction, keeps_single: bool = False) -> View:
        """With `keeps_single` a single alternative stays one, to be held against several."""
        key = (places, direction, keeps_single)
        if key not in self._made:
            self._made[key] = self._merged(View(places, keeps_single), direction)
        return self._made[key]

    def _merged(self, view: View, direction: Direction) -> View:
        for pointer, value, or_null in self._parts(view.places, view):
            view.parts += 1
            add_types(view, value, or_null)
            add_values(view, pointer, value, or_null)
            add_limits(view, value)
            self._add_object(view, pointer, value, direction)
            self._add_array(view, pointer, value)
            add_rest(view, pointer, value)
        settle(view)
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
            or_null = or_null or self.side.is_nullable(value)
            yield pointer, value, or_null
            inner = [(*pointer, "allOf", i) for i in range(len(listed(value.get("allOf"))))]
            if is_reference(value):
                inner.append(self.side.target(value))
            stack.extend((place, or_null) for place in reversed(inner))
            stack.extend(self._choices(view, pointer, value, or_null))

    def _choices(
        self, view: View, pointer: Pointer, value: dict[str, Any], or_null: bool
    ) -> Iterator[tuple[Pointer, bool]]:
        """Notes the alternatives of a part; where there is but one, it holds.

        Alternatives that are only values are an enum in another form.
        """
        for keyword in ("oneOf", "anyOf"):
            members = listed(value.get(keyword))
            places: list[Pointer] = [(*pointer, keyword, i) for i in range(len(members))]
            kept = [place for place in places if not is_null(self.side.resolved(place)[1])]
            null = or_null or len(kept) < len(places)
            values = self._values_of(kept)
            if places and not kept:
                yield places[0], False
            elif values is not None:
                limit_values(view, values, (*pointer, keyword), null)
            elif len(kept) == 1 and not view.keeps_single:
                view.has_single = True
                yield kept[0], null
            elif kept:
                view.choices.append(Choice(keyword, list(map(self.side.canonical, kept)), null))
                view.at.setdefault(keyword, (*pointer, keyword))
                view.member_types = self._types_of(kept)

    def _values_of(self, members: list[Pointer]) -> dict[str, Pointer] | None:
        """All values of alternatives that are nothing but values, each in one of them."""
        found: dict[str, Pointer] = {}
        for member in members:
            pointer, value = self.side.resolved(member)
            values = values_of(pointer, value)
            is_plain = all(key in _OF_VALUES or key.startswith("x-") for key in value)
            if values is None or not is_plain or found.keys() & values.keys():
                return None
            found |= values
        return found or None

    def _types_of(self, members: list[Pointer]) -> frozenset[str] | None:
        """The types of all alternatives, as far as they are said in each."""
        found: frozenset[str] = frozenset()
        for member in members:
            declared = self.side.resolved(member)[1].get("type")
            names = [declared] if isinstance(declared, str) else listed(declared)
            if not names:
                return None
            found |= frozenset(str(name) for name in names)
        return expanded(found - {"null"})

    def _add_object(
        self, view: View, pointer: Pointer, value: dict[str, Any], direction: Direction
    ) -> None:
        for name, declared in mapping(value.get("properties")).items():
            place = (*pointer, "properties", name)
            view.at.setdefault(f"properties/{name}", place)
            if self._is_hidden(declared, direction):
                view.hidden.setdefault(name, place)
            else:
                join(view.properties, name, self.side.canonical(place))
        view.required |= frozenset(str(name) for name in listed(value.get("required")))
        for name in mapping(value.get("patternProperties")):
            place = self.side.canonical((*pointer, "patternProperties", name))
            join(view.patterned, name, place)
        for keyword in ("additionalProperties", "unevaluatedProperties"):
            extra = value.get(keyword)
            if extra is False:
                view.closed = True
                limit_names(view, value, keyword)
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
