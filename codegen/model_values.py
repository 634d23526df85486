"""Writes `enum` and `const` as datamodel-code-generator reads them.

Python has literals for texts, whole numbers, flags and null alone. Of fractions, lists and objects
the library made types that the default None doesn't fit, and a choice of a literal and any number.
"""

from typing import Any

_UNWRITTEN = (float, list, dict)
_TYPES: dict[type, str] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    list: "array",
    dict: "object",
    type(None): "null",
}


def say_types(schema: dict[str, Any]) -> None:
    """In place of values without a literal in Python their types, if the schema doesn't say them.

    Requests and answers are held against the values all the same.
    """
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if not isinstance(values, list) or not any(isinstance(each, _UNWRITTEN) for each in values):
        return
    schema.pop("const", None)
    schema.pop("enum", None)
    if "type" not in schema:
        types = dict.fromkeys(_TYPES[type(each)] for each in values)
        if "number" in types:
            types.pop("integer", None)
        schema["type"] = [*types] if len(types) > 1 else next(iter(types))
