"""Reads texts as the JSON types that a schema admits: of parameters, and of the fields of forms.

A text that can't be read as such stays text, so that the schema refuses it by the rule it breaks.
"""

import math
import re
from typing import Any

from .document import alternatives, referenced

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,30})", re.ASCII)
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?", re.ASCII)
_OTHERS = ("additionalProperties", "patternProperties", "unevaluatedProperties")
_TEXT = frozenset({"string"})

Types = frozenset[str]


def types_of(document: Any, schema: Any) -> Types:
    """The JSON types that a schema admits; a string where it doesn't say, for that came."""
    return _said(document, schema, ()) or _TEXT


def most_items(document: Any, schema: Any) -> int:
    """The largest `maxItems` that a schema names of its value; 0 if it names none."""
    parts = alternatives(document, schema)
    return max((int(part.get("maxItems", 0)) for part in parts), default=0)


def types_in_arrays(document: Any, schema: Any) -> Types:
    """The JSON types of the items of the arrays that a schema admits."""
    parts = list(alternatives(document, schema))
    items = [part["items"] for part in parts if "items" in part]
    places = [place for part in parts for place in part.get("prefixItems", ())]
    told = (types_of(document, item) for item in [*items, *places])
    return frozenset().union(*told) or _TEXT


def properties_of(document: Any, schema: Any) -> tuple[str, ...]:
    """The names of all properties that a schema declares, in any of its alternatives."""
    found = [part.get("properties") for part in alternatives(document, schema)]
    known = [properties for properties in found if isinstance(properties, dict)]
    return tuple(dict.fromkeys(name for properties in known for name in properties))


def takes_other_names(document: Any, schema: Any) -> bool:
    """Whether an object says of members that it doesn't declare that they may be there.

    One that says nothing of any member at all is free in form, too.
    """
    parts = list(alternatives(document, schema))
    said = [part[keyword] for part in parts for keyword in _OTHERS if keyword in part]
    if said:
        return any(one is not False for one in said)
    return not any(part.get("properties") for part in parts)


def scalar(text: str, types: Types) -> Any:
    """A text that reads as a number is one wherever the schema admits numbers."""
    if "integer" in types and _INTEGER.fullmatch(text):
        return int(text)
    if "number" in types and _NUMBER.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    if "boolean" in types and text in ("true", "false"):
        return text == "true"
    if "null" in types and text == "" and "string" not in types:
        return None
    return text


def _said(document: Any, schema: Any, inside: tuple[int, ...]) -> Types | None:
    """The JSON types by each keyword that tells them; None if none does."""
    if not isinstance(schema, dict) or id(schema) in inside:
        return None
    inside = (*inside, id(schema))
    told = [_own_types(schema)]
    if "$ref" in schema:
        told.append(_said(document, referenced(document, schema["$ref"]), inside))
    told += [_said(document, branch, inside) for branch in schema.get("allOf", ())]
    for keyword in ("anyOf", "oneOf"):
        branches = [_said(document, branch, inside) for branch in schema.get(keyword, ())]
        known = [types for types in branches if types is not None]
        if known and len(known) == len(branches):
            told.append(frozenset().union(*known))
    known = [types for types in told if types is not None]
    return frozenset.intersection(*known) if known else None


def _own_types(schema: dict[str, Any]) -> Types | None:
    if "type" in schema:
        declared = schema["type"]
        names = [declared] if isinstance(declared, str) else declared
    elif "enum" in schema or "const" in schema:
        names = [_type_name(value) for value in schema.get("enum", [schema.get("const")])]
    else:
        return None
    return frozenset([*names, *(["integer"] if "number" in names else [])])


def _type_name(value: Any) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}
    return names.get(type(value), "string")
