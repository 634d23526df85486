"""Which types a package has for the contract's JSON, and what becomes of values in them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bench.round_trips.package import Package
from bench.round_trips.sameness import Difference, Said, compare
from codegen.contract import is_json
from codegen.runtime.schemas import Direction


@dataclass(frozen=True, slots=True)
class Target:
    """A schema, and the type whose values are its JSON."""

    name: str
    pointer: str
    direction: Direction
    adapter: TypeAdapter[Any]
    said: Said


class Refused(AssertionError):
    """A model refused a value that the contract admits."""


def targets(package: Package) -> Iterator[Target]:
    """Of each named schema and each JSON body, as they are seen in requests and in answers."""
    schemas = package.schemas
    for name, pointer, direction, adapter in _typed(package):
        said = Said.of(schemas.document, [schemas.at(pointer)])
        yield Target(name, pointer, direction, adapter, said)


def _typed(package: Package) -> Iterator[tuple[str, str, Direction, TypeAdapter[Any]]]:
    for pointer, type_name in package.component_types():
        adapter = package.component_adapter(type_name)
        yield (type_name, pointer, "request", adapter)
        yield (type_name, pointer, "response", adapter)
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


def round_trip(target: Target, value: Any) -> set[Difference]:
    """The value through the type and back. Raises Refused, or Changed; see `sameness`."""
    text = json.dumps(value)
    try:
        made = target.adapter.validate_json(text)
    except ValidationError as error:
        told = error.errors(include_url=False, include_context=False)[:3]
        raise Refused(f"{target.name} refuses {text[:500]}: {told}") from error
    back = json.loads(target.adapter.dump_json(made, by_alias=True))
    return set(compare(target.said, value, back))
