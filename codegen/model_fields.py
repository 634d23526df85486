"""Whether the class that was made of a schema has all of its members, inherited ones too."""

from collections.abc import Iterable, Mapping
from typing import Any

from .model_statements import Statement
from .runtime.document import conjuncts


def lost_members(
    models: Mapping[str, Any], statements: Iterable[Statement]
) -> dict[str, list[str]]:
    """By the name of its class, the members of each schema that the class has no field for."""
    document = {"components": {"schemas": dict(models)}}
    classes = _fields_of_classes(statements)
    lost = {
        name: [key for key in _members(document, models[name]) if key not in fields]
        for name, fields in classes.items()
        if name in models
    }
    return {name: keys for name, keys in lost.items() if keys}


def _members(document: Any, schema: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in conjuncts(document, schema):
        properties = part.get("properties")
        for key, declared in properties.items() if isinstance(properties, dict) else ():
            # One that is false may not be there, so it needs no field.
            if declared is not False:
                found.setdefault(key, declared)
    return found


def _fields_of_classes(statements: Iterable[Statement]) -> dict[str, set[str]]:
    """The names in JSON of the fields of each class, its bases' included."""
    classes = {each.name: each for each in statements if each.is_class}
    found: dict[str, set[str]] = {}

    def fields(name: str) -> set[str]:
        if name not in classes:
            return set()
        if name not in found:
            own = set(classes[name].members)
            found[name] = own.union(*(fields(base) for base in classes[name].bases))
        return found[name]

    return {name: fields(name) for name in classes}
