"""Random JSON values of a contract's schemas: valid ones, and ones with something wrong in them.

Schemathesis proposes the valid ones, by its public interface; whether a value is valid is for the
contract's own validators to say, here and in all that use this.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig

from codegen.runtime.document import as_fragment, objects
from codegen.runtime.schema_views import Direction, view
from codegen.runtime.schemas import ContractSchemas

_PATH = "/a-value-of-schema-{}"
# What stands for bytes, or is told of a direction, is plain JSON here.
_IRRELEVANT = ("readOnly", "writeOnly", "discriminator", "xml", "example", "examples")
_OF_TYPE = frozenset({"type", "enum", "const", "$ref"})
_BYTES = ("binary", "byte", "base64")
_OTHERS: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    1.5,
    10**12,
    "",
    "x",
    "1",
    "x" * 300,
    [],
    {},
)


class Values:
    """Strategies for the schemas at `pointers`, as one direction of the contract sees them."""

    def __init__(
        self, schemas: ContractSchemas, direction: Direction, pointers: Iterable[str]
    ) -> None:
        self._schemas = schemas
        self._direction = direction
        self._paths = {pointer: _PATH.format(number) for number, pointer in enumerate(pointers)}
        document = _prepared(schemas.document, direction)
        paths = {path: _operation(pointer) for pointer, path in self._paths.items()}
        document["paths"] = {**document.get("paths", {}), **paths}
        settings = SchemathesisConfig.from_dict({})
        self._schema = schemathesis.openapi.from_dict(document, config=settings)

    def valid(self, pointer: str) -> st.SearchStrategy[Any]:
        """Raises what Schemathesis raises for a schema that no value fits."""
        validator = self._schemas.compiled(self._direction, pointer)
        operation = self._schema[self._paths[pointer]]["POST"]
        cases = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
        return cases.map(lambda case: _plain(case.body)).filter(validator.is_valid)

    def invalid(self, pointer: str) -> st.SearchStrategy[Any]:
        """Valid values in which one thing was changed, where that makes them invalid."""
        validator = self._schemas.compiled(self._direction, pointer)
        changed = self.valid(pointer).flatmap(mutations)
        return changed.filter(lambda value: not validator.is_valid(value))


@st.composite
def mutations(draw: st.DrawFn, value: Any) -> Any:
    """The value with one node replaced, removed, added or made longer."""
    places = list(_places(value))
    # Most places are deep, in what the contract says nothing of.
    depth = draw(st.sampled_from(sorted({len(place) for place in places})))
    place = draw(st.sampled_from([place for place in places if len(place) == depth]))
    node = value
    for step in place:
        node = node[step]
    return _replaced(value, place, draw(st.sampled_from(list(_changes(node)))))


_REMOVED = object()


def _changes(node: Any) -> Iterator[Any]:
    """What may stand in the place of a node; more often something of its own type."""
    if isinstance(node, dict):
        yield from ({key: node[key] for key in node if key != left} for left in node)
        yield {**node, "a name that nobody declared": 1}
    elif isinstance(node, list):
        yield [*node, *node]
        yield [*node, None]
        yield node[1:]
    elif isinstance(node, str):
        yield from (node + "x", node * 50 + "\u00e9", node[:-1], node.swapcase(), f" {node}")
    elif isinstance(node, int | float) and not isinstance(node, bool):
        yield from (node + 0.5 if abs(node) < 1e300 else 0.5, -node - 1, str(node))
    yield _REMOVED
    yield from _OTHERS


def _places(value: Any) -> Iterator[tuple[Any, ...]]:
    yield ()
    for key, child in _children(value):
        yield from ((key, *inner) for inner in _places(child))


def _children(value: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def _replaced(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    if not place:
        return None if new is _REMOVED else new
    key, rest = place[0], place[1:]
    items = list(_children(value))
    changed = [
        (name, _replaced(child, rest, new) if name == key else child)
        for name, child in items
        if name != key or rest or new is not _REMOVED
    ]
    return dict(changed) if isinstance(value, dict) else [child for _, child in changed]


def _operation(pointer: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": as_fragment(pointer)}}}
    return {
        "post": {
            "requestBody": {"required": True, "content": content},
            "responses": {"default": {"description": "Nothing is sent."}},
        }
    }


def _prepared(document: dict[str, Any], direction: Direction) -> dict[str, Any]:
    seen = view(document, direction)
    # Its schemas are in the words of the newer version, whichever it was written in.
    seen["openapi"] = "3.1.0"
    seen.pop("security", None)
    for node in list(objects(seen)):
        for keyword in _IRRELEVANT:
            if not isinstance(node.get(keyword), dict) or keyword == "discriminator":
                node.pop(keyword, None)
        if node.get("format") in _BYTES:
            del node["format"]
        # Whatever else it admits has no type in Python, so hardly another value would be tried.
        if isinstance(node.get("properties"), dict) and not _OF_TYPE & node.keys():
            node["type"] = "object"
    return seen


def _plain(value: Any) -> Any:
    """JSON alone: the library has texts of classes of its own."""
    if isinstance(value, dict):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return str(value) if isinstance(value, str) else value
