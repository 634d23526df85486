"""Whether two schemas say the same, whatever their order, words and references."""

from typing import Any

from ..shape import Pointer
from .side import Side, Unchanged, is_reference
from .view import Places, json_text

_DESCRIBING = frozenset(
    {"$comment", "description", "summary", "title", "example", "examples", "externalDocs", "xml"}
)
_UNORDERED = frozenset({"enum", "required", "type", "allOf", "anyOf", "oneOf"})
_MAX_DEPTH = 12


class Sameness:
    """A reference to a name that both contracts have counts as that name: its content is compared
    where it stands. Others are written out, so what moved or was renamed is still the same.
    """

    def __init__(self, old: Side, new: Side, unchanged: Unchanged) -> None:
        self._sides = (old, new)
        self._unchanged = unchanged
        self._texts: tuple[dict[Pointer, str], dict[Pointer, str]] = ({}, {})

    def is_same(self, old: Pointer, new: Pointer) -> bool:
        return self._text(0, old) == self._text(1, new)

    def are_same_throughout(self, old: Places, new: Places) -> bool:
        """Whether the contents of all that they refer to are the same too."""
        before = sorted(self._text(0, place) for place in old)
        targets = {target for place in old for target in self._sides[0].references(place)}
        return before == sorted(self._text(1, place) for place in new) and all(
            self._unchanged.is_same_target(target) for target in targets if self._is_shared(target)
        )

    def _is_shared(self, target: Pointer) -> bool:
        return all(side.has(target) for side in self._sides)

    def _text(self, which: int, pointer: Pointer) -> str:
        known = self._texts[which]
        if pointer not in known:
            value = self._sides[which].at(pointer)
            known[pointer] = json_text(self._normal(which, value, (), ""))
        return known[pointer]

    def _normal(self, which: int, value: Any, inside: tuple[Pointer, ...], key: str) -> Any:
        if is_reference(value):
            return self._written_out(which, value, inside, key)
        if isinstance(value, dict):
            return {
                name: self._normal(which, one, inside, name)
                for name, one in value.items()
                if key == "properties" or not _says_nothing(name)
            }
        if isinstance(value, list):
            items = [self._normal(which, one, inside, "") for one in value]
            return sorted(items, key=json_text) if key in _UNORDERED else items
        return value

    def _written_out(
        self, which: int, value: dict[str, Any], inside: tuple[Pointer, ...], key: str
    ) -> Any:
        target = self._sides[which].target(value)
        beside = {name: one for name, one in value.items() if name != "$ref"}
        kept = self._normal(which, beside, inside, key)
        if self._is_shared(target) or target in inside or len(inside) > _MAX_DEPTH:
            # One to the whole document has no name.
            return {"$ref": str(target[-1]) if target else "", **kept}
        content = self._sides[which].at(target)
        written = self._normal(which, content, (*inside, target), key)
        return {"allOf": [written], **kept} if kept else written


def _says_nothing(name: str) -> bool:
    return name in _DESCRIBING or name.startswith("x-")
