"""Checks a bundled contract against OpenAPI's own meta-schemas, and its schemas as JSON Schema."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
from openapi_spec_validator.schemas.utils import get_schema_content

from .bundle import Bundle, value_at
from .diagnostics import Findings, Severity
from .shape import Node, Pointer, walk, written
from .suggestions import nearest

_VERSION = re.compile(r"3\.[01]\.[0-9]+(-.+)?")
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_OPENAPI_DIALECT = "https://spec.openapis.org/oas/3.1/dialect/base"
_MAX_TEXT = 160
# `paths`, the path, the method.
_OPERATION_DEPTH = 3
# `components`, the section, the name.
_COMPONENT_DEPTH = 3
# Nothing generated depends on what stands there.
_UNREAD = (("info",), ("servers",), ("externalDocs",), ("webhooks",))


def is_known_version(contract: Bundle, findings: Findings) -> bool:
    """Nothing else can be said of a contract whose version isn't one of those we read."""
    if "swagger" in contract.document:
        hint = "convert it to OpenAPI 3.1 first"
        findings.add(contract.place(("swagger",)), "CG005", "this is Swagger 2", hint)
        return False
    version = contract.document.get("openapi")
    if isinstance(version, str) and _VERSION.fullmatch(version):
        return True
    said = "is missing" if version is None else f"{version!r} is not supported"
    message = f"the OpenAPI version {said}"
    findings.add(contract.place(("openapi",)), "CG005", message, "use 3.0.x or 3.1.x")
    return False


def check_structure(contract: Bundle, findings: Findings) -> set[Pointer]:
    """Returns where the document is malformed, so that later checks keep away from there."""
    version = contract.document["openapi"][:3]
    meta_schema = dict(get_schema_content(version))
    draft = (
        jsonschema_rs.Draft4Validator if version == "3.0" else jsonschema_rs.Draft202012Validator
    )
    broken: set[Pointer] = set()
    names = _field_names(meta_schema)
    for error in _leaves(draft(meta_schema).iter_errors(contract.document)):
        pointer = _pointer(contract.document, error)
        # What stands around operations and components is read all the same: a field more or less
        # there hides nothing.
        if len(pointer) >= _OPERATION_DEPTH or not getattr(error.kind, "unexpected", None):
            broken.add(pointer)
        # Nothing generated depends on what stands in `info`.
        severity: Severity = "warning" if pointer[:1] == ("info",) else "error"
        hint = _field_hint(error, names)
        place = contract.place(_shown(pointer, error))
        findings.add(place, "CG006", _message(error), hint, severity)
    if version == "3.1":
        broken |= _check_schemas(contract, findings)
    return broken


def _field_names(meta_schema: Any) -> frozenset[str]:
    """Every field that some object of OpenAPI has."""
    names: set[str] = set()
    todo = [meta_schema]
    while todo:
        part = todo.pop()
        if isinstance(part, dict):
            properties = part.get("properties")
            names |= set(properties) if isinstance(properties, dict) else set()
            todo.extend(part.values())
        elif isinstance(part, list):
            todo.extend(part)
    return frozenset(names)


def _field_hint(error: jsonschema_rs.ValidationError, names: frozenset[str]) -> str:
    unexpected = getattr(error.kind, "unexpected", None)
    if not unexpected or not isinstance(error.instance, dict):
        return ""
    near = nearest(unexpected[0], names - set(error.instance))
    return f"did you mean {near}?" if near else "fields of your own begin with x-"


def is_readable(broken: set[Pointer]) -> bool:
    """Whether all that is malformed lies where it can be passed over while the rest is read."""
    return all(
        place[:1] in _UNREAD
        or (place[:1] == ("paths",) and len(place) >= _OPERATION_DEPTH)
        or (place[:1] == ("components",) and len(place) >= _COMPONENT_DEPTH)
        for place in broken
    )


def broken_components(document: Any, broken: set[Pointer]) -> frozenset[str]:
    """References to components that are malformed, and to those that lead there; no schemas."""
    components = document.get("components")
    sections = components if isinstance(components, dict) else {}
    found = {
        f"#{written(place[:_COMPONENT_DEPTH])}"
        for place in broken
        if place[:1] == ("components",) and place[1:2] != ("schemas",)
    }
    aliases = {
        f"#{written(('components', section, name))}": value["$ref"]
        for section, named in sections.items()
        if section != "schemas" and isinstance(named, dict)
        for name, value in named.items()
        if isinstance(value, dict) and isinstance(value.get("$ref"), str)
    }
    while more := {own for own, target in aliases.items() if target in found} - found:
        found |= more
    return frozenset(found)


def _check_schemas(contract: Bundle, findings: Findings) -> set[Pointer]:
    dialect = contract.document.get("jsonSchemaDialect", _OPENAPI_DIALECT)
    if dialect not in (_DIALECT, _OPENAPI_DIALECT):
        message = f"the schema dialect {dialect} is not supported"
        place = contract.place(("jsonSchemaDialect",))
        findings.add(place, "CG080", message, "use JSON Schema 2020-12")
    validator = jsonschema_rs.Draft202012Validator({"$ref": _DIALECT})
    broken: set[Pointer] = set()
    for node in _outermost_schemas(contract.document):
        for error in _leaves(validator.iter_errors(node.value)):
            pointer = (*node.pointer, *_pointer(node.value, error))
            broken.add(pointer)
            findings.add(contract.place(_shown(pointer, error)), "CG007", _message(error))
    return broken


def _outermost_schemas(document: dict[str, Any]) -> Iterator[Node]:
    inside: Pointer | None = None
    for node in walk(Node("openapi", (), document)):
        if inside is not None and node.pointer[: len(inside)] == inside:
            continue
        inside = node.pointer if node.kind == "schema" else None
        if inside is not None:
            yield node


def _leaves(
    errors: Iterator[jsonschema_rs.ValidationError] | list[jsonschema_rs.ValidationError],
) -> Iterator[jsonschema_rs.ValidationError]:
    """The errors that name the actual mistake, where a choice between forms failed."""
    for error in errors:
        branches = getattr(error.kind, "context", None) or []
        meant = [branch for branch in branches if branch and not _is_reference_branch(branch)]
        if not meant or not isinstance(error.instance, dict):
            yield error
            continue
        deepest = max(meant, key=lambda branch: max(len(inner.instance_path) for inner in branch))
        yield from _leaves(deepest)


def _is_reference_branch(branch: list[jsonschema_rs.ValidationError]) -> bool:
    return any(getattr(error.kind, "property", None) == "$ref" for error in branch)


def _pointer(document: Any, error: jsonschema_rs.ValidationError) -> Pointer:
    """The validator gives numeric keys of mappings as numbers; the document has text."""
    pointer: Pointer = ()
    for token in error.instance_path:
        inside = value_at(document, pointer)
        pointer = (*pointer, int(token) if isinstance(inside, list) else str(token))
    return pointer


def _shown(pointer: Pointer, error: jsonschema_rs.ValidationError) -> Pointer:
    unexpected = getattr(error.kind, "unexpected", None)
    return (*pointer, unexpected[0]) if unexpected else pointer


def _message(error: jsonschema_rs.ValidationError) -> str:
    kind = error.kind
    where = f"`{error.instance_path[-1]}`" if error.instance_path else "the contract"
    if unexpected := getattr(kind, "unexpected", None):
        names = ", ".join(f"`{name}`" for name in unexpected)
        return f"{where} may not have the field {names}"
    if missing := getattr(kind, "property", None):
        return f"{where} lacks the field `{missing}`"
    if isinstance(error.instance, dict | list):
        return f"{where} breaks the rule `{kind.name}`"
    if kind.name in ("anyOf", "oneOf"):
        return f"{where}: {error.instance!r} is not an allowed value"
    return f"{where}: {error.message[:_MAX_TEXT]}"
