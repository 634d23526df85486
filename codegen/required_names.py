"""Which members an object must have that nothing in its contract says more of.

Models left such out, but where datamodel-code-generator joins an `allOf`.
"""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from .runtime.document import conjuncts, objects

_OBJECTS = ("object", ["object", "null"], ["null", "object"])
# Beside these others may declare the member, or hold it to something.
_SAY_MORE = ("allOf", "anyOf", "oneOf", "$ref", "patternProperties")


def declare_required(schema: dict[str, Any], declared: Collection[str]) -> None:
    """Declares them in `schema`, to be of any value. `declared` are those that others declare."""
    names, properties = schema.get("required"), schema.get("properties", {})
    if (
        not isinstance(names, list)
        or not isinstance(properties, dict)
        or not (schema.get("type") in _OBJECTS or ("type" not in schema and properties))
        or schema.get("additionalProperties", True) is not True
        or any(key in schema for key in _SAY_MORE)
    ):
        return
    unnamed = [name for name in names if isinstance(name, str) and name not in properties]
    if any(name in declared for name in unnamed):
        # A field of any value here would be one there too, in the place of what is declared.
        schema["additionalProperties"] = True
    if new := [name for name in unnamed if name not in declared]:
        schema["properties"] = {**properties, **{name: {} for name in new}}


def declared_beside(document: Any) -> dict[int, set[str]]:
    """By the id of each part of an `allOf`, the members that any of the parts declares."""
    found: dict[int, set[str]] = defaultdict(set)
    for schema in objects(document):
        if isinstance(schema.get("allOf"), list):
            parts = list(conjuncts(document, schema))
            names = {name for part in parts for name in _properties(part)}
            for part in parts:
                found[id(part)] |= names
    return found


def _properties(schema: dict[str, Any]) -> Collection[str]:
    properties = schema.get("properties")
    return properties if isinstance(properties, dict) else ()
