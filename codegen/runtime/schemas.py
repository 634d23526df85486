"""Validators compiled once from the bundled contract, looked up by JSON pointer.

Requests and responses get a view each: what is readOnly is refused in one, writeOnly in the other.
"""

import copy
from collections.abc import Iterator, Sequence
from typing import Any, Literal
from urllib.parse import quote

import jsonschema_rs
import orjson

from .problems import MAX_ERRORS, InputError

Direction = Literal["request", "response"]
_HIDDEN: dict[Direction, str] = {"request": "readOnly", "response": "writeOnly"}
_MASK = "a value"
_MAX_LIMIT_LENGTH = 2048
# RFC 3986, 3.5: what a fragment may hold unescaped. Path templates hold more, such as braces.
_FRAGMENT = "/~!$&'()*+,;=:@-._?"


class ContractSchemas:
    """Compiles schemas of one bundled OpenAPI 3.0 or 3.1 document. Build once, at start."""

    def __init__(self, document: dict[str, Any]) -> None:
        modern = upgrade_3_0(document) if document["openapi"].startswith("3.0") else document
        self.document = modern
        self._registries = {
            direction: jsonschema_rs.Registry([("urn:contract", view(modern, direction))])
            for direction in _HIDDEN
        }
        self._compiled: dict[tuple[Direction, str], jsonschema_rs.Draft202012Validator] = {}
        self._declared_names = frozenset(_property_names(modern))

    def compiled(self, direction: Direction, pointer: str) -> jsonschema_rs.Draft202012Validator:
        key = (direction, pointer)
        if key not in self._compiled:
            self._compiled[key] = jsonschema_rs.Draft202012Validator(
                {"$ref": f"urn:contract#{quote(pointer, safe=_FRAGMENT)}"},
                registry=self._registries[direction],
                validate_formats=True,
                mask=_MASK,
                offline=True,
            )
        return self._compiled[key]

    def errors(
        self, pointer: str, value: Any, location: str, prefix: Sequence[str] = ()
    ) -> list[InputError]:
        """Where `value` breaks the request schema at `pointer`; at most one more than is shown."""
        validator = self.compiled("request", pointer)
        if validator.is_valid(value):
            return []
        found: list[InputError] = []
        for error in validator.iter_errors(value):
            found.append(self._input_error(error, location, prefix))
            if len(found) > MAX_ERRORS:
                break
        return found

    def _input_error(
        self, error: jsonschema_rs.ValidationError, location: str, prefix: Sequence[str]
    ) -> InputError:
        # A name that the contract doesn't declare was chosen by the sender: an input value.
        path = [*prefix, *(self._shown(segment) for segment in error.instance_path)]
        rule = [str(segment) for segment in error.schema_path]
        return InputError(
            location=location,
            pointer="".join(f"/{_escape(segment)}" for segment in path)[:_MAX_LIMIT_LENGTH],
            keyword=error.kind.name,
            limit=self._limit(rule),
            rule="#" + "".join(f"/{_escape(segment)}" for segment in rule),
        )

    def _shown(self, segment: str | int) -> str:
        return str(segment) if isinstance(segment, int) or segment in self._declared_names else "*"

    def _limit(self, rule: list[str]) -> str | None:
        node: Any = self.document
        for segment in rule:
            if isinstance(node, list):
                node = node[int(segment)]
            elif isinstance(node, dict) and segment in node:
                node = node[segment]
            else:
                return None
        text = orjson.dumps(node).decode()
        return text if len(text) <= _MAX_LIMIT_LENGTH else None

    def at(self, pointer: str) -> Any:
        """The node of the document that a JSON pointer leads to, references followed."""
        node: Any = self.document
        for segment in pointer.split("/")[1:]:
            segment = segment.replace("~1", "/").replace("~0", "~")
            node = node[int(segment)] if isinstance(node, list) else node[segment]
            node = self.follow(node)
        return node

    def follow(self, node: Any) -> Any:
        while isinstance(node, dict) and isinstance(node.get("$ref"), str):
            node = self.at(node["$ref"].removeprefix("#"))
        return node


def view(document: dict[str, Any], direction: Direction) -> dict[str, Any]:
    """The document as one direction sees it: hidden properties may not occur, nor be required."""
    hidden = _HIDDEN[direction]
    seen = copy.deepcopy(document)
    for node in _objects(seen):
        properties = node.get("properties")
        if not isinstance(properties, dict):
            continue
        names = [
            name
            for name, schema in properties.items()
            if isinstance(schema, dict) and schema.get(hidden) is True
        ]
        for name in names:
            properties[name] = False
        if names and isinstance(node.get("required"), list):
            node["required"] = [name for name in node["required"] if name not in names]
    return seen


def upgrade_3_0(document: dict[str, Any]) -> dict[str, Any]:
    """An OpenAPI 3.0 document with its schemas in JSON Schema 2020-12's words."""
    upgraded = copy.deepcopy(document)
    for node in _objects(upgraded):
        for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
            if not isinstance(node.get(exclusive), bool):
                continue
            if node.pop(exclusive) and bound in node:
                node[exclusive] = node.pop(bound)
        if node.get("nullable") is True and "type" in node:
            if isinstance(node["type"], str):
                node["type"] = [node["type"], "null"]
            if isinstance(node.get("enum"), list) and None not in node["enum"]:
                node["enum"] = [*node["enum"], None]
    return upgraded


def _objects(node: Any) -> Iterator[dict[str, Any]]:
    stack = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, dict):
            yield current
            stack.extend(current.values())
        elif isinstance(current, list):
            stack.extend(current)


def _property_names(document: dict[str, Any]) -> Iterator[str]:
    for node in _objects(document):
        if isinstance(node.get("properties"), dict):
            yield from node["properties"]


def _escape(segment: str) -> str:
    return segment.replace("~", "~0").replace("/", "~1")
