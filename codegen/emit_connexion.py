"""Writes `connexion.json`: the contract lowered to a 3.0 view that Connexion can route by.

Schemas are left empty and prose is dropped: values are checked from the original contract, by the
validators of the runtime.
"""

from collections.abc import Mapping
from typing import Any

from .contract import Body, Contract, Media, Operation, Parameter, Tag
from .emitted import Emitted, Made
from .json_text import indented
from .python_text import HEADER_START
from .runtime.path_order import match_order

# Connexion calls a body validator only where the media type's schema is not empty.
_NOT_EMPTY = {"description": "checked from the contract"}


def emit_connexion(contract: Contract) -> dict[str, Emitted]:
    made_of = (contract.name, contract.title, contract.security_schemes, *contract.tags)
    return {"connexion.json": Made(_view, made_of)}


def _view(name: str, title: str, schemes: Mapping[str, Any], *tags: Tag) -> bytes:
    operations = [operation for tag in tags for operation in tag.operations]
    paths: dict[str, dict[str, Any]] = {}
    # Connexion tries paths in the order given.
    for operation in sorted(operations, key=lambda one: match_order(one.route)):
        paths.setdefault(operation.route, {})[operation.method.lower()] = _operation(operation)
    view = {
        "openapi": "3.0.3",
        "x-generated": f"{HEADER_START}{name}; do not edit.",
        "info": {"title": title, "version": "1"},
        "paths": paths,
        "components": {
            "securitySchemes": {name: _scheme(scheme) for name, scheme in schemes.items()}
        },
    }
    return indented(view) + b"\n"


def _operation(operation: Operation) -> dict[str, Any]:
    view: dict[str, Any] = {"operationId": operation.id, "tags": [operation.tag]}
    if operation.parameters:
        view["parameters"] = [_parameter(parameter) for parameter in operation.parameters]
    if operation.body:
        view["requestBody"] = _body(operation.body)
    view["responses"] = {
        response.status: {"description": "", **_content(response.content)}
        for response in operation.responses
    }
    view["security"] = [
        {name: list(roles) for name, roles in requirement.items()}
        for requirement in operation.security
    ]
    return view


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.known_as,
        "in": parameter.location,
        "required": parameter.required,
        "schema": {},
    }


def _body(body: Body) -> dict[str, Any]:
    """Of several media types none is named: Connexion would log each request that has one of them.

    The runtime refuses what the contract doesn't name.
    """
    content = body.content
    if len(content) > 1:
        content = (Media("*/*", None),)
    return {"required": body.required, **_content(content)}


def _content(content: tuple[Media, ...]) -> dict[str, Any]:
    if not content:
        return {}
    # Without options such as a charset, which Connexion takes off what comes but not off this.
    names = (media.media_type.partition(";")[0].strip() for media in content)
    return {"content": {name: {"schema": _NOT_EMPTY} for name in names}}


def _scheme(scheme: dict[str, Any]) -> dict[str, Any]:
    """Without prose. `mutualTLS` is unknown to OpenAPI 3.0, so it goes by another name.

    Without extensions too: by some of them Connexion asks a function that the contract names. The
    name of an HTTP scheme is in small letters: Connexion takes a `bearerFormat` of no other.
    """
    kept = {
        key: value
        for key, value in scheme.items()
        if key != "description" and not key.startswith("x-")
    }
    if kept.get("type") == "mutualTLS":
        return {"type": "http", "scheme": "mutual-tls"}
    if kept.get("type") == "http":
        kept["scheme"] = kept["scheme"].lower()
    return kept
