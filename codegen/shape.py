"""Which object of OpenAPI stands where: one table, and the walk over it.

Everything that looks at all schemas, references or examples of a contract goes through `walk`.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Literal, NamedTuple

Pointer = tuple[str | int, ...]
Kind = Literal[
    "openapi", "components", "paths", "path_item", "operation", "parameter", "request_body",
    "media_type", "encoding", "responses", "response", "header", "schema", "callback", "example",
    "link", "security_scheme",
]  # fmt: skip
Form = Literal["one", "list", "map"]

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
METHODS = frozenset(_METHODS)

# Section of `components` → what stands in it.
SECTIONS: dict[str, Kind] = {
    "schemas": "schema",
    "responses": "response",
    "parameters": "parameter",
    "examples": "example",
    "requestBodies": "request_body",
    "headers": "header",
    "securitySchemes": "security_scheme",
    "links": "link",
    "callbacks": "callback",
    "pathItems": "path_item",
}

_VALUE: dict[str, tuple[Kind, Form]] = {
    "schema": ("schema", "one"),
    "content": ("media_type", "map"),
    "examples": ("example", "map"),
}
_SCHEMAS_IN_A_MAP = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_SCHEMAS_IN_A_LIST = ("allOf", "anyOf", "oneOf", "prefixItems")
_ONE_SCHEMA = (
    "items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames",
    "unevaluatedItems", "unevaluatedProperties", "contentSchema",
)  # fmt: skip

_FIELDS: dict[Kind, dict[str, tuple[Kind, Form]]] = {
    "openapi": {
        "paths": ("paths", "one"),
        "webhooks": ("path_item", "map"),
        "components": ("components", "one"),
    },
    "components": {section: (kind, "map") for section, kind in SECTIONS.items()},
    "path_item": {
        "parameters": ("parameter", "list"),
        **dict.fromkeys(_METHODS, ("operation", "one")),
    },
    "operation": {
        "parameters": ("parameter", "list"),
        "requestBody": ("request_body", "one"),
        "responses": ("responses", "one"),
        "callbacks": ("callback", "map"),
    },
    "parameter": _VALUE,
    "header": _VALUE,
    "request_body": {"content": ("media_type", "map")},
    "media_type": {
        "schema": ("schema", "one"),
        "examples": ("example", "map"),
        "encoding": ("encoding", "map"),
    },
    "encoding": {"headers": ("header", "map")},
    "response": {
        "headers": ("header", "map"),
        "content": ("media_type", "map"),
        "links": ("link", "map"),
    },
    "schema": {
        **dict.fromkeys(_SCHEMAS_IN_A_MAP, ("schema", "map")),
        **dict.fromkeys(_SCHEMAS_IN_A_LIST, ("schema", "list")),
        **dict.fromkeys(_ONE_SCHEMA, ("schema", "one")),
    },
}
# Kinds whose every field (but `x-…`) is of one kind.
_ALL_FIELDS: dict[Kind, Kind] = {
    "paths": "path_item",
    "responses": "response",
    "callback": "path_item",
}
_NONE: dict[str, tuple[Kind, Form]] = {}
_MAPS: dict[Kind, tuple[str, ...]] = {
    kind: tuple(name for name, (_, form) in fields.items() if form == "map")
    for kind, fields in _FIELDS.items()
}
# Where schemas stand in a schema.
SCHEMA_FIELDS: Mapping[str, Form] = {key: form for key, (_, form) in _FIELDS["schema"].items()}
_SECTION_OF: dict[Kind, str] = {kind: section for section, kind in SECTIONS.items()}


# Made for every object of a contract several times a run, at a third of what a dataclass takes.
class Node(NamedTuple):
    """One object of the contract; a reference is a node too, of the kind it must lead to."""

    kind: Kind
    pointer: Pointer
    value: Any


def section_of(kind: Kind) -> str | None:
    """The section of `components` for this kind, if there is one."""
    return _SECTION_OF.get(kind)


def maps_of(kind: Kind) -> tuple[str, ...]:
    """The fields of an object of this kind whose value maps names to objects."""
    return _MAPS.get(kind, ())


# References lead to the same places again and again.
@cache
def kind_at(pointer: Pointer) -> Kind | None:
    """The kind of what stands there in a contract; None where OpenAPI doesn't say."""
    kind: Kind = "openapi"
    rest = list(reversed(pointer))
    while rest:
        token = rest.pop()
        if kind in _ALL_FIELDS:
            if str(token).startswith("x-"):
                return None
            kind = _ALL_FIELDS[kind]
            continue
        found = _FIELDS.get(kind, {}).get(str(token))
        if found is None:
            return None
        kind, form = found
        if form != "one":
            if not rest:
                return None
            rest.pop()
    return kind


# Lists, not generators, and nothing made of what no field says: a large contract has 60,000
# objects, and is walked several times a run.
def children(node: Node) -> list[Node]:
    above, value = node.pointer, node.value
    if not isinstance(value, dict):
        return []
    every = _ALL_FIELDS.get(node.kind)
    if every:
        return [
            Node(every, (*above, key), inner)
            for key, inner in value.items()
            if not key.startswith("x-")
        ]
    found: list[Node] = []
    fields = _FIELDS.get(node.kind, _NONE)
    for key, inner in value.items():
        if key in fields:
            kind, form = fields[key]
            if form == "one":
                found.append(Node(kind, (*above, key), inner))
            else:
                found += _in_form(kind, form, (*above, key), inner)
    return found


def _in_form(kind: Kind, form: Form, pointer: Pointer, value: Any) -> list[Node]:
    if form == "list" and isinstance(value, list):
        return [Node(kind, (*pointer, index), item) for index, item in enumerate(value)]
    if form == "map" and isinstance(value, dict):
        return [Node(kind, (*pointer, key), item) for key, item in value.items()]
    return []


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, in the order of the document. References aren't followed."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack += reversed(children(current))


# The same words stand in many pointers.
@cache
def escape(token: str | int) -> str:
    return str(token).replace("~", "~0").replace("/", "~1")


def written(pointer: Pointer) -> str:
    """RFC 6901 text of a pointer, without a leading `#`."""
    return "".join(f"/{escape(token)}" for token in pointer)
