"""The contract's schemas as validators want them: by direction, and in JSON Schema 2020-12's words.

What is readOnly is refused in requests, writeOnly in answers. Nothing is compiled here.
"""

from collections.abc import Iterable
from functools import cache, partial
from typing import Any, Literal
from urllib.parse import unquote

from .binary_schemas import file_schemas
from .document import (
    as_fragment,
    conjuncts,
    copied,
    objects,
    pointer_to,
    referenced,
    resolve,
)

# A form is a request in which each file is its size.
Direction = Literal["request", "response", "form"]
HIDDEN: dict[Direction, str] = {
    "request": "readOnly",
    "response": "writeOnly",
    "form": "readOnly",
}
SIZES = {"minimum": "minLength", "maximum": "maxLength"}
# What a hidden property is, where references lead to it or into it: nothing hides it from them.
BEHIND = "x-behind-hidden"
_NOTHING: dict[str, Any] = {"allOf": [False]}
_JOINING = frozenset({"allOf", "$ref"})


def view(document: dict[str, Any], direction: Direction) -> dict[str, Any]:
    """The document as one direction sees it: hidden properties may not occur, nor be required."""
    seen = copied(document)
    nodes = list(objects(seen))
    keyword = HIDDEN[direction]
    is_used = any(node.get(keyword) is True for node in nodes)
    hiding = _Hiding(document, keyword)
    as_uri = cache(partial(_as_uri, document))
    inside = [node for node in nodes if "/properties/" in str(node.get("$ref"))] if is_used else []
    for original, node in zip(objects(document), nodes, strict=True):
        hidden = hiding.names(original) if is_used else frozenset()
        properties = node.get("properties")
        if hidden and isinstance(properties, dict):
            for name in properties.keys() & hidden:
                properties[name] = {**_NOTHING, BEHIND: properties[name]} if inside else False
        if hidden and isinstance(node.get("required"), list):
            node["required"] = [name for name in node["required"] if name not in hidden]
        if isinstance(node.get("$ref"), str) and node["$ref"].startswith("#"):
            node["$ref"] = as_uri(node["$ref"])
    for node in inside:
        node["$ref"] = _behind_hidden(seen, node["$ref"])
    return seen


def _behind_hidden(seen: Any, reference: str) -> str:
    """The reference past what hides a property on its way; one that leads nowhere as it is."""
    way: list[str] = []
    node = seen
    for segment in unquote(reference.removeprefix("#")).split("/")[1:]:
        name = segment.replace("~1", "/").replace("~0", "~")
        if isinstance(node, list) and name.isdecimal() and int(name) < len(node):
            node = node[int(name)]
        elif isinstance(node, dict) and name in node:
            node = node[name]
        else:
            return reference
        way.append(name)
        if isinstance(node, dict) and BEHIND in node:
            node = node[BEHIND]
            way.append(BEHIND)
    return as_fragment(pointer_to(way))


def view_of_forms(document: dict[str, Any], pointers: Iterable[str]) -> dict[str, Any]:
    """The view for requests, with files, in the forms at `pointers`, as numbers: their sizes."""
    seen = view(document, "form")
    files = {
        id(node): node
        for pointer in pointers
        for node in file_schemas(seen, resolve(seen, pointer))
    }
    for node in files.values():
        sizes = {keyword: node[name] for keyword, name in SIZES.items() if name in node}
        node.clear()
        node.update({"type": "integer", **sizes})
    return seen


class _Hiding:
    """Knows of each schema which properties are marked with the keyword."""

    def __init__(self, document: Any, keyword: str) -> None:
        self._document = document
        self._keyword = keyword
        self._own: dict[int, frozenset[str]] = {}

    def names(self, schema: dict[str, Any]) -> frozenset[str]:
        """Those of a schema, inherited ones too."""
        if _JOINING.isdisjoint(schema):
            return self._of_part(schema)
        return frozenset().union(*map(self._of_part, conjuncts(self._document, schema)))

    def _of_part(self, part: dict[str, Any]) -> frozenset[str]:
        properties = part.get("properties")
        if not isinstance(properties, dict):
            return frozenset()
        if id(part) not in self._own:
            self._own[id(part)] = frozenset(
                name for name, declared in properties.items() if self._is_marked(declared)
            )
        return self._own[id(part)]

    def _is_marked(self, declared: Any) -> bool:
        if isinstance(declared, dict) and _JOINING.isdisjoint(declared):
            return declared.get(self._keyword) is True
        return any(one.get(self._keyword) is True for one in conjuncts(self._document, declared))


def _as_uri(document: Any, reference: str) -> str:
    """The reference with escapes where a URI needs them: authors write path templates as they are.

    One that is escaped already, or leads nowhere, stays as it is.
    """
    if resolve(document, reference[1:]) is None and referenced(document, reference) is not None:
        return reference
    return as_fragment(reference[1:])


def upgrade_3_0(document: dict[str, Any]) -> dict[str, Any]:
    """An OpenAPI 3.0 document with its schemas in JSON Schema 2020-12's words.

    By the letter of 3.0.3: beside `$ref` nothing counts, `nullable` counts only beside `type`, and
    an `enum` admits null only if it lists it.
    """
    upgraded = copied(document)
    for node in objects(upgraded):
        if isinstance(reference := node.get("$ref"), str):
            node.clear()
            node["$ref"] = reference
        for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
            if not isinstance(node.get(exclusive), bool):
                continue
            if node.pop(exclusive) and bound in node:
                node[exclusive] = node.pop(bound)
        if node.get("nullable") is True and isinstance(node.get("type"), str):
            node["type"] = [node["type"], "null"]
    return upgraded
