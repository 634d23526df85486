"""Makes a contract smaller as long as it still shows something: what is left is why."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

Document = dict[str, Any]
Way = tuple[str | int, ...]
_SCHEMAS = ("components", "schemas")


def reduced(document: Document, shows: Callable[[Document], bool], seconds: float) -> Document:
    """Takes out members and items, many at once and then one by one, until `seconds` have passed.

    `shows` is not asked of the document itself. References to a schema that goes admit anything.
    """
    end = time.monotonic() + seconds
    is_smaller = True
    while is_smaller:
        is_smaller = False
        for way in list(_containers(document)):
            for steps in _portions(_at(document, way)):
                if time.monotonic() > end:
                    return document
                smaller = _without(document, way, steps)
                if smaller is not None and shows(smaller):
                    document, is_smaller = smaller, True
    return document


def _containers(document: Any) -> Iterator[Way]:
    """Ways to objects and lists, the outer ones first."""
    waiting = deque[tuple[Way, Any]]([((), document)])
    while waiting:
        way, value = waiting.popleft()
        if isinstance(value, dict | list):
            yield way
            steps: Any = value if isinstance(value, dict) else range(len(value))
            waiting += [((*way, step), value[step]) for step in steps]


def _portions(value: Any) -> Iterator[tuple[str | int, ...]]:
    """Of all its members or items, halves, quarters and so on."""
    steps: list[Any] = list(value if isinstance(value, dict) else range(len(value or ())))
    size = len(steps)
    while size > 0:
        for begin in range(0, len(steps), size):
            yield tuple(steps[begin : begin + size])
        size = 0 if size == 1 else (size + 1) // 2


def _at(value: Any, way: Way) -> Any:
    for step in way:
        if isinstance(value, dict):
            value = value.get(step)
        else:
            is_there = isinstance(value, list) and isinstance(step, int) and step < len(value)
            value = value[step] if is_there else None
    return value if isinstance(value, dict | list) else ()


def _without(document: Any, way: Way, steps: tuple[str | int, ...]) -> Document | None:
    """A copy, or nothing if they are gone already."""
    value = _at(document, way)
    if isinstance(value, dict):
        kept: Any = {key: inner for key, inner in value.items() if key not in steps}
    else:
        kept = [inner for number, inner in enumerate(value) if number not in steps]
    if len(kept) == len(value):
        return None
    smaller: Document = _replaced(document, way, kept)
    if way == _SCHEMAS:
        gone = {f"#/components/schemas/{step}" for step in steps}
        smaller = _unreferenced(smaller, gone)
    return smaller


def _replaced(value: Any, way: Way, new: Any) -> Any:
    if not way:
        return new
    copy = value.copy()
    copy[way[0]] = _replaced(value[way[0]], way[1:], new)
    return copy


def _unreferenced(value: Any, gone: set[str]) -> Any:
    if isinstance(value, list):
        return [_unreferenced(inner, gone) for inner in value]
    if not isinstance(value, dict):
        return value
    reference = value.get("$ref")
    if isinstance(reference, str) and reference in gone:
        return {}
    return {key: _unreferenced(inner, gone) for key, inner in value.items()}
