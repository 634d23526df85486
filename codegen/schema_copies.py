"""Copies a schema, and finds on the way the schemas in it of which there is more to do. Pure."""

from collections.abc import Container
from typing import Any, NamedTuple

from .runtime.document import copied
from .shape import SCHEMA_FIELDS, Pointer

_CONTAINERS = (dict, list)


class Copy(NamedTuple):
    """A schema and its copy; `pointer` leads to either from the outermost one."""

    pointer: Pointer
    original: dict[str, Any]
    made: dict[str, Any]


def copied_schema(
    schema: Any, keywords: frozenset[str], ids: Container[int]
) -> tuple[Any, list[Copy]]:
    """As `copied`, and those in it, or it, that have one of the keywords or whose id is listed.

    In the order of the document. References aren't followed.
    """
    found: list[Copy] = []

    def copy(value: Any, pointer: Pointer) -> Any:
        # True or false else.
        if not isinstance(value, dict):
            return copied(value)
        made: dict[str, Any] = {}
        if not keywords.isdisjoint(value) or id(value) in ids:
            found.append(Copy(pointer, value, made))
        for key, inner in value.items():
            made[key] = (
                copied_field(key, inner, pointer) if isinstance(inner, _CONTAINERS) else inner
            )
        return made

    def copied_field(key: str, value: Any, above: Pointer) -> Any:
        form = SCHEMA_FIELDS.get(key)
        if form == "one":
            return copy(value, (*above, key))
        if form == "map" and isinstance(value, dict):
            return {name: copy(inner, (*above, key, name)) for name, inner in value.items()}
        if form == "list" and isinstance(value, list):
            return [copy(inner, (*above, key, index)) for index, inner in enumerate(value)]
        return copied(value)

    return copy(schema, ()), found
