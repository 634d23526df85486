"""Connexion's validators, backed by schemas compiled once from the contract.

Connexion makes one of these objects a request; all they hold is a reference to the compiled tables.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from anyio import to_thread
from starlette.types import Message, Receive, Scope

from .admission import LARGE_BYTES, Ticket
from .content_coding import ACCEPTED, Gunzip, is_gzip
from .hooks import Call
from .incoming import read_body, refuse_announced
from .json_body import parse_json
from .media_types import UTF_8, is_json, media_type_of
from .operation import Media, Operation
from .parameters import ParameterReader
from .problems import (
    InputError,
    invalid_input,
    unsupported_encoding,
    unsupported_media_type,
)
from .responses import ResponseStep
from .schemas import ContractSchemas
from .wire import raw_request

CALL = "contract_call"
OPERATION_SCOPE = "connexion_routing"
DEFAULT_MAX_BODY = 1024 * 1024


class ContractTables:
    """Everything the validators need, by operation id. Build once, at start."""

    def __init__(self, document: dict[str, Any], operations: Mapping[str, Operation]) -> None:
        self.operations = operations
        self.schemas = ContractSchemas(document)
        schemes = self.schemas.document.get("components", {}).get("securitySchemes", {})
        in_query = [
            scheme["name"]
            for scheme in map(self.schemas.follow, schemes.values())
            if scheme.get("in") == "query"
        ]
        self.readers = {
            operation.id: ParameterReader(operation, self.schemas, in_query)
            for operation in operations.values()
        }
        self._compile_bodies()

    def _compile_bodies(self) -> None:
        for operation in self.operations.values():
            request = operation.request_body.content if operation.request_body else ()
            for media in request:
                if media.pointer is not None:
                    self.schemas.compiled("request", media.pointer)
            for contents in operation.responses.values():
                for media in contents:
                    if media.pointer is not None and is_json(media.media_type):
                        self.schemas.compiled("response", media.pointer)

    def max_body(self, operation: Operation) -> int:
        return int(operation.extensions.get("x-max-body", DEFAULT_MAX_BODY))

    def validators(self) -> dict[str, Any]:
        """The `validator_map` for Connexion: one class for whatever media type comes."""
        return {
            "parameter": _bound(ParameterStep, self),
            "body": _ForEveryMediaType(_bound(BodyStep, self)),
            "response": _ForEveryMediaType(self._response_step),
        }

    def _response_step(self, scope: Scope, **_: Any) -> ResponseStep:
        return ResponseStep(self.schemas, self.operations[operation_id(scope)])


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


def operation_id(scope: Scope) -> str:
    found: str = scope["extensions"][OPERATION_SCOPE]["operation_id"]
    return found


class ParameterStep:
    """Decodes and checks parameters, and opens the `Call` that the route will get."""

    def __init__(self, tables: ContractTables, *_: Any, **__: Any) -> None:
        self._tables = tables

    def validate(self, scope: Scope) -> None:
        operation = self._tables.operations[operation_id(scope)]
        values = self._tables.readers[operation.id].read(raw_request(scope))
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


class BodyStep:
    """Reads a body within its limit, parses and validates it, and keeps it in the `Call`."""

    def __init__(self, tables: ContractTables, **_: Any) -> None:
        self._tables = tables

    async def wrap_receive(self, receive: Receive, *, scope: Scope) -> tuple[Receive, Scope]:
        call: Call = scope["extensions"][CALL]
        # Of a repeated header Connexion reads the first as well.
        headers = dict(reversed([(name.lower(), value) for name, value in scope["headers"]]))
        limit = self._tables.max_body(call.operation)
        refuse_announced(headers, limit)
        coding = _coding(scope)
        ticket = Ticket.of(scope)
        is_expanded = call.operation.request_body is not None and is_gzip(coding)
        body = await _read(receive, limit, Gunzip() if is_expanded else None, ticket)
        media = self._media(call, headers, coding, bool(body))
        call.raw_body = body
        call.body_read = True
        await ticket.enter()
        if media is not None:
            call.content_type = media.media_type
            if media.pointer is not None and is_json(media.media_type):
                await self._parse(call, media.pointer)
        return _replay(body, receive), scope

    def _media(
        self, call: Call, headers: Mapping[bytes, bytes], coding: bytes, came: bool
    ) -> Media | None:
        declared = call.operation.request_body
        if declared is None:
            return None
        if not came:
            if declared.required:
                raise invalid_input([InputError("body", "", "required")])
            return None
        if coding not in (b"", b"identity") and not is_gzip(coding):
            raise unsupported_encoding(ACCEPTED)
        essence, charset = media_type_of(headers.get(b"content-type", b""))
        for media in declared.content:
            is_readable = not is_json(media.media_type) or charset in UTF_8
            if media.media_type.lower() == essence and is_readable:
                return media
        raise unsupported_media_type([media.media_type for media in declared.content])

    async def _parse(self, call: Call, pointer: str) -> None:
        def parse() -> None:
            call.json_body = parse_json(call.raw_body)
            if errors := self._tables.schemas.errors(pointer, call.json_body, "body"):
                raise invalid_input(errors)

        if len(call.raw_body) > LARGE_BYTES:
            await to_thread.run_sync(parse)
        else:
            parse()


def _coding(scope: Scope) -> bytes:
    """The Content-Encoding, in small letters; of several headers one list (RFC 9110, 5.3)."""
    values = [value for name, value in scope["headers"] if name.lower() == b"content-encoding"]
    return b",".join(values).strip().lower()


async def _read(receive: Receive, limit: int, gunzip: Gunzip | None, ticket: Ticket) -> bytes:
    chunks: list[bytes] = []
    size = 0

    async def take(piece: bytes) -> None:
        nonlocal size
        size += len(piece)
        ticket.grown_to(size)
        chunks.append(piece)

    await read_body(receive, limit, gunzip, take)
    return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body once more, then what the server tells: a stream waits for its disconnect."""
    messages: Iterator[Message] = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def replay() -> Message:
        return next(messages, None) or await receive()

    return replay
