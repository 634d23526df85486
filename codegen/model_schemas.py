"""The schemas of all models as one self-contained set, under the names of their Python types."""

from typing import Any

from .discriminators import choice_without_property
from .model_choices import spread_choices
from .model_parts import require_alike, spell_out, write_parts
from .nullable import admits_null, says_nullable
from .required_names import declare_required, declared_beside, keep_others, keeping_others
from .runtime.document import conjuncts, copied
from .schema_types import SchemaTypes, wanted_name
from .shape import Node, Pointer, walk
from .sides import lenient_names, sent_and_answered

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
        "$ref", "allOf", "default", "discriminator", "multipleOf", "nullable", "patternProperties",
        "properties", "required",
    }
)  # fmt: skip
# Where there is none of these, a schema says of others what it says itself.
_OF_PARTS = frozenset({"allOf", "$ref", _PATTERNS})
_COMBINATIONS = frozenset({"allOf", "anyOf", "oneOf"})


def model_schemas(types: SchemaTypes) -> dict[str, Any]:
    """Copies whose references lead to `#/components/schemas/<type name>`.

    A reference into the inside of a schema makes a model of what stands there.
    """
    document = types.contract.document
    done: dict[str, Any] = {}
    sent, answered = sent_and_answered(document)
    declared = declared_beside(document)
    keeping = keeping_others(document, declared)
    joining: dict[str, None] = {}
    # What is met meanwhile stands behind all others.
    while names := list(types.models)[len(done) :]:
        name = names[0]
        copies: dict[int, dict[str, Any]] = {}
        done[name] = _copied(types.models[name], copies)
        for node in walk(Node("schema", (), types.models[name])):
            original = node.value
            # True or false else. Of most schemas there is nothing to change.
            if not isinstance(original, dict) or (
                _CHANGED.isdisjoint(original) and id(original) not in types.files
            ):
                continue
            schema = copies[id(original)]
            if "allOf" in original:
                joining[name] = None
            if id(original) in types.misfits:
                del schema["default"]
            if not says_nullable(document, schema):
                schema.pop("nullable", None)
            if id(original) in types.files:
                _make_file(schema)
                continue
            lenient = lenient_names(
                original,
                document,
                is_sent=id(original) in sent,
                is_answered=id(original) in answered,
            )
            _require_less(schema, lenient)
            if isinstance(schema.get("multipleOf"), float):
                # Of large numbers pydantic says that they aren't: 721506245.06 is none of 0.01.
                del schema["multipleOf"]
            _mark_nullable(schema, original, document)
            _say_null(schema, original, document)
            _keep_others(schema, original, document)
            if id(original) in keeping:
                keep_others(schema)
            if not {*node.pointer[-2:-1]} & _COMBINATIONS:
                declare_required(schema, declared.get(id(original), ()))
            if without := choice_without_property(document, original):
                del schema["discriminator"]
                _tell_left_out(types, (*types.pointer(name), *node.pointer), without)
            _rename_references(schema, types)

    def tell(name: str, pointer: Pointer) -> None:
        place = types.contract.place((*types.pointer(name), *pointer))
        message = "models may lack members that a choice here adds to what is joined with it"
        hint = "let the choices be objects, few in all, and name each as a schema of its own"
        types.findings.add(place, "CG081", message, hint)

    def join(schema: dict[str, Any], known: Any) -> None:
        _keep_others(schema, schema, known)
        require_alike(schema, known)
        spell_out(schema, known)

    for name in joining:
        write_parts(done[name], {"components": {"schemas": done}})
    spread_choices(done, join, tell)
    return done


def _copied(value: Any, copies: dict[int, dict[str, Any]]) -> Any:
    """As `copied`; `copies` gets what is made of each object, by the object's id."""
    if isinstance(value, dict):
        made = copies[id(value)] = {key: _copied(inner, copies) for key, inner in value.items()}
        return made
    return [_copied(item, copies) for item in value] if isinstance(value, list) else value


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
    """OpenAPI 3.0's `nullable` in the words of 3.1.

    datamodel-code-generator takes the former for a hint: of a required property it makes nothing,
    nor of one in `allOf`, where it can't read the latter either.
    """
    declared, parts = schema.get("type"), schema.get("allOf")
    if schema.get("nullable") is True and isinstance(declared, str):
        del schema["nullable"]
        schema["type"] = [declared, "null"]
    if (
        isinstance(parts, list)
        and any(map(_is_nullable, parts))
        and admits_null(document, original)
    ):
        for part in filter(_is_nullable, parts):
            del part["nullable"]
        mark = {key: schema.pop(key) for key in (MAY_BE_NULL, "description") if key in schema}
        value = dict(schema)
        schema.clear()
        schema |= {**mark, "anyOf": [value, {"type": "null"}]}


def _keep_others(schema: dict[str, Any], original: dict[str, Any], document: Any) -> None:
    """Says of a schema itself what its parts say of members that have no name.

    Of the parts of an `allOf` datamodel-code-generator heeds the named members alone, where they
    aren't models that others derive from. Of `patternProperties` it takes that nothing else may be
    there, and of several that all members are of one; beside `properties` it knows none.
    """
    if _OF_PARTS.isdisjoint(original) and "allOf" not in schema:
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


def _is_nullable(schema: Any) -> bool:
    return isinstance(schema, dict) and schema.get("nullable") is True


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
    pointer = types.contract.target(reference)
    return f"#/components/schemas/{types.name(pointer, wanted_name(pointer))}"
