"""Rules about schemas that say something else than they seem to.

Keywords without effect, limits that nothing meets, values that never fit.
"""

from collections.abc import Iterator
from typing import Any

from ..shape import Node, Pointer
from .rule import Remark, rule
from .subject import Subject, listing, mapping

# Keyword → the types that it says something about.
_MEANT_FOR: dict[str, frozenset[str]] = {
    **dict.fromkeys(("minLength", "maxLength", "pattern"), frozenset({"string"})),
    **dict.fromkeys(
        ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        frozenset({"integer", "number"}),
    ),
    **dict.fromkeys(
        ("items", "minItems", "maxItems", "uniqueItems", "prefixItems", "contains"),
        frozenset({"array"}),
    ),
    **dict.fromkeys(
        ("properties", "required", "minProperties", "maxProperties", "additionalProperties"),
        frozenset({"object"}),
    ),
}
_CONDITIONS = frozenset({"not", "if", "then", "else"})
_RANGES = (
    ("minLength", "maxLength"),
    ("minItems", "maxItems"),
    ("minProperties", "maxProperties"),
    ("minimum", "maximum"),
)
_MISSPELT = {
    "datetime": "date-time", "date_time": "date-time", "dateTime": "date-time",
    "DateTime": "date-time", "iso8601": "date-time", "url": "uri", "guid": "uuid", "UUID": "uuid",
    "ip": "ipv4", "mail": "email", "integer32": "int32", "integer64": "int64", "long": "int64",
    "host": "hostname", "base64": "byte",
}  # fmt: skip
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


@rule(
    "keyword-of-another-type",
    "warning",
    "A keyword for another type than the schema's has no effect: what it should refuse gets in.",
)
def keyword_of_another_type(subject: Subject) -> Iterator[Remark]:
    for node in subject.schemas():
        types = types_of(node.value)
        for keyword, meant in _MEANT_FOR.items():
            if types and keyword in node.value and not types & meant:
                said = " or ".join(sorted(types))
                message = f"`{keyword}` has no effect on the type {said}"
                hint = f"it is for the type {' or '.join(sorted(meant))}"
                yield Remark((*node.pointer, keyword), message, hint)


@rule("contradictory-bounds", "error", "Where the minimum is above the maximum nothing is valid.")
def contradictory_bounds(subject: Subject) -> Iterator[Remark]:
    for node in subject.schemas():
        for low, high in _RANGES:
            least, most = node.value.get(low), node.value.get(high)
            if is_number(least) and is_number(most) and least > most:
                message = f"`{low}` is {least}, `{high}` only {most}: no value is valid"
                yield Remark((*node.pointer, low), message, "correct one of them")


@rule("enum-of-another-type", "error", "A value that isn't of the schema's type is never valid.")
def enum_of_another_type(subject: Subject) -> Iterator[Remark]:
    for node in subject.schemas():
        types = types_of(node.value)
        if is_nullable(subject, node.value):
            types |= {"null"}
        for index, value in enumerate(listing(node.value.get("enum"))):
            if types and not any(_is_of(value, each) for each in types):
                said = " or ".join(sorted(types))
                message = f"this value is not of the type {said}"
                yield Remark((*node.pointer, "enum", index), message, "correct the value or type")


@rule("repeated-enum-value", "warning", "A value that stands twice is a typo of another one.")
def repeated_enum_value(subject: Subject) -> Iterator[Remark]:
    for node in subject.schemas():
        seen: list[tuple[type, Any]] = []
        for index, value in enumerate(listing(node.value.get("enum"))):
            if (type(value), value) in seen:
                pointer = (*node.pointer, "enum", index)
                yield Remark(pointer, "this value stands here a second time", "remove one")
            seen.append((type(value), value))


@rule(
    "undefined-required",
    "warning",
    "A required property that isn't described is a typo, or has no type and no meaning.",
)
def undefined_required(subject: Subject) -> Iterator[Remark]:
    """In a composition any of its parts may describe it."""
    for node in subject.schemas():
        required = listing(node.value.get("required"))
        if not required or (subject.is_3_0 and "$ref" in node.value):
            continue
        described = _described(subject, _whole(node.pointer))
        for index, name in enumerate(required):
            if described and name not in described:
                message = f"the required property {name!r} is not among the properties"
                yield Remark((*node.pointer, "required", index), message, "describe it")


@rule("array-without-items", "warning", "An array whose items are not described takes anything.")
def array_without_items(subject: Subject) -> Iterator[Remark]:
    for node in _alone(subject):
        if "array" in types_of(node.value) and not {"items", "prefixItems"} & node.value.keys():
            yield Remark(node.pointer, "the array has no `items`", "describe them")


@rule("misspelt-format", "warning", "A format that nobody knows is checked by nobody.")
def misspelt_format(subject: Subject) -> Iterator[Remark]:
    for node in subject.schemas():
        known = _MISSPELT.get(str(node.value.get("format")))
        if known:
            message = f"the format {node.value['format']!r} is called {known!r}"
            yield Remark((*node.pointer, "format"), message, f"write {known}")


def types_of(schema: dict[str, Any]) -> set[str]:
    """The types that a schema itself names."""
    declared = schema.get("type")
    named = {str(each) for each in (declared if isinstance(declared, list) else [declared])}
    return named - {"None"}


def is_nullable(subject: Subject, schema: dict[str, Any]) -> bool:
    """Whether it says `nullable`, in the dialect that knows the word."""
    return subject.is_3_0 and schema.get("nullable") is True


def _alone(subject: Subject) -> Iterator[Node]:
    """Schemas that are no composition, nor a part of one."""
    for node in subject.schemas():
        parts = {"$ref", "allOf", "anyOf", "oneOf", "if"}
        inside = {"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas"}
        if not parts & node.value.keys() and not inside & set(node.pointer):
            yield node


def _whole(pointer: Pointer) -> Pointer:
    """The schema that the one at a pointer is, in place, a part of, or itself."""
    while True:
        is_item = isinstance(pointer[-1], int) and pointer[-2] in ("allOf", "anyOf", "oneOf")
        if is_item or pointer[-2] == "dependentSchemas":
            pointer = pointer[:-2]
        elif pointer[-1] in _CONDITIONS and pointer[-2] not in ("properties", "schemas"):
            pointer = pointer[:-1]
        else:
            return pointer


def _described(subject: Subject, pointer: Pointer) -> set[str]:
    """The names of all properties that a schema or any part of it describes."""
    seen: set[Pointer] = set()
    names: set[str] = set()
    todo = [pointer]
    while todo:
        for place, schema in subject.conjuncts(todo.pop()):
            if place in seen:
                continue
            seen.add(place)
            names.update(mapping(schema.get("properties")))
            for keyword in ("anyOf", "oneOf"):
                listed = listing(schema.get(keyword))
                todo.extend((*place, keyword, index) for index in range(len(listed)))
            todo.extend((*place, keyword) for keyword in _CONDITIONS & schema.keys())
            todo.extend(
                (*place, "dependentSchemas", name)
                for name in mapping(schema.get("dependentSchemas"))
            )
    return names


def _is_of(value: Any, declared: str) -> bool:
    if declared == "integer":
        return isinstance(value, int | float) and not isinstance(value, bool) and value % 1 == 0
    if declared == "number" and isinstance(value, bool):
        return False
    return isinstance(value, _TYPES.get(declared, (object,)))


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
