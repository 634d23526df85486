"""One of the two contracts, in JSON Schema 2020-12's words, and ways to find things in it."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from ..bundle import Bundle
from ..diagnostics import Place
from ..pointers import local_pointer, value_at
from ..runtime.schema_views import upgrade_3_0
from ..shape import Pointer

# Beside a `$ref` these say nothing about values.
_SAYING_NOTHING = frozenset(
    {"$ref", "$comment", "description", "summary", "title", "example", "examples"}
)
_MAX_CHAIN = 100


class Side:
    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._is_3_0 = str(bundle.document["openapi"]).startswith("3.0")
        self.document = upgrade_3_0(bundle.document) if self._is_3_0 else bundle.document
        self._references: dict[Pointer, frozenset[Pointer]] = {}

    def place(self, pointer: Pointer) -> Place:
        return self._bundle.place(pointer)

    def at(self, pointer: Pointer) -> Any:
        return value_at(self.document, pointer)

    def has(self, pointer: Pointer) -> bool:
        try:
            self.at(pointer)
        except LookupError:
            return False
        return True

    def resolved(self, pointer: Pointer) -> tuple[Pointer, dict[str, Any]]:
        """The object at a pointer, through references; an empty one if it isn't an object."""
        pointer, value = self._followed(pointer, frozenset())
        return pointer, mapping(value)

    def canonical(self, pointer: Pointer) -> Pointer:
        """Where a schema really stands, through references that say nothing of their own."""
        return self._followed(pointer, _SAYING_NOTHING)[0]

    def _followed(self, pointer: Pointer, beside: frozenset[str]) -> tuple[Pointer, Any]:
        value = self.at(pointer)
        for _ in range(_MAX_CHAIN):
            if not is_reference(value) or (beside and set(value) - beside):
                break
            pointer = self.target(value)
            value = self.at(pointer)
        return pointer, value

    def target(self, value: dict[str, Any]) -> Pointer:
        return local_pointer(self.document, value["$ref"])

    def is_nullable(self, value: dict[str, Any]) -> bool:
        """By the letter of 3.0.3 `nullable` says nothing without `type`; authors mean it all the
        same, and whether null comes or goes is told by what they mean.
        """
        return self._is_3_0 and value.get("nullable") is True

    def references(self, pointer: Pointer) -> frozenset[Pointer]:
        """What the value at a pointer refers to, directly."""
        if pointer not in self._references:
            self._references[pointer] = frozenset(self._targets(self.at(pointer)))
        return self._references[pointer]

    def _targets(self, value: Any) -> Iterator[Pointer]:
        for text in _reference_texts(value):
            # Data of an example may look like a reference that leads nowhere.
            with suppress(LookupError):
                yield local_pointer(self.document, text)


def is_reference(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("$ref"), str)


def mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _reference_texts(value: Any) -> Iterator[str]:
    stack = [value]
    while stack:
        current = stack.pop()
        if isinstance(current, dict):
            reference = current.get("$ref")
            if isinstance(reference, str):
                yield reference
            stack.extend(current.values())
        elif isinstance(current, list):
            stack.extend(current)


class Unchanged:
    """Knows which parts are the same in both contracts, with all that they refer to."""

    def __init__(self, old: Side, new: Side) -> None:
        self._old = old
        self._new = new
        self._known: dict[Pointer, bool] = {}

    def is_same(self, old: Pointer, new: Pointer) -> bool:
        """Whether the text of a part is the same in both, and that of all it refers to."""
        if self._old.at(old) != self._new.at(new):
            return False
        if self._old.references(old) != self._new.references(new):
            return False
        return all(self.is_same_target(target) for target in self._old.references(old))

    def is_same_target(self, target: Pointer) -> bool:
        if target not in self._known:
            self._settle(target)
        return self._known[target]

    def _settle(self, start: Pointer) -> None:
        """Walks everything reachable from a target; what reaches a difference differs."""
        users: dict[Pointer, list[Pointer]] = {start: []}
        differing: list[Pointer] = []
        stack = [start]
        while stack:
            target = stack.pop()
            if self._known.get(target) is False or not self._texts_equal(target):
                differing.append(target)
                continue
            for inner in self._old.references(target):
                if inner not in users:
                    stack.append(inner)
                users.setdefault(inner, []).append(target)
        self._known |= dict.fromkeys(users, True)
        while differing:
            target = differing.pop()
            if self._known[target]:
                self._known[target] = False
                differing.extend(users[target])

    def _texts_equal(self, target: Pointer) -> bool:
        return self._new.has(target) and bool(self._old.at(target) == self._new.at(target))
