"""Checks a bundled contract against OpenAPI's own meta-schemas, and its schemas as JSON Schema."""

import json
import re
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import jsonschema_rs

from .bundle import Bundle
from .diagnostics import Findings, Severity
from .shape import Node, Pointer, walk, written
from .structure_mistakes import Version, mistakes

_VERSION = re.compile(r"3\.(0\.[0-9]|1\.[0-9]+)(-.+)?")
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_OPENAPI_DIALECT = "https://spec.openapis.org/oas/3.1/dialect/base"
# JSON Schema, and of what OpenAPI adds to it that which the generator reads: at any depth, as the
# anchor replaces the one that JSON Schema's own parts refer to.
_SCHEMA_OF_3_1 = {
    "$dynamicAnchor": "meta",
    "$ref": _DIALECT,
    "properties": {
        "discriminator": {
            "type": "object",
            "required": ["propertyName"],
            "properties": {
                "propertyName": {"type": "string"},
                "mapping": {"type": "object", "additionalProperties": {"type": "string"}},
            },
        },
    },
}
_OWN_ADDRESSES = ("$id", "$dynamicRef", "$dynamicAnchor")
# What a document without `openapi` is, by the field that it begins with.
_OTHERS = {
    "swagger": ("Swagger 2", "convert it to OpenAPI 3.1 first"),
    "asyncapi": ("an AsyncAPI document", "the generator takes OpenAPI alone"),
    "arazzo": ("an Arazzo document", "give the contract that it describes workflows of"),
    "overlay": ("an overlay", "apply it to its contract first, and give what comes of that"),
    "$schema": ("a JSON Schema", "refer to it from a contract, as the schema of a body"),
}
# `paths`, the path, the method.
_OPERATION_DEPTH = 3
# `components`, the section, the name.
_COMPONENT_DEPTH = 3
# Nothing generated depends on what stands there.
_UNREAD = (("info",), ("servers",), ("externalDocs",), ("webhooks",))


def is_known_version(contract: Bundle, findings: Findings) -> bool:
    """Nothing else can be said of a contract whose version isn't one of those we read."""
    for field, (what, way_out) in _OTHERS.items():
        if field in contract.document and "openapi" not in contract.document:
            findings.add(contract.place((field,)), "CG005", f"this is {what}", way_out)
            return False
    version = contract.document.get("openapi")
    if isinstance(version, str) and _VERSION.fullmatch(version):
        return True
    said = "is missing" if version is None else f"{version!r} is not supported"
    message = f"the OpenAPI version {said}"
    hint = "write it first, such as `openapi: 3.1.0`; those of 3.0 and 3.1 are read"
    findings.add(contract.place(("openapi",)), "CG005", message, hint)
    return False


def check_structure(contract: Bundle, findings: Findings) -> set[Pointer]:
    """Returns where the document is malformed, so that later checks keep away from there."""
    version: Version = "3.0" if contract.document["openapi"].startswith("3.0") else "3.1"
    meta_schema = _meta_schema(version)
    draft = (
        jsonschema_rs.Draft4Validator if version == "3.0" else jsonschema_rs.Draft202012Validator
    )
    errors = draft(meta_schema).iter_errors(contract.document)
    broken: set[Pointer] = set()
    for found in mistakes(contract.document, (), errors, version, _field_names(meta_schema)):
        # What stands around operations and components is read all the same: a field more or less
        # there hides nothing.
        if len(found.broken) >= _OPERATION_DEPTH or found.shown == found.broken:
            broken.add(found.broken)
        # Nothing generated depends on what stands in `info`.
        severity: Severity = "warning" if found.broken[:1] == ("info",) else "error"
        place = contract.place(found.shown)
        findings.add(place, "CG006", found.message, found.hint, severity)
    if version == "3.1":
        broken |= _check_schemas(contract, broken, findings)
    return broken


def _meta_schema(version: str) -> dict[str, Any]:
    """Read past the package that has it: to import that takes longer than all the checks here."""
    package = distribution("openapi-spec-validator")
    place = f"openapi_spec_validator/resources/schemas/v{version}/schema.json"
    content: dict[str, Any] = json.loads(Path(str(package.locate_file(place))).read_bytes())
    return content


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


def _check_schemas(contract: Bundle, known: set[Pointer], findings: Findings) -> set[Pointer]:
    """`known` are the places of which it has been said already that they are malformed."""
    dialect = contract.document.get("jsonSchemaDialect", _OPENAPI_DIALECT)
    if dialect not in (_DIALECT, _OPENAPI_DIALECT):
        message = f"the schema dialect {dialect} is not supported"
        place = contract.place(("jsonSchemaDialect",))
        findings.add(place, "CG080", message, "use JSON Schema 2020-12")
    schemas = [
        node for node in walk(Node("openapi", (), contract.document)) if node.kind == "schema"
    ]
    for node in schemas:
        for keyword in _OWN_ADDRESSES:
            if isinstance(node.value, dict) and keyword in node.value:
                place = contract.place((*node.pointer, keyword))
                message = f"`{keyword}` is not supported: it changes what references lead to"
                findings.add(place, "CG080", message, "leave it out, and use `$ref` with #/…")
    validator = jsonschema_rs.Draft202012Validator(_SCHEMA_OF_3_1)
    broken: set[Pointer] = set()
    for node in _outermost(schemas):
        if node.pointer in known:
            continue
        errors = validator.iter_errors(node.value)
        for found in mistakes(node.value, node.pointer, errors, "3.1"):
            broken.add(found.broken)
            findings.add(contract.place(found.shown), "CG007", found.message, found.hint)
    return broken


def _outermost(schemas: list[Node]) -> Iterator[Node]:
    """Those that stand in no other; `schemas` are in the order of the document."""
    inside: Pointer | None = None
    for node in schemas:
        if inside is None or node.pointer[: len(inside)] != inside:
            inside = node.pointer
            yield node
