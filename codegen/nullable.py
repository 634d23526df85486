"""Whether a schema admits null, in either dialect. Looks at no other value."""

from typing import Any

from .runtime.document import referenced


def admits_null(document: Any, schema: Any, inside: tuple[int, ...] = ()) -> bool:
    """A schema that only leads back to itself admits whatever the others around it do."""
    if not isinstance(schema, dict):
        return schema is not False
    if id(schema) in inside:
        return True
    # The type says no of most, and is told at once.
    if not _own_type_admits(document, schema):
        return False
    inside = (*inside, id(schema))
    if "$ref" in schema and not admits_null(document, referenced(document, schema["$ref"]), inside):
        return False
    return _branches_admit(document, schema, inside)


def says_nullable(document: Any, schema: dict[str, Any]) -> bool:
    """Whether it says `nullable` in OpenAPI 3.0; 3.1 and its validators don't know it."""
    return schema.get("nullable") is True and str(document.get("openapi")).startswith("3.0")


def lists_null(schema: dict[str, Any]) -> bool:
    """Whether its type lists null beside others, as OpenAPI 3.1 has it."""
    declared = schema.get("type")
    return isinstance(declared, list) and "null" in declared and len(declared) > 1


def _own_type_admits(document: Any, schema: dict[str, Any]) -> bool:
    declared = schema.get("type")
    types = [declared] if isinstance(declared, str) else declared
    # What is neither a name nor a list of them is a mistake, which is told elsewhere.
    names_others = isinstance(types, list) and "null" not in types
    if names_others and not says_nullable(document, schema):
        return False
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    return not isinstance(values, list) or None in values


def _branches_admit(document: Any, schema: dict[str, Any], inside: tuple[int, ...]) -> bool:
    admitting = {
        keyword: [admits_null(document, branch, inside) for branch in schema[keyword]]
        for keyword in ("allOf", "anyOf", "oneOf")
        if isinstance(schema.get(keyword), list)
    }
    return all(admitting.pop("allOf", ())) and all(any(found) for found in admitting.values())
