"""Has models that lead in a circle by schemas that only name another lead to that one itself.

Such a schema becomes an alias of a type. Of a model that holds itself pydantic can build no alias
that the model holds, nor an alias of an alias.
"""

from collections.abc import Iterator
from typing import Any

from .components import strong_components
from .shape import Node, walk

_PREFIX = "#/components/schemas/"
# What says nothing of values.
_ABOUT = frozenset({"title", "description", "default", "deprecated", "x-may-be-null"})
_CHOICES = ("oneOf", "anyOf")


def lead_past_aliases(models: dict[str, Any]) -> None:
    """Changes references in place, to schemas that have a class. `models` refer to each other."""
    aliases = {name: target for name in models if (target := _named_by(models[name])) in models}
    if not aliases:
        return
    for name, target in aliases.items():
        if target in aliases:
            _lead_past(models[name], aliases)
    edges = {name: [*_referred(schema)] for name, schema in models.items()}
    for component in strong_components(edges):
        circle = {name: aliases[name] for name in component if name in aliases}
        if len(component) > len(circle) > 0:
            for name in component:
                if name not in circle:
                    _lead_past(models[name], circle)


def _named_by(schema: Any) -> str:
    """The one schema that it names, be it as a choice of one; nothing if it says more."""
    if not isinstance(schema, dict):
        return ""
    rest = {key: value for key, value in schema.items() if key not in _ABOUT}
    for keyword in _CHOICES:
        branches = rest.get(keyword)
        if len(rest) == 1 and isinstance(branches, list):
            rest = branches[0] if branches and branches.count(branches[0]) == len(branches) else {}
    reference = rest.get("$ref") if isinstance(rest, dict) and len(rest) == 1 else None
    return reference.removeprefix(_PREFIX) if isinstance(reference, str) else ""


def _referred(schema: Any) -> Iterator[str]:
    for node in walk(Node("schema", (), schema)):
        reference = node.value.get("$ref") if isinstance(node.value, dict) else None
        if isinstance(reference, str):
            yield reference.removeprefix(_PREFIX)


def _lead_past(schema: Any, circle: dict[str, str]) -> None:
    for node in walk(Node("schema", (), schema)):
        reference = node.value.get("$ref") if isinstance(node.value, dict) else None
        if isinstance(reference, str):
            name = reference.removeprefix(_PREFIX)
            passed: set[str] = set()
            while name in circle and name not in passed:
                passed.add(name)
                name = circle[name]
            node.value["$ref"] = f"{_PREFIX}{name}"
