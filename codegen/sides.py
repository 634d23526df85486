"""Which schemas stand in requests, which in answers: `readOnly` and `writeOnly` differ by that."""

from collections.abc import Iterator
from typing import Any

from .runtime.document import follow, referenced
from .shape import METHODS


def lenient_names(
    schema: dict[str, Any], document: Any, is_sent: bool, is_answered: bool
) -> set[str]:
    """The required members that one of its sides must not have: a model can't require them."""
    properties = schema.get("properties")
    required = schema.get("required")
    if not isinstance(properties, dict) or not isinstance(required, list):
        return set()
    hidden = {"readOnly": is_sent, "writeOnly": is_answered}
    return {
        name
        for name in required
        if isinstance(name, str)
        and isinstance(declared := properties.get(name), dict)
        and ("$ref" not in declared or isinstance(declared := follow(document, declared), dict))
        and any(is_there and declared.get(key) is True for key, is_there in hidden.items())
    }


def sent_and_answered(document: Any) -> tuple[set[int], set[int]]:
    """The ids of the objects that say something of requests, and of those that do of answers."""
    sent, answered = [], []
    for operation in _operations(document):
        sent.append(operation.get("requestBody"))
        answered.append(operation.get("responses"))
    return _reached(document, sent), _reached(document, answered)


def _operations(document: Any) -> Iterator[dict[str, Any]]:
    paths = document.get("paths")
    for item in paths.values() if isinstance(paths, dict) else ():
        found = follow(document, item)
        for method in METHODS if isinstance(found, dict) else ():
            if isinstance(found.get(method), dict):
                yield found[method]


def _reached(document: Any, roots: list[Any]) -> set[int]:
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
