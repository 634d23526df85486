"""Writes what stands beside a `$ref` as datamodel-code-generator reads it.

In OpenAPI 3.1 both count, as the parts of an `allOf` do; the library left members out, or what a
reference leads to. In 3.0 what stands beside counts for nothing, but the library heeded it.
"""

from typing import Any

# What is told of the place, and not of the value.
_ABOUT = frozenset(
    {
        "$ref", "title", "description", "summary", "default", "deprecated", "example", "examples",
        "readOnly", "writeOnly", "externalDocs", "xml", "$comment", "x-may-be-null",
    }
)  # fmt: skip
_OF_OBJECTS = frozenset(
    {
        "properties", "required", "additionalProperties", "patternProperties", "allOf", "oneOf",
        "anyOf", "unevaluatedProperties",
    }
)  # fmt: skip


def join_beside(schema: dict[str, Any], *, is_old: bool) -> bool:
    """Whether the schema became an `allOf`. `is_old` says that it is of OpenAPI 3.0."""
    if not isinstance(schema.get("$ref"), str):
        return False
    beside = {key: schema[key] for key in schema if key not in _ABOUT and not _is_own(key)}
    if is_old:
        for key in beside:
            del schema[key]
        return False
    if _OF_OBJECTS.isdisjoint(beside):
        return False
    schema["allOf"] = [{"$ref": schema.pop("$ref")}, *schema.get("allOf", [])]
    return True


def _is_own(key: str) -> bool:
    return key.startswith("x-")
