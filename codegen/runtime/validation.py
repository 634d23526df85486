"""Connexion's validators, backed by schemas compiled once from the contract.

Connexion makes one of these objects a request; all they hold is a reference to the compiled tables.
"""

from collections.abc import Callable
from typing import Any

from starlette.types import Scope

from .hooks import Call
from .request_body import BodyStep
from .responses import ResponseStep
from .tables import CALL, ContractTables, operation_id
from .wire import raw_request


def validators(tables: ContractTables) -> dict[str, Any]:
    """The `validator_map` for Connexion: one class for whatever media type comes."""

    def response(scope: Scope, **_: Any) -> ResponseStep:
        operation = tables.operations[operation_id(scope)]
        return ResponseStep(tables.schemas, operation, has_body=scope["method"] != "HEAD")

    return {
        "parameter": _bound(ParameterStep, tables),
        "body": _ForEveryMediaType(_bound(BodyStep, tables)),
        "response": _ForEveryMediaType(response),
    }


class _ForEveryMediaType(dict[str, Any]):
    def __init__(self, validator: Any) -> None:
        super().__init__()
        self._validator = validator

    def __missing__(self, media_type: str) -> Any:
        return self._validator


def _bound(step: Callable[..., Any], tables: ContractTables) -> Callable[..., Any]:
    def make(*arguments: Any, **options: Any) -> Any:
        return step(tables, *arguments, **options)

    return make


class ParameterStep:
    """Decodes and checks parameters, and opens the `Call` that the route will get."""

    def __init__(self, tables: ContractTables, *_: Any, **__: Any) -> None:
        self._tables = tables

    def validate(self, scope: Scope) -> None:
        operation = self._tables.operations[operation_id(scope)]
        reader = self._tables.readers[operation.id]
        values = reader.read(raw_request(scope, reader.most_in_query))
        call = Call(
            operation=operation,
            request_id=scope["state"]["request_id"],
            identities=identities(scope),
            parameters=values,
        )
        _claim(call, values)
        scope["extensions"][CALL] = call


def identities(scope: Scope) -> dict[str, Any]:
    """What the authenticators of the request's security schemes returned, by scheme."""
    token_info = scope["extensions"].get("connexion_context", {}).get("token_info") or {}
    # One scheme alone, or several by name; a scheme may itself be called "scheme".
    if isinstance(token_info.get("scheme"), str):
        return {token_info["scheme"]: token_info["identity"]}
    return {name: found["identity"] for name, found in token_info.items()}


def _claim(call: Call, values: dict[str, Any]) -> None:
    """Moves the parameters that hooks claim out of the handler's arguments."""
    extensions = call.operation.extensions
    arguments = {parameter.name: parameter.argument for parameter in call.operation.parameters}
    if "x-page" in extensions:
        call.page_limit = values.pop(arguments[extensions["x-page"]["limit"]], None)
        call.page_token = values.pop(arguments[extensions["x-page"]["token"]], None)
    if "x-etag" in extensions:
        call.if_none_match = values.pop(arguments.get("If-None-Match", ""), None)
    if "x-idempotency" in extensions:
        call.idempotency_key = values.pop(arguments.get("Idempotency-Key", ""), None)
