"""The parts of a contract that are known by a name each, and which of them lean on which.

A unit is a definition in `components`, or the path item of a path or webhook. Where two contracts
have the same unit, leaning on the same units, whatever is said of it is the same.
"""

import json
import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import unquote

from .components import strong_components
from .json_text import compact
from .shape import Node, Pointer, children, walk, written

_REFERENCE = re.compile(r'"\$ref": ?("#(?:[^"\\]|\\.)*")')
# What may make a reference lead elsewhere than it says.
_MOVING = frozenset({"$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef"})
_MAYBE_MOVING = re.compile("|".join(re.escape(f'"{word}"') for word in sorted(_MOVING)))


@dataclass(frozen=True, slots=True)
class Unit:
    """`key` is a digest of it and of all that it leans on; `leans_on` are those by name."""

    node: Node
    key: str
    leans_on: tuple[str, ...]

    @property
    def name(self) -> str:
        return written(self.node.pointer)


def units_of(document: dict[str, Any]) -> dict[str, Unit]:
    """By name, which is its JSON pointer."""
    nodes = {written(node.pointer): node for node in _nodes(document)}
    texts = {name: compact(node.value) for name, node in nodes.items()}
    moves = any(_moves(nodes[name], text) for name, text in texts.items())
    known: dict[str, list[str]] = {}
    edges = {
        name: tuple(nodes) if moves else _referred(text, nodes, known)
        for name, text in texts.items()
    }
    keys = _keys(edges, texts)
    return {name: Unit(node, keys[name], edges[name]) for name, node in nodes.items()}


def _nodes(document: dict[str, Any]) -> Iterator[Node]:
    for part in children(Node("openapi", (), document)):
        if part.kind in ("components", "paths"):
            yield from children(part)
        else:
            yield part


def leaned_on(declared: Any, units: Mapping[str, Unit]) -> tuple[str, ...]:
    """The names of those that a schema in any of them leans on at once."""
    text = compact(declared)
    moves = _moves(Node("schema", (), declared), text)
    return tuple(units) if moves else _referred(text, units, {})


def _moves(node: Node, text: str) -> bool:
    """Whether a schema in it has such a word; that a property or an example has it says nothing."""
    return _MAYBE_MOVING.search(text) is not None and any(
        not _MOVING.isdisjoint(each.value)
        for each in walk(node)
        if each.kind == "schema" and isinstance(each.value, dict)
    )


def _referred(text: str, names: Container[str], known: dict[str, list[str]]) -> tuple[str, ...]:
    """`known` are those of references by their text: the same stand in many units."""
    found: list[str] = []
    for quoted in dict.fromkeys(_REFERENCE.findall(text)):
        if quoted not in known:
            known[quoted] = list(_named(json.loads(quoted)[1:], names))
        found += known[quoted]
    return tuple(found)


def _named(pointer: str, names: Container[str]) -> Iterator[str]:
    # A path may stand in it as it is, or with its braces escaped.
    for each in dict.fromkeys((pointer, unquote(pointer))):
        tokens = each.split("/")
        for length in (3, 4):
            name = "/".join(tokens[:length])
            if name in names:
                yield name


def _keys(edges: dict[str, tuple[str, ...]], texts: dict[str, str]) -> dict[str, str]:
    keys: dict[str, str] = {}
    for component in strong_components(edges):
        seen = sha256()
        for name in sorted(component):
            seen.update(f"{name}\n{texts[name]}\n".encode("utf-8", "surrogatepass"))
            below = {keys[other] for other in edges[name] if other in keys}
            seen.update("".join(sorted(below)).encode())
        together = seen.hexdigest()
        keys |= {name: sha256(f"{name} {together}".encode()).hexdigest() for name in component}
    return keys


def part_of(
    document: dict[str, Any], units: Mapping[str, Unit], wanted: Iterable[str]
) -> dict[str, Any]:
    """The document with no more than the units that are wanted, and what they lean on."""
    part: dict[str, Any] = {"openapi": document["openapi"]}
    kept: set[str] = set()
    todo = list(wanted)
    while todo:
        name = todo.pop()
        if name not in kept:
            kept.add(name)
            todo.extend(units[name].leans_on)
    for name, unit in units.items():
        if name in kept:
            _put(part, unit.node.pointer, unit.node.value)
    return part


def _put(document: dict[str, Any], pointer: Pointer, value: Any) -> None:
    for token in pointer[:-1]:
        document = document.setdefault(str(token), {})
    document[str(pointer[-1])] = value
