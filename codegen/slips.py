"""Reads what a contract says wrong where it can only mean one thing, and says so.

Such slips stand in many published contracts: writers of them know one version of OpenAPI by heart
and write another. Only asked where a contract is malformed: a right one has none of them.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from .bundle import Bundle
from .shape import Node, Pointer, children, maps_of, walk
from .structure_mistakes import TYPES, Version

_EXCLUSIVE = {"exclusiveMinimum": ("minimum", max), "exclusiveMaximum": ("maximum", min)}


class Slip(NamedTuple):
    """`is_left`: stands as it was written, and is no mistake to whatever reads it."""

    pointer: Pointer
    message: str
    hint: str
    is_left: bool = False


def settle_slips(contract: Bundle, version: Version) -> list[Slip]:
    """Writes in the contract's document what is meant; each slip once, in the document's order."""
    found: list[Slip] = []
    for node in walk(Node("openapi", (), contract.document)):
        if isinstance(node.value, dict) and "$ref" not in node.value:
            for settle in (_empty_lists, *_SETTLERS.get(node.kind, ())):
                found += settle(node, version)
    return found


def _empty_lists(node: Node, _: Version) -> Iterator[Slip]:
    """What PHP writes for an empty mapping."""
    empty = [name for name in maps_of(node.kind) if node.value.get(name) == []]
    for pointer in [(*node.pointer, name) for name in empty] + [
        child.pointer for child in children(node) if child.value == []
    ]:
        holder = node.value
        for token in pointer[len(node.pointer) : -1]:
            holder = holder[token]
        holder[pointer[-1]] = {}
        message = f"`{pointer[-1]}` must be a mapping; the empty list is read as an empty one"
        yield Slip(pointer, message, "write {} for []")


def _path_parameter(node: Node, _: Version) -> Iterator[Slip]:
    is_said = "required" in node.value
    if node.value.get("in") == "path" and node.value.get("required", False) is False:
        node.value["required"] = True
        pointer = (*node.pointer, "required") if is_said else node.pointer
        message = "a parameter in the path is always required; it is read as that"
        yield Slip(pointer, message, "write `required: true`")


def _described(node: Node, _: Version) -> Iterator[Slip]:
    if "description" not in node.value:
        node.value["description"] = ""
        message = "the answer lacks the field `description`; it is read as an empty one"
        yield Slip(node.pointer, message, "say when this answer comes")


def _type(node: Node, version: Version) -> Iterator[Slip]:
    declared = node.value.get("type")
    is_list = isinstance(declared, list) and declared and all(one in TYPES for one in declared)
    if version == "3.0" and (declared == "null" or is_list):
        message = "this `type` is of OpenAPI 3.1; it is read as it is there"
        hint = "say `openapi: 3.1.0`, or one type, and `nullable: true` for null"
        yield Slip((*node.pointer, "type"), message, hint, is_left=True)


def _const(node: Node, version: Version) -> Iterator[Slip]:
    if version == "3.0" and "const" in node.value and "enum" not in node.value:
        node.value["enum"] = [node.value.pop("const")]
        message = "`const` is of OpenAPI 3.1; it is read as an `enum` of one value"
        yield Slip((*node.pointer, "const"), message, "use `enum` with one value")


def _examples(node: Node, version: Version) -> Iterator[Slip]:
    if "examples" not in node.value:
        return
    pointer = (*node.pointer, "examples")
    if version == "3.0":
        del node.value["examples"]
        message = "`examples` of a schema is of OpenAPI 3.1; it is passed over"
        yield Slip(pointer, message, "use `example`")
    elif isinstance(node.value["examples"], dict):
        del node.value["examples"]
        message = "`examples` of a schema must be a list, not a mapping; it is passed over"
        yield Slip(pointer, message, "write a list of values, without names")


def _required(node: Node, _: Version) -> Iterator[Slip]:
    listed = node.value.get("required")
    if isinstance(listed, list) and all(isinstance(one, str) for one in listed):
        once = list(dict.fromkeys(listed))
        if len(once) < len(listed):
            node.value["required"] = once
            message = "a name stands twice in `required`; it counts once"
            yield Slip((*node.pointer, "required"), message, "leave it out the second time")


def _recursive(node: Node, version: Version) -> Iterator[Slip]:
    """It says how `$recursiveRef` is read. Without one it says nothing."""
    if version == "3.1" and isinstance(node.value.get("$recursiveAnchor"), bool):
        del node.value["$recursiveAnchor"]
        message = "`$recursiveAnchor` is of JSON Schema 2019-09; it is passed over"
        yield Slip((*node.pointer, "$recursiveAnchor"), message, "leave it out")


def _exclusive(node: Node, version: Version) -> Iterator[Slip]:
    """A number in OpenAPI 3.1; in 3.0 true or false, of the bound beside it."""
    for name, (beside, stricter) in _EXCLUSIVE.items():
        said, bound = node.value.get(name), node.value.get(beside)
        pointer = (*node.pointer, name)
        if version == "3.1" and isinstance(said, bool):
            if said and not _is_number(bound):
                continue
            del node.value[name]
            if said:
                node.value[name] = node.value.pop(beside)
            message = f"`{name}` is a number in OpenAPI 3.1; it is read as in 3.0"
            yield Slip(pointer, message, f"write the number here, in place of `{beside}`")
        elif version == "3.0" and _is_number(said):
            if not _is_number(bound) or stricter(said, bound) == said:
                node.value.update({beside: said, name: True})
            else:
                del node.value[name]
            message = f"`{name}` is true or false in OpenAPI 3.0; it is read as in 3.1"
            yield Slip(pointer, message, f"write `{name}: true` beside `{beside}`")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_SETTLERS: dict[str, tuple[Callable[[Node, Version], Iterator[Slip]], ...]] = {
    "parameter": (_path_parameter,),
    "response": (_described,),
    "schema": (_type, _const, _examples, _exclusive, _required, _recursive),
}
