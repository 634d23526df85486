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
from .slips import settle_slips
from .structure_mistakes import Mistake, Version, mistakes

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
    """Returns where the document is malformed, so that later checks keep away from there.

    What can only mean one thing is no longer malformed then, in the contract's document either.
    """
    version: Version = "3.0" if contract.document["openapi"].startswith("3.0") else "3.1"
    found = list(_malformed(contract, version))
    if found:
        slips = settle_slips(contract, version)
        for slip in slips:
            findings.add(contract.place(slip.pointer), "CG008", slip.message, slip.hint)
        left = {slip.pointer for slip in slips if slip.is_left}
        again = _malformed(contract, version) if slips else found
        found = [(code, mistake) for code, mistake in again if mistake.shown not in left]
    broken: set[Pointer] = set()
    for code, mistake in found:
        # What stands around operations and components is read all the same: a field more or less
        # there hides nothing.
        is_inside = len(mistake.broken) >= _OPERATION_DEPTH or code == "CG007"
        if is_inside or mistake.shown == mistake.broken:
            broken.add(mistake.broken)
        # Nothing generated depends on what stands in `info`.
        severity: Severity = "warning" if mistake.broken[:1] == ("info",) else "error"
        place = contract.place(mistake.shown)
        findings.add(place, code, mistake.message, mistake.hint, severity)
    if version == "3.1":
        _check_keywords(contract, findings)
    return broken


def _malformed(contract: Bundle, version: Version) -> Iterator[tuple[str, Mistake]]:
    """The code of each mistake, and it."""
    meta_schema = _meta_schema(version)
    draft = (
        jsonschema_rs.Draft4Validator if version == "3.0" else jsonschema_rs.Draft202012Validator
    )
    errors = draft(meta_schema).iter_errors(contract.document)
    found = mistakes(contract.document, (), errors, version, _field_names(meta_schema))
    yield from (("CG006", mistake) for mistake in found)
    if version == "3.1":
        known = {mistake.broken for mistake in found}
        yield from (("CG007", mistake) for mistake in _wrong_schemas(contract, known))


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


def _check_keywords(contract: Bundle, findings: Findings) -> None:
    """Of JSON Schema what OpenAPI 3.1 admits, and nothing here can read."""
    dialect = contract.document.get("jsonSchemaDialect", _OPENAPI_DIALECT)
    if dialect not in (_DIALECT, _OPENAPI_DIALECT):
        message = f"the schema dialect {dialect} is not supported"
        place = contract.place(("jsonSchemaDialect",))
        findings.add(place, "CG080", message, "use JSON Schema 2020-12")
    for node in _schemas(contract):
        for keyword in _OWN_ADDRESSES:
            if isinstance(node.value, dict) and keyword in node.value:
                place = contract.place((*node.pointer, keyword))
                message = f"`{keyword}` is not supported: it changes what references lead to"
                findings.add(place, "CG080", message, "leave it out, and use `$ref` with #/…")


def _wrong_schemas(contract: Bundle, known: set[Pointer]) -> Iterator[Mistake]:
    """`known` are the places of which it has been said already that they are malformed."""
    validator = jsonschema_rs.Draft202012Validator(_SCHEMA_OF_3_1)
    for node in _outermost(_schemas(contract)):
        if node.pointer not in known:
            errors = validator.iter_errors(node.value)
            yield from mistakes(node.value, node.pointer, errors, "3.1")


def _schemas(contract: Bundle) -> list[Node]:
    return [node for node in walk(Node("openapi", (), contract.document)) if node.kind == "schema"]


def _outermost(schemas: list[Node]) -> Iterator[Node]:
    """Those that stand in no other; `schemas` are in the order of the document."""
    inside: Pointer | None = None
    for node in schemas:
        if inside is None or node.pointer[: len(inside)] != inside:
            inside = node.pointer
            yield node
