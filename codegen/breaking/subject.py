"""How messages call a place of a contract: `Pet.tags[]`, `body.name`, `parameter limit`."""

from ..shape import Pointer
from .side import Side

_PASSED_OVER = ("schema", "allOf")
_ELEMENTS = {"items": "[]", "additionalProperties": ".*", "unevaluatedProperties": ".*"}
_OPERATION_DEPTH = 3


def subject(side: Side, pointer: Pointer) -> str:
    if pointer[:2] == ("components", "schemas"):
        return _inner(str(pointer[2]), pointer[3:])
    if pointer[:1] == ("components",):
        return _part(side, pointer, 1)
    return _part(side, pointer, _OPERATION_DEPTH)


def _part(side: Side, pointer: Pointer, start: int) -> str:
    """Of a parameter, a body or an answer; `start` is where its section stands."""
    section = str(pointer[start]) if len(pointer) > start else ""
    name = pointer[start + 1] if len(pointer) > start + 1 else ""
    rest = pointer[start + 2 :]
    if section == "parameters":
        return _inner(f"parameter {side.resolved(pointer[: start + 2])[1].get('name')}", rest)
    if section == "headers":
        return _inner(f"header {name}", rest)
    if section == "responses":
        if rest[:1] == ("headers",):
            return _inner(f"answer {name}: header {rest[1]}", rest[2:])
        return _inner(f"answer {name}", rest)
    if section == "requestBody":
        return _inner("body", pointer[start + 1 :])
    if section == "requestBodies":
        return _inner("body", rest)
    # A shared parameter stands beside the methods of its path.
    if start > 1:
        return _part(side, pointer, start - 1)
    return _inner(section, pointer[start + 1 :])


def _inner(head: str, rest: Pointer) -> str:
    text = head
    steps = iter(rest)
    for step in steps:
        if step == "properties":
            text += f".{next(steps, '')}"
        elif step == "content":
            next(steps, None)
        elif step in ("oneOf", "anyOf", "prefixItems"):
            text += f" {step} {next(steps, '')}"
        elif step == "patternProperties":
            text += f".({next(steps, '')})"
        elif step in _ELEMENTS:
            text += _ELEMENTS[str(step)]
        elif step not in _PASSED_OVER and not isinstance(step, int):
            text += f" {step}"
    return text
