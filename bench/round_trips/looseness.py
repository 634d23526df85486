"""Where models take what the contract refuses, and why each of these places is no surprise.

The server holds requests and answers against the contract itself, so it takes none of them. What
fits no class here is a finding: a model ought to refuse it.
"""

import copy
import datetime
import json
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import unquote

import jsonschema_rs
from pydantic import TypeAdapter, ValidationError

from bench.round_trips.sameness import Said
from codegen.pointers import parse_pointer, value_at
from codegen.runtime.document import conjuncts, follow, resolve
from codegen.runtime.schema_views import Direction
from codegen.runtime.schemas import ContractSchemas

Class = Literal[
    "null-for-absent", "text-for-number", "flag-for-number", "number-for-flag", "moment", "format",
    "unchecked-keyword", "hidden", "several-of-one", "no-such-type", "beside-reference",
    "unnamed", "one-sided", "several-of-others", "nothing", "listed", "in-place",
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
    "nothing": "`false`",
    "one-sided": "a required member missing that the other direction must not have",
    "several-of-others": "a member without a name, where `patternProperties` or several parts of an"
    " `allOf` say what it may be",
    "unnamed": "a `required` member that no `properties` name",
    "listed": "`enum` or `const` with a fraction, a list or an object",
    "in-place": "bounds of a body that is a text, number, list or mapping, in place",
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
# Where a keyword beside others may be lost, it narrows what these say.
_NARROWING = frozenset(
    {
        "enum", "const", "pattern", "minLength", "maxLength", "minimum", "maximum", "multipleOf",
        "exclusiveMinimum", "exclusiveMaximum", "minItems", "maxItems", "additionalProperties",
    }
)  # fmt: skip
_BOUNDS = _NARROWING - {"enum", "const", "additionalProperties"}
_LITERALS: dict[type, str] = {bool: "boolean", int: "integer"}
_TYPED: Final[dict[Any, tuple[Class, TypeAdapter[Any]]]] = {
    "date-time": ("moment", TypeAdapter(datetime.datetime)),
    "date": ("moment", TypeAdapter(datetime.date)),
    "uuid": ("format", TypeAdapter(uuid.UUID)),
}
_LAX: Final[dict[Any, TypeAdapter[Any]]] = {
    "integer": TypeAdapter(int),
    "number": TypeAdapter(float),
    "boolean": TypeAdapter(bool),
}


def classes_of(
    schemas: ContractSchemas, direction: Direction, pointer: str, value: Any
) -> set[Class] | None:
    """Why the models may take the invalid value; None if there is an error that no class covers."""
    validator = schemas.compiled(direction, pointer)
    trial = _Trial(schemas.document, validator, schemas.at(pointer), value)
    found: list[Class | None] = [
        "in-place" if _is_in_place(pointer, error) else trial.class_of(error)
        for error in validator.iter_errors(value)
    ]
    return None if any(one is None for one in found) else {one for one in found if one}


@dataclass(frozen=True, slots=True)
class _Trial:
    """An invalid value, and the schema that it was held against."""

    document: Any
    validator: jsonschema_rs.Draft202012Validator
    schema: Any
    value: Any

    def class_of(self, error: jsonschema_rs.ValidationError) -> Class | None:
        kind, value = error.kind.name, error.instance
        schema = _schema(self.document, error)
        if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.OneOfMultipleValid):
            return "several-of-one"
        if kind in ("anyOf", "oneOf"):
            return self._of_branches(error)
        if kind == "falseSchema":
            return _of_nothing(self.document, error)
        if kind == "not":
            return "no-such-type"
        if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Required):
            return self._of_missing(error, schema.get("properties", {}), error.kind.property)
        is_of_fraction = kind == "multipleOf" and isinstance(schema["multipleOf"], float)
        if kind in _UNCHECKED or is_of_fraction:
            return "unchecked-keyword"
        said = schema.get("format") if isinstance(schema, dict) else None
        if said in _TYPED and isinstance(value, int | float | str) and not isinstance(value, bool):
            # Of what has a type in Python that type says what it takes.
            if _takes(_TYPED[said][1], value):
                return _TYPED[said][0]
        elif kind == "format":
            return "format"
        is_beside = isinstance(schema, dict) and ("$ref" in schema or "allOf" in schema)
        if is_beside and kind in _NARROWING:
            return "beside-reference"
        if kind in ("enum", "const") and _has_unwritten(schema):
            return "listed"
        known = self._of_type(error, schema) if kind in ("type", "enum", "const") else None
        return known or ("several-of-others" if _is_other_member(self.document, error) else None)

    def _of_branches(self, error: jsonschema_rs.ValidationError) -> Class | None:
        """Of a union one schema suffices whose errors are all of a class."""
        for branch in getattr(error.kind, "context", ()):
            found = [self.class_of(inner) for inner in branch]
            if found and all(found):
                return found[0]
        return None

    def _of_missing(
        self, error: jsonschema_rs.ValidationError, properties: dict[str, Any], name: str
    ) -> Class | None:
        if name not in properties:
            return None if self._is_declared(error, name) else "unnamed"
        declared = follow(self.document, properties[name])
        has_side = any(declared.get(key) is True for key in ("readOnly", "writeOnly"))
        return "one-sided" if has_side else None

    def _is_declared(self, error: jsonschema_rs.ValidationError, name: str) -> bool:
        """Whether a schema declares the member that holds there whatever is chosen."""
        if {"anyOf", "oneOf", "if", "not", "dependentSchemas"} & {*map(str, error.evaluation_path)}:
            return False
        said = Said.of(self.document, [self.schema])
        for step in error.instance_path:
            said = said.member(step) if isinstance(step, str) else said.item(step)
        return any(
            name in part.get("properties", {})
            for schema in said.schemas
            for part in conjuncts(self.document, schema)
        )

    def _of_type(self, error: jsonschema_rs.ValidationError, schema: Any) -> Class | None:
        value = error.instance
        declared = schema.get("type", ()) if isinstance(schema, dict) else ()
        types = {declared} if isinstance(declared, str) else set(declared)
        types |= {_LITERALS.get(type(one), "") for one in _values(schema) if one == value}
        if value is None:
            return "null-for-absent" if self._is_optional(list(error.instance_path)) else None
        if isinstance(value, bool):
            return "flag-for-number" if types & {"integer", "number"} else None
        if isinstance(value, str):
            is_read = any(_takes(_LAX[name], value) for name in types & _LAX.keys())
            return "text-for-number" if is_read else None
        is_flag = isinstance(value, int | float) and value in (0, 1) and "boolean" in types
        return "number-for-flag" if is_flag else None

    def _is_optional(self, way: list[Any]) -> bool:
        """Whether a member could be left out, of what stands there whatever is chosen."""
        if not way or not isinstance(way[-1], str):
            return False
        without = copy.deepcopy(self.value)
        holder = without
        for step in way[:-1]:
            holder = holder[step]
        del holder[way[-1]]
        return not any(
            isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Required)
            and (error.kind.property, list(error.instance_path)) == (way[-1], way[:-1])
            for error in self.validator.iter_errors(without)
        )


def _is_in_place(pointer: str, error: jsonschema_rs.ValidationError) -> bool:
    """Whether it is of a body's own schema, or of its items in place: these have no model."""
    place = unquote((error.absolute_keyword_location or "").partition("#")[2])
    way = place.removeprefix(unquote(pointer)).split("/")[1:-1]
    return (
        error.kind.name in _BOUNDS
        and not pointer.startswith("/components/schemas/")
        and place.startswith(f"{unquote(pointer)}/")
        and {"items", "additionalProperties"}.issuperset(way)
    )


def _has_unwritten(schema: Any) -> bool:
    """Whether there is a value among those listed that is no literal in Python."""
    return any(isinstance(value, float | list | dict) for value in _values(schema))


def _values(schema: Any) -> list[Any]:
    """Those that `enum` or `const` lists."""
    listed = schema if isinstance(schema, dict) else {}
    return [listed["const"]] if "const" in listed else listed.get("enum", [])


def _takes(kind: TypeAdapter[Any], value: Any) -> bool:
    try:
        kind.validate_json(json.dumps(value))
    except ValidationError:
        return False
    return True


def _of_nothing(document: Any, error: jsonschema_rs.ValidationError) -> Class | None:
    place = unquote((error.absolute_keyword_location or "").partition("#")[2])
    declared = list(conjuncts(document, resolve(document, place)))
    has_side = any(part.get(key) is True for part in declared for key in ("readOnly", "writeOnly"))
    return "hidden" if has_side else ("nothing" if not declared else None)


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


def _schema(document: Any, error: jsonschema_rs.ValidationError) -> Any:
    """The schema that holds the keyword which failed."""
    place = unquote((error.absolute_keyword_location or "").partition("#")[2]).rpartition("/")[0]
    # References on the way are not followed: what is told of may stand beside one.
    try:
        return value_at(document, parse_pointer(document, place))
    except LookupError:
        return resolve(document, place)


def told(classes: Iterable[Class]) -> Iterator[str]:
    yield from (f"{name}: {CLASSES[name]}" for name in classes)
