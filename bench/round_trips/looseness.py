"""Where models take what the contract refuses, and why each of these places is no surprise.

The server holds requests and answers against the contract itself, so it takes none of them. What
fits no class here is a finding: a model ought to refuse it.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal
from urllib.parse import unquote

import jsonschema_rs

from codegen.runtime.document import follow, resolve
from codegen.runtime.schemas import ContractSchemas, Direction

Class = Literal[
    "null-for-absent", "text-for-number", "flag-for-number", "number-for-flag", "moment", "format",
    "unchecked-keyword", "hidden", "several-of-one", "no-such-type", "beside-reference",
    "unnamed", "one-sided", "several-of-others",
]  # fmt: skip
CLASSES: Final[dict[Class, str]] = {
    "null-for-absent": "null for an optional member that may not be null",
    "text-for-number": "a text that reads as a number or a flag",
    "flag-for-number": "true for 1, false for 0",
    "number-for-flag": "1 or 0, or a word such as yes, for a flag",
    "moment": "a date or time in another form: seconds since 1970, without T, as a number",
    "format": "text that is not of its format, where that is text in Python",
    "unchecked-keyword": "a keyword that pydantic has no constraint for",
    "hidden": "a readOnly member in a request, or a writeOnly one in an answer",
    "several-of-one": "a value that fits several schemas of a oneOf",
    "no-such-type": "`not`",
    "one-sided": "a required member missing that the other direction must not have",
    "several-of-others": "a member without a name, where `patternProperties` or several parts of an"
    " `allOf` say what it may be",
    "unnamed": "a `required` member that no `properties` name",
    "beside-reference": "a keyword beside `$ref` or `allOf`, which narrows what they say",
}
# What stands for no constraint of pydantic's, or for none that holds through a union.
_UNCHECKED = frozenset(
    {
        "uniqueItems", "contains", "minContains", "maxContains", "propertyNames", "minProperties",
        "maxProperties", "dependentRequired", "dependentSchemas", "if", "then", "else",
        "unevaluatedProperties", "unevaluatedItems", "patternProperties", "prefixItems",
    }
)  # fmt: skip
_MOMENTS = ("date-time", "date")


def classes_of(
    schemas: ContractSchemas, direction: Direction, pointer: str, value: Any
) -> set[Class] | None:
    """Why the models may take the invalid value; None if there is an error that no class covers."""
    errors = schemas.compiled(direction, pointer).iter_errors(value)
    found = [_class_of(schemas.document, error) for error in errors]
    return None if any(one is None for one in found) else {one for one in found if one}


def _class_of(document: Any, error: jsonschema_rs.ValidationError) -> Class | None:
    kind, value = error.kind.name, error.instance
    schema = _schema(document, error)
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.OneOfMultipleValid):
        return "several-of-one"
    if kind in ("anyOf", "oneOf"):
        return _of_branches(document, error)
    if kind == "falseSchema":
        return "hidden"
    if kind == "not":
        return "no-such-type"
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Required):
        return _of_missing(document, schema.get("properties", {}), error.kind.property)
    is_of_fraction = kind == "multipleOf" and isinstance(schema["multipleOf"], float)
    if kind in _UNCHECKED or is_of_fraction:
        return "unchecked-keyword"
    said = schema.get("format") if isinstance(schema, dict) else None
    if said in _MOMENTS and isinstance(value, int | float | str) and not isinstance(value, bool):
        return "moment"
    if kind == "format":
        return "format"
    if kind != "type" and isinstance(schema, dict) and ("$ref" in schema or "allOf" in schema):
        return "beside-reference"
    known = _of_type(value, schema) if kind in ("type", "enum", "const") else None
    return known or ("several-of-others" if _is_other_member(document, error) else None)


def _is_other_member(document: Any, error: jsonschema_rs.ValidationError) -> bool:
    """Whether all that is wrong is in a member without a name that the model takes as it is."""
    way = [str(step) for step in error.evaluation_path]
    for number, step in enumerate(way):
        if step == "patternProperties":
            return True
        if step == "additionalProperties" and "allOf" in way[:number]:
            return True
    if error.kind.name == "additionalProperties":
        return "patternProperties" in _schema(document, error)
    place = unquote((error.absolute_keyword_location or "").partition("#")[2])
    holder, found, _ = place.rpartition("/additionalProperties")
    return bool(found) and "patternProperties" in (resolve(document, holder) or ())


def _of_missing(document: Any, properties: dict[str, Any], name: str) -> Class | None:
    if name not in properties:
        return "unnamed"
    declared = follow(document, properties[name])
    has_side = any(declared.get(key) is True for key in ("readOnly", "writeOnly"))
    return "one-sided" if has_side else None


def _of_type(value: Any, schema: Any) -> Class | None:
    declared = schema.get("type", ()) if isinstance(schema, dict) else ()
    types = {declared} if isinstance(declared, str) else set(declared)
    if value is None:
        return "null-for-absent"
    if isinstance(value, bool):
        return "flag-for-number" if types & {"integer", "number"} else None
    if isinstance(value, str):
        return "text-for-number" if types & {"integer", "number", "boolean"} else None
    is_flag = isinstance(value, int | float) and value in (0, 1) and "boolean" in types
    return "number-for-flag" if is_flag else None


def _of_branches(document: Any, error: jsonschema_rs.ValidationError) -> Class | None:
    """Of a union one schema suffices whose errors are all of a class."""
    for branch in getattr(error.kind, "context", ()):
        found = [_class_of(document, inner) for inner in branch]
        if found and all(found):
            return found[0]
    return None


def _schema(document: Any, error: jsonschema_rs.ValidationError) -> Any:
    """The schema that holds the keyword which failed."""
    place = (error.absolute_keyword_location or "").partition("#")[2]
    return resolve(document, unquote(place.rpartition("/")[0]))


def told(classes: Iterable[Class]) -> Iterator[str]:
    yield from (f"{name}: {CLASSES[name]}" for name in classes)
