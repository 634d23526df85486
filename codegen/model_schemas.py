"""The schemas of all models as one self-contained set, under the names of their Python types."""

from collections.abc import Callable, Collection, Container, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from .discriminators import choice_without_property, extended_by_others, has_choice
from .joined_values import join_values
from .model_aliases import lead_past_aliases
from .model_choices import may_join, spread_choices
from .model_parts import require_alike, spell_out, write_parts
from .model_references import join_beside
from .model_values import say_types
from .nullable import admits_null, lists_null, says_nullable
from .required_names import (
    declare_required,
    declared_beside,
    joining,
    keep_others,
    keeping_others,
    requires_unnamed,
)
from .runtime.document import conjuncts, copied
from .schema_copies import Copy, copied_schema
from .schema_types import SchemaTypes
from .shape import Pointer
from .sides import Sides, lenient_names, sent_and_answered

# A full path, as datamodel-code-generator takes it; the package's own is put in later.
FILE_MODULE = "contract_file_part_of_this_package"
FILE_PATH = f"{FILE_MODULE}.FilePart"
# Marks a property that may be absent, or null, which is something else.
MAY_BE_NULL = "x-may-be-null"
_OTHERS = "additionalProperties"
_PATTERNS = "patternProperties"
_UNEVALUATED = "unevaluatedProperties"
# A schema that is no file is only changed for what it says by one of these.
_CHANGED = frozenset(
    {
        "$ref", "allOf", "default", "deprecated", "discriminator", "multipleOf", "nullable",
        "patternProperties", "properties", "required",
    }
)  # fmt: skip
# A choice need not change, but models are looked at again where there is one.
_READ = _CHANGED | {"anyOf", "oneOf", "enum", "const"}
# Where there is none of these, a schema says of others what it says itself.
_OF_PARTS = frozenset({"allOf", "$ref", _PATTERNS})
_SAYING = frozenset({"allOf", "properties", _PATTERNS})
_COMBINATIONS = frozenset({"allOf", "anyOf", "oneOf"})


@dataclass(frozen=True, slots=True)
class _Context:
    """What the rest of the contract says of a schema: see `required_names` and `sides`."""

    types: SchemaTypes
    declared: Mapping[int, Collection[str]]
    keeping: Container[int]
    extended: Container[int]
    sides: Callable[[], Sides]


def model_schemas(types: SchemaTypes) -> dict[str, Any]:
    """Copies whose references lead to `#/components/schemas/<type name>`.

    A reference into the inside of a schema makes a model of what stands there.
    """
    document = types.contract.document
    joined = joining(document)
    declared = declared_beside(document, joined)
    keeping = keeping_others(document, joined, declared)
    extended = extended_by_others(document, joined)
    sides = cache(lambda: sent_and_answered(document))
    context = _Context(types, declared, keeping, extended, sides)
    done: dict[str, Any] = {}
    joins: list[str] = []
    chooses: list[str] = []
    # What is met meanwhile stands behind all others.
    while names := list(types.models)[len(done) :]:
        for name in names:
            done[name], copies = copied_schema(types.models[name], _READ, types.files)
            for copy in copies:
                _change(copy, context, name)
            joins += [name] if any(_joins(each) for each in copies) else []
            chooses += [name] if any(may_join(each.original) for each in copies) else []

    def tell(name: str, pointer: Pointer) -> None:
        place = types.contract.place((*types.pointer(name), *pointer))
        message = "models may lack members that a choice here adds to what is joined with it"
        hint = "let the choices be objects, few in all, and name each as a schema of its own"
        types.findings.add(place, "CG081", message, hint)

    def join(schema: dict[str, Any], known: Any) -> None:
        _keep_others(schema, schema, known)
        require_alike(schema, known)
        spell_out(schema, known)

    for name in joins:
        write_parts(done[name], {"components": {"schemas": done}})
    spread_choices(done, chooses, join, tell)
    lead_past_aliases(done)
    return done


def _joins(copy: Copy) -> bool:
    # What stands beside a reference has been joined with it meanwhile.
    return "allOf" in copy.original or "allOf" in copy.made


def _change(copy: Copy, context: _Context, name: str) -> None:
    """Changes the copy, in the model of that name, to what the model is made of."""
    types, original, schema = context.types, copy.original, copy.made
    document, key = types.contract.document, id(original)
    if "enum" in original or "const" in original:
        say_types(schema)
    if _CHANGED.isdisjoint(original) and key not in types.files:
        return
    if key in types.misfits:
        del schema["default"]
    if "nullable" in schema and not says_nullable(document, schema):
        del schema["nullable"]
    if {*copy.pointer[-2:-1]} != {"properties"}:
        # Of a field alone pydantic knows it; of another type it warns when that is imported.
        schema.pop("deprecated", None)
    if key in types.files:
        _make_file(schema)
        return
    # Most are a reference and nothing else.
    if len(original) > 1 or "$ref" not in original:
        if join_beside(schema, is_old=str(document["openapi"]).startswith("3.0")):
            _rename_references(schema["allOf"][0], types)
            if requires_unnamed(document, original):
                keep_others(schema)
        _change_words(schema, original, context)
    if key in context.keeping:
        keep_others(schema)
    if not {*copy.pointer[-2:-1]} & _COMBINATIONS:
        declare_required(schema, context.declared.get(key, ()))
    if "discriminator" in schema and key not in context.extended and not has_choice(original):
        # It chooses among those that extend this one. Without any the library took its own kind.
        del schema["discriminator"]
    elif without := choice_without_property(document, original):
        del schema["discriminator"]
        _tell_left_out(types, (*types.pointer(name), *copy.pointer), without)
    _rename_references(schema, types)


def _change_words(schema: dict[str, Any], original: dict[str, Any], context: _Context) -> None:
    document = context.types.contract.document
    _require_less(schema, lenient_names(original, document, context.sides))
    if isinstance(schema.get("multipleOf"), float):
        # Of large numbers pydantic says that they aren't: 721506245.06 is none of 0.01.
        del schema["multipleOf"]
    _mark_nullable(schema, original, document)
    if "allOf" in schema:
        join_values(schema, original, document)
    _say_null(schema, original, document)
    _keep_others(schema, original, document)


def _tell_left_out(types: SchemaTypes, pointer: Pointer, without: str) -> None:
    place = types.contract.place((*pointer, "discriminator"))
    message = f"models don't choose by this discriminator: {without}"
    hint = "declare the property in each schema of the choice, and require it"
    types.findings.add(place, "CG081", message, hint)


def _make_file(schema: dict[str, Any]) -> None:
    """What datamodel-code-generator takes for a type of ours; `null` stands for no file."""
    # Where `nullable` says nothing it has been taken out.
    is_nullable = "null" in schema.get("type", ()) or schema.get("nullable") is True
    kept = {key: schema[key] for key in ("description", "title") if key in schema}
    schema.clear()
    file = {"customTypePath": FILE_PATH}
    schema.update(kept | ({"anyOf": [file, {"type": "null"}]} if is_nullable else file))


def _mark_nullable(schema: dict[str, Any], original: dict[str, Any], document: Any) -> None:
    properties, required = original.get("properties"), schema.get("required")
    for name, declared in properties.items() if isinstance(properties, dict) else ():
        is_optional = not isinstance(required, list) or name not in required
        if is_optional and isinstance(declared, dict) and admits_null(document, declared):
            schema["properties"][name][MAY_BE_NULL] = True


def _require_less(schema: dict[str, Any], lenient: set[str]) -> None:
    """Without those names: who sends must not give what only answers have, and the other way."""
    if lenient:
        schema["required"] = [name for name in schema["required"] if name not in lenient]
        if not schema["required"]:
            del schema["required"]


def _say_null(schema: dict[str, Any], original: dict[str, Any], document: Any) -> None:
    """Null in the words of 3.1, and of joined parts as a choice beside what they join.

    datamodel-code-generator takes 3.0's `nullable` for a hint: of a required property it makes
    nothing, nor of one in `allOf`. Where a part there says null by its type, it knows no type.
    """
    declared, parts = schema.get("type"), schema.get("allOf")
    if schema.get("nullable") is True and isinstance(declared, str):
        del schema["nullable"]
        schema["type"] = [declared, "null"]
    said_null = [_leave_out_null(part) for part in parts] if isinstance(parts, list) else []
    if any(said_null) and admits_null(document, original):
        mark = {key: schema.pop(key) for key in (MAY_BE_NULL, "description") if key in schema}
        value = dict(schema)
        schema.clear()
        schema |= {**mark, "anyOf": [value, {"type": "null"}]}


def _leave_out_null(part: Any) -> bool:
    """Whether the part said in place that null is admitted."""
    if not isinstance(part, dict):
        return False
    says_null = lists_null(part)
    if says_null:
        rest = [each for each in part["type"] if each != "null"]
        part["type"] = rest if len(rest) > 1 else rest[0]
    return part.pop("nullable", False) is True or says_null


def _keep_others(schema: dict[str, Any], original: dict[str, Any], document: Any) -> None:
    """Says of a schema itself what its parts say of members that have no name.

    Of the parts of an `allOf` datamodel-code-generator heeds the named members alone, where they
    aren't models that others derive from. Of `patternProperties` it takes that nothing else may be
    there, and of several that all members are of one; beside `properties` it knows none.
    """
    # What only refers to another says nothing itself, so that there is nothing to add either.
    if _OF_PARTS.isdisjoint(original) or _SAYING.isdisjoint(schema):
        return
    parts = list(conjuncts(document, original))
    said = [part[_OTHERS] for part in parts if part.get(_OTHERS) is not None]
    said += [True for part in parts if part.get(_UNEVALUATED, False) is not False]
    if any(_PATTERNS in part for part in parts) and not _is_mapping(schema):
        schema.pop(_PATTERNS, None)
        schema[_OTHERS] = True
    elif "allOf" in schema and _OTHERS not in schema and said and False not in said:
        # A reference leads nowhere here, so these are the parts that stand in place.
        in_place = [part for part in conjuncts({}, schema) if _OTHERS in part]
        if len(said) == len(in_place) == 1:
            schema[_OTHERS] = in_place[0].pop(_OTHERS)
        else:
            # One that holds no other schema means the same wherever it stands.
            is_simple = (
                len(said) == 1
                and isinstance(said[0], dict)
                and said[0].keys() <= {"type", "format", "enum"}
            )
            schema[_OTHERS] = copied(said[0]) if is_simple else True


def _is_mapping(schema: dict[str, Any]) -> bool:
    """Whether all members that it may have are of one pattern, or it has no pattern itself."""
    patterns = schema.get(_PATTERNS)
    if "allOf" in schema or "properties" in schema:
        return False
    return patterns is None or (len(patterns) == 1 and schema.get(_OTHERS) is False)


def _rename_references(schema: dict[str, Any], types: SchemaTypes) -> None:
    if isinstance(schema.get("$ref"), str):
        schema["$ref"] = _renamed(schema["$ref"], types)
    discriminator = schema.get("discriminator")
    mapping = discriminator.get("mapping") if isinstance(discriminator, dict) else None
    if not isinstance(mapping, dict):
        return
    for key, reference in mapping.items():
        is_name = "/" not in reference and "#" not in reference
        full = f"#/components/schemas/{reference}" if is_name else reference
        mapping[key] = _renamed(full, types)


def _renamed(reference: str, types: SchemaTypes) -> str:
    return f"#/components/schemas/{types.referred(reference)}"
