"""Puts a choice among the parts of an object where datamodel-code-generator reads it.

It knows one choice beside `properties`, or in one part of an `allOf`. Of several, and of those
behind another `allOf`, it silently left members out: these become one choice of joined parts.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import product
from math import prod
from typing import Any

from .runtime.document import alternatives, conjuncts, copied
from .shape import Node, Pointer, children

_CHOICES = ("oneOf", "anyOf")
_JOINING = frozenset({"allOf", *_CHOICES})
_PREFIX = "#/components/schemas/"
# Of the schema as a whole; the parts of a choice get none of it.
_ABOUT = ("title", "description", "deprecated", "default", "x-may-be-null")
_NOT_OF_PARTS = frozenset(
    {
        "allOf", *_CHOICES, "discriminator", "$ref", *_ABOUT, "example", "examples", "readOnly",
        "writeOnly", "externalDocs", "xml", "$comment",
    }
)  # fmt: skip
_OBJECT_WORDS = frozenset(
    {
        "properties", "required", "additionalProperties", "patternProperties", "$ref", "allOf",
        "unevaluatedProperties", "minProperties", "maxProperties", "propertyNames",
    }
)  # fmt: skip
_MAPPING_WORDS = frozenset({"additionalProperties", "patternProperties"})
_MOST = 64
Models = dict[str, Any]
Parts = tuple[dict[str, Any], ...]


class _NotSpreadError(Exception):
    """Objects joined with something else, a circle, or too many."""


def may_join(schema: dict[str, Any]) -> bool:
    """Whether there may be a choice that is joined with something: where nothing is, all stays."""
    return not _JOINING.isdisjoint(schema) or ("$ref" in schema and "properties" in schema)


def spread_choices(
    models: Models,
    names: Iterable[str],
    keep_others: Callable[[dict[str, Any], Any], None],
    tell: Callable[[str, Pointer], None],
) -> None:
    """Changes the schemas of those names in place.

    `tell` gets the model and place of what can't be spread.
    `keep_others` says of a joined schema what its parts say of members without a name; its second
    argument is a document in which references lead somewhere.
    """
    before = models
    for name in names:
        stack = [Node("schema", (), models[name])]
        while stack:
            node = stack.pop()
            if (
                isinstance(node.value, dict)
                and may_join(node.value)
                and not _Reader(before).is_known_form(node.value)
            ):
                # What is changed from here on is read as it was.
                before = copied(models) if before is models else before
                try:
                    _spread(node.value, _Reader(before).alternatives(node.value, ()))
                except _NotSpreadError:
                    tell(name, node.pointer)
                else:
                    for each in node.value["anyOf"]:
                        keep_others(each, {"components": {"schemas": before}})
            stack += children(node)


def _spread(schema: dict[str, Any], alternatives: list[Parts]) -> None:
    about = {key: schema[key] for key in _ABOUT if key in schema}
    schema.clear()
    schema |= about | {"anyOf": [_joined(each) for each in alternatives]}


def _joined(parts: Parts) -> dict[str, Any]:
    nothing = {"type": "object"}
    kept = [copied(part) for part in parts if part != nothing] or [nothing]
    return kept[0] if len(kept) == 1 else {"allOf": kept}


class _Reader:
    def __init__(self, models: Models) -> None:
        self._models = models

    def is_known_form(self, schema: dict[str, Any]) -> bool:
        """Whether there is no choice to join with anything, or the library can do it."""
        chosen = [key for key in _CHOICES if key in schema]
        joins = "allOf" in schema or "properties" in schema or len(chosen) > 1
        if not joins or not self._has_choice(schema, ()):
            return True
        if chosen:
            return self._is_one_choice(schema)
        if self._is_declared_twice(schema):
            return False
        choosing = [part for part in _listed(schema, "allOf") if self._has_choice(part, ())]
        if len(choosing) != 1:
            return False
        [part] = choosing
        if "$ref" in part:
            # The library takes what a reference leads to for an object, or one choice.
            return len(part) == 1 and self._is_one_choice(self._models[_target(part)])
        return self._is_one_choice(part) or ("allOf" in part and self.is_known_form(part))

    def _is_declared_twice(self, schema: dict[str, Any]) -> bool:
        """Whether a member of a choice is declared otherwise beside it.

        The library lets the chosen class go first, and so loses what is said beside it.
        """
        document = {"components": {"schemas": self._models}}
        told: dict[str, list[Any]] = {}
        for part in conjuncts(document, schema):
            for name, declared in part.get("properties", {}).items():
                told.setdefault(name, []).append(declared)
        return any(
            declared not in told.get(name, [declared])
            for part in alternatives(document, schema)
            for name, declared in part.get("properties", {}).items()
        )

    def _is_one_choice(self, schema: dict[str, Any]) -> bool:
        """One with nothing but objects that have members, beside `properties` perhaps."""
        chosen = [key for key in _CHOICES if key in schema]
        return (
            len(chosen) == 1
            and "allOf" not in schema
            and not any(
                self._has_choice(one, ()) or self._is_mapping(one)
                for one in _listed(schema, chosen[0])
            )
        )

    def _is_mapping(self, schema: Any) -> bool:
        """An object without a named member is no class to the library, so it joins it to none."""
        document = {"components": {"schemas": self._models}}
        parts = list(conjuncts(document, schema))
        return not any("properties" in part for part in parts) and any(
            part.get("type") == "object" or part.keys() & _MAPPING_WORDS for part in parts
        )

    def _has_choice(self, schema: Any, inside: tuple[str, ...]) -> bool:
        if not isinstance(schema, dict):
            return False
        if any(key in schema for key in _CHOICES):
            return True
        name = _target(schema)
        if name in inside:
            return False
        if name in self._models and self._has_choice(self._models[name], (*inside, name)):
            return True
        return any(self._has_choice(part, inside) for part in _listed(schema, "allOf"))

    def alternatives(self, schema: Any, inside: tuple[str, ...]) -> list[Parts]:
        """What an object may be made of, none of it a choice. Raises _NotSpreadError."""
        if not isinstance(schema, dict):
            raise _NotSpreadError
        name = _target(schema)
        if name in inside:
            raise _NotSpreadError
        factors = [self._of_reference(name, inside)] if name in self._models else []
        rest = {
            key: value
            for key, value in schema.items()
            if key not in _NOT_OF_PARTS and not key.startswith("x-")
        }
        if rest:
            factors.append([(rest,)])
        factors += [self.alternatives(part, inside) for part in _listed(schema, "allOf")]
        for key in _CHOICES:
            if key in schema:
                branches = (self.alternatives(one, inside) for one in _listed(schema, key))
                factors.append([parts for branch in branches for parts in branch])
        if prod(map(len, factors)) > _MOST:
            raise _NotSpreadError
        return [self._together(combination) for combination in product(*factors)]

    def _of_reference(self, name: str, inside: tuple[str, ...]) -> list[Parts]:
        target = self._models[name]
        # What says nothing of values is left out, as it is no object either.
        if self._has_choice(target, ()) or target.keys() <= _NOT_OF_PARTS - _JOINING:
            return self.alternatives(target, (*inside, name))
        return [({"$ref": f"{_PREFIX}{name}"},)]

    def _together(self, combination: tuple[Parts, ...]) -> Parts:
        parts = tuple(_each(combination))
        if len(parts) > 1 and not all(map(self._is_object, parts)):
            raise _NotSpreadError
        return parts

    def _is_object(self, schema: dict[str, Any]) -> bool:
        """Whether it says so, or nothing of other values; nor does what it refers to."""
        document = {"components": {"schemas": self._models}}
        return all(
            part.get("type") == "object"
            or ("type" not in part and bool(part.keys() & _OBJECT_WORDS))
            for part in conjuncts(document, schema)
        )


def _each(combination: tuple[Parts, ...]) -> Iterator[dict[str, Any]]:
    """The parts in order; those that come by several ways once."""
    seen: list[dict[str, Any]] = []
    for parts in combination:
        for part in parts:
            if part not in seen:
                seen.append(part)
                yield part


def _listed(schema: dict[str, Any], key: str) -> list[Any]:
    found = schema.get(key)
    return found if isinstance(found, list) else []


def _target(schema: dict[str, Any]) -> str:
    reference = schema.get("$ref")
    return reference.removeprefix(_PREFIX) if isinstance(reference, str) else ""
