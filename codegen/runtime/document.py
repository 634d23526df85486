"""Finds the way in a bundled contract: JSON pointers, references, and which objects are schemas.

Works on documents that nobody has checked yet: what leads nowhere is None, never an error.
"""

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar
from urllib.parse import quote, unquote

JsonT = TypeVar("JsonT")
# Values that a contract shows or demands; whatever they look like, they are no part of a schema.
_DATA = frozenset({"example", "examples", "default", "enum", "const"})
# Their keys are names that the contract's author chose, not keywords.
_NAMED = frozenset(
    {
        "properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "schemas",
        "parameters", "headers", "requestBodies", "responses", "securitySchemes", "callbacks",
        "pathItems", "paths", "webhooks", "content", "links", "encoding", "variables", "mapping",
        "dependentRequired", "scopes",
    }
)  # fmt: skip
_CONTAINERS = (dict, list)
# RFC 3986, 3.5: what a fragment may hold unescaped. Path templates hold more, such as braces.
_FRAGMENT = "/~!$&'()*+,;=:@-._?"


def copied(value: JsonT) -> JsonT:
    """The same JSON value, none of its containers shared; several times as fast as `deepcopy`."""
    made: Any = value
    # Most values are neither: a call for each of them would take as long as all the rest.
    if isinstance(value, dict):
        made = {
            key: copied(inner) if isinstance(inner, _CONTAINERS) else inner
            for key, inner in value.items()
        }
    elif isinstance(value, list):
        made = [copied(inner) if isinstance(inner, _CONTAINERS) else inner for inner in value]
    same: JsonT = made
    return same


def escape(segment: str) -> str:
    return segment.replace("~", "~0").replace("/", "~1")


def pointer_to(segments: Iterable[str]) -> str:
    """The JSON pointer (RFC 6901) of a path."""
    return "".join(f"/{escape(segment)}" for segment in segments)


def as_fragment(pointer: str) -> str:
    return f"#{quote(pointer, safe=_FRAGMENT)}"


def resolve(document: Any, pointer: str) -> Any:
    """The node that a JSON pointer leads to, references on the way followed; None if none does."""
    node = document
    for raw in pointer.split("/")[1:]:
        segment = raw.replace("~1", "/").replace("~0", "~")
        node = follow(document, node)
        if isinstance(node, dict):
            node = node.get(segment)
        elif isinstance(node, list) and segment.isdecimal() and int(segment) < len(node):
            node = node[int(segment)]
        else:
            return None
    return node


def follow(document: Any, node: Any) -> Any:
    """What a chain of references ends at; None where it runs in a circle."""
    seen: set[str] = set()
    while isinstance(node, dict) and isinstance(reference := node.get("$ref"), str):
        if reference in seen:
            return None
        seen.add(reference)
        node = referenced(document, reference)
    return node


def referenced(document: Any, reference: str) -> Any:
    """The node that one `$ref` names."""
    fragment = reference.partition("#")[2]
    found = resolve(document, fragment)
    return found if found is not None else resolve(document, unquote(fragment))


def conjuncts(document: Any, schema: Any) -> Iterator[dict[str, Any]]:
    """A schema and those that hold along with it, through `$ref` and `allOf`; each once."""
    return _reached(document, schema, ("allOf",))


def alternatives(document: Any, schema: Any) -> Iterator[dict[str, Any]]:
    """A schema and all that say something of the same value; each once."""
    return _reached(document, schema, ("allOf", "anyOf", "oneOf"))


def _reached(document: Any, schema: Any, keywords: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    stack, seen = [schema], set[int]()
    while stack:
        current = stack.pop()
        if not isinstance(current, dict) or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        for keyword in keywords:
            branches = current.get(keyword)
            stack.extend(branches if isinstance(branches, list) else ())
        if isinstance(reference := current.get("$ref"), str):
            stack.append(referenced(document, reference))


def objects(document: Any) -> Iterator[dict[str, Any]]:
    """Every object of a contract whose keys are keywords, schemas among them.

    Leaves out examples, other data and `x-…`. A node may be changed once it was given out.
    """
    stack = [document] if isinstance(document, _CONTAINERS) else []
    while stack:
        current = stack.pop()
        if isinstance(current, list):
            stack.extend(child for child in current if isinstance(child, _CONTAINERS))
            continue
        yield current
        for key, child in current.items():
            # Of most keys the value is neither: that is the quickest to tell.
            if not isinstance(child, _CONTAINERS) or key in _DATA or str(key).startswith("x-"):
                continue
            if key in _NAMED and isinstance(child, dict):
                stack.extend(inner for inner in child.values() if isinstance(inner, _CONTAINERS))
            else:
                stack.append(child)
