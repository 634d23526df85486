"""Which schemas stand in requests, which in answers: `readOnly` and `writeOnly` differ by that."""

from collections.abc import Callable, Iterator
from typing import Any

from .runtime.document import follow, referenced
from .shape import METHODS

Sides = tuple[set[int], set[int]]
_HIDING = ("readOnly", "writeOnly")


def lenient_names(schema: dict[str, Any], document: Any, sides: Callable[[], Sides]) -> set[str]:
    """The required members that one of its sides must not have: a model can't require them.

    `sides` gives what `sent_and_answered` does; it is only asked where there is such a member.
    """
    properties = schema.get("properties")
    required = schema.get("required")
    if not isinstance(properties, dict) or not isinstance(required, list):
        return set()
    found = set()
    for name in required:
        declared = properties.get(name) if isinstance(name, str) else None
        if isinstance(declared, dict) and "$ref" in declared:
            declared = follow(document, declared)
        if isinstance(declared, dict):
            is_hidden = [declared.get(keyword) is True for keyword in _HIDING]
            if any(is_hidden) and any(
                hides and id(schema) in side for hides, side in zip(is_hidden, sides(), strict=True)
            ):
                found.add(name)
    return found


def sent_and_answered(document: Any) -> Sides:
    """The ids of the objects that say something of requests, and of those that do of answers."""
    sent, answered = [], []
    for operation in _operations(document):
        sent.append(operation.get("requestBody"))
        answered.append(operation.get("responses"))
    return reached(document, sent), reached(document, answered)


def _operations(document: Any) -> Iterator[dict[str, Any]]:
    paths = document.get("paths")
    for item in paths.values() if isinstance(paths, dict) else ():
        found = follow(document, item)
        for method in METHODS if isinstance(found, dict) else ():
            if isinstance(found.get(method), dict):
                yield found[method]


def reached(document: Any, roots: list[Any]) -> set[int]:
    """The ids of the objects that are in the roots, and in what those refer to, and so on."""
    stack, seen = list(roots), set[int]()
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack.extend(node)
        elif isinstance(node, dict) and id(node) not in seen:
            seen.add(id(node))
            stack.extend(node.values())
            if isinstance(reference := node.get("$ref"), str):
                stack.append(referenced(document, reference))
    return seen
