"""Which types a package has for the contract's JSON, and what becomes of values in them."""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from bench.round_trips.package import Package
from bench.round_trips.sameness import Difference, Said, compare
from codegen.runtime.document import objects
from codegen.runtime.media_types import is_json
from codegen.runtime.schema_views import Direction
from codegen.sides import reached, sent_and_answered


@dataclass(frozen=True, slots=True)
class Target:
    """A schema, and the type whose values are its JSON."""

    name: str
    pointer: str
    direction: Direction
    adapter: TypeAdapter[Any]
    said: Said
    tags: "Tags"


@dataclass(frozen=True, slots=True)
class Tags:
    """The properties that discriminators go by, and all texts that could stand there."""

    names: frozenset[str]
    known: frozenset[str]

    @classmethod
    def of(cls, document: dict[str, Any]) -> "Tags":
        nodes = list(objects(document))
        told = [one for node in nodes if isinstance(one := node.get("discriminator"), dict)]
        names = frozenset(str(one["propertyName"]) for one in told if "propertyName" in one)
        mapped = [key for one in told for key in one.get("mapping", {})]
        declared = [
            schema
            for node in nodes
            if isinstance(properties := node.get("properties"), dict)
            for name, schema in properties.items()
            if name in names and isinstance(schema, dict)
        ]
        values = [
            value
            for schema in declared
            for value in (*_listed(schema.get("enum")), schema.get("const"))
            if isinstance(value, str)
        ]
        schemas = document.get("components", {}).get("schemas", {})
        return cls(names, frozenset([*mapped, *values, *schemas]))

    def miss(self, value: Any) -> bool:
        """Whether an object has a text there that is none of them."""
        held = value if isinstance(value, dict) else {}
        return any(
            isinstance(held.get(name), str) and held[name] not in self.known for name in self.names
        )


class Refused(AssertionError):
    """A model refused a value that the contract admits, though Python has types for such."""


def targets(package: Package) -> Iterator[Target]:
    """Of each named schema and each JSON body of its own, as it is seen in its direction."""
    schemas = package.schemas
    tags = Tags.of(schemas.document)
    for name, pointer, direction, adapter in _typed(package):
        said = Said.of(schemas.document, [schemas.at(pointer)])
        yield Target(name, pointer, direction, adapter, said, tags)


def _typed(package: Package) -> Iterator[tuple[str, str, Direction, TypeAdapter[Any]]]:
    schemas = package.schemas
    hidden = {
        id(node)
        for node in objects(schemas.document)
        if any(node.get(key) is True for key in ("readOnly", "writeOnly"))
    }
    sent, answered = sent_and_answered(schemas.document)
    for pointer, type_name in package.component_types():
        adapter = package.component_adapter(type_name)
        schema = schemas.at(pointer)
        has_sides = not hidden.isdisjoint(reached(schemas.document, [schema]))
        # What a request never holds needs no form in which a request could, nor an answer. Of what
        # no operation has, what it shares with others may be of either side.
        if not has_sides or id(schema) in sent:
            yield (type_name, pointer, "request", adapter)
        if has_sides and id(schema) in answered:
            yield (type_name, pointer, "response", adapter)
    named = {f"#{pointer}" for pointer, _ in package.component_types()}
    for body in _bodies(package):
        # One that only refers to a named schema has that one's type.
        if package.schemas.at(body[1]).get("$ref") not in named:
            yield body


def _bodies(package: Package) -> Iterator[tuple[str, str, Direction, TypeAdapter[Any]]]:
    for operation in package.contract.operations:
        for media in operation.body.content if operation.body else ():
            if media.annotation and media.pointer and is_json(media.media_type):
                adapter = TypeAdapter(package.type_of(media.annotation))
                yield (f"{operation.id} body", media.pointer, "request", adapter)
        for response in operation.responses:
            for media in response.content:
                if response.annotation and media.pointer and is_json(media.media_type):
                    adapter = TypeAdapter(package.type_of(response.annotation))
                    name = f"{operation.id} {response.status}"
                    yield (name, media.pointer, "response", adapter)


def takes(target: Target, value: Any) -> bool:
    try:
        target.adapter.validate_json(json.dumps(value), by_alias=True, by_name=False)
    except ValidationError:
        return False
    return True


def is_unrepresentable(error: ValidationError, value: Any, tags: Tags) -> bool:
    """Whether all that a type refuses of the value is so for want of a type in Python."""
    told = error.errors(include_url=False, include_context=False)
    return _are_unrepresentable(
        [(one["loc"], one["type"], one["input"]) for one in told], value, tags
    )


def _are_unrepresentable(
    errors: list[tuple[tuple[Any, ...], str, Any]], value: Any, tags: Tags
) -> bool:
    """Whether all that is refused is so for want of a type; of a union one schema suffices.

    An error is the way to its place, its kind and the value. A step of a way that leads nowhere in
    the value is the label of one of a union's types.
    """
    beneath: dict[Any, list[tuple[tuple[Any, ...], str, Any]]] = defaultdict(list)
    for way, kind, refused in errors:
        if not way and not _has_no_type(kind, refused, tags):
            return False
        is_tag = len(way) == 1 and way[0] in tags.names and kind == "literal_error"
        if way and not (is_tag and tags.miss(value)):
            beneath[way[0]].append((way[1:], kind, refused))
    steps = set(value if isinstance(value, dict) else range(len(_listed(value))))
    members = all(
        _are_unrepresentable(inner, value[step], tags)
        for step, inner in beneath.items()
        if step in steps
    )
    types = [
        _are_unrepresentable(inner, value, tags)
        for step, inner in beneath.items()
        if step not in steps
    ]
    return members and (any(types) or not types)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _has_no_type(kind: str, value: Any, tags: Tags) -> bool:
    """What the server answers so: no object where one is all there is a type for, one whose
    discriminator is missing or names no schema, or a moment that no clock of Python's shows."""
    if kind == "model_type":
        return not isinstance(value, dict)
    if kind == "union_tag_not_found":
        return isinstance(value, dict)
    if kind == "union_tag_invalid":
        return tags.miss(value)
    return kind.startswith(("datetime_", "date_", "timezone_")) and isinstance(value, str)


def round_trip(target: Target, value: Any) -> set[Difference | Literal["unrepresentable"]]:
    """The value through the type and back. Raises Refused, or Changed; see `sameness`."""
    text = json.dumps(value)
    try:
        made = target.adapter.validate_json(text, by_alias=True, by_name=False)
    except ValidationError as error:
        if is_unrepresentable(error, value, target.tags):
            return {"unrepresentable"}
        told = error.errors(include_url=False, include_context=False)
        raise Refused(f"{target.name} refuses {text[:500]}: {told[:3]}") from error
    back = json.loads(target.adapter.dump_json(made, by_alias=True))
    return set(compare(target.said, value, back))
