"""Whether the class that was made of a schema has all of its members, inherited ones too."""

import ast
from collections.abc import Mapping
from typing import Any

from .runtime.document import conjuncts


def lost_members(models: Mapping[str, Any], text: str) -> dict[str, list[str]]:
    """By the name of its class, the members of each schema that the class has no field for."""
    document = {"components": {"schemas": dict(models)}}
    classes = _fields_of_classes(text)
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


def _fields_of_classes(text: str) -> dict[str, set[str]]:
    """The names in JSON of the fields of each class, its bases' included."""
    classes = {
        statement.name: statement
        for statement in ast.parse(text).body
        if isinstance(statement, ast.ClassDef)
    }

    def fields(name: str) -> set[str]:
        if name not in classes:
            return set()
        own = {
            _name_in_json(each) for each in classes[name].body if isinstance(each, ast.AnnAssign)
        }
        return own.union(*(fields(ast.unparse(base)) for base in classes[name].bases))

    return {name: fields(name) for name in classes}


def _name_in_json(field: ast.AnnAssign) -> str:
    for node in ast.walk(field.annotation):
        if isinstance(node, ast.keyword) and node.arg == "alias":
            return str(ast.literal_eval(node.value))
    return ast.unparse(field.target)
