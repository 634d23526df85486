"""Decodes parameters from their wire form to JSON values, strictly, and checks them.

A value that can't be read as its declared type stays the string it came as, so that the schema
refuses it by the rule it breaks.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl

from .operation import Operation, Parameter
from .problems import InputError, invalid_input, malformed_request
from .schemas import ContractSchemas

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,30})", re.ASCII)
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?", re.ASCII)
_MAX_QUERY_FIELDS = 1000
_SEPARATORS = {"form": ",", "simple": ",", "spaceDelimited": " ", "pipeDelimited": "|"}

Wire = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A request's parameters as they came. Header names are lower case."""

    path: Mapping[str, str]
    query: Wire
    headers: Wire
    cookies: Wire


def raw_request(scope: Mapping[str, Any]) -> RawRequest:
    """Reads an ASGI scope. Raises a 400 Problem where the encoding is broken."""
    try:
        pairs = parse_qsl(
            scope["query_string"].decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MAX_QUERY_FIELDS,
        )
    except ValueError as error:
        raise malformed_request("The query string is not percent-encoded UTF-8.") from error
    headers = [
        (name.decode("latin-1").lower(), value.decode("latin-1"))
        for name, value in scope["headers"]
    ]
    path = {name: str(value) for name, value in scope.get("path_params", {}).items()}
    return RawRequest(path, _grouped(pairs), _grouped(headers), _cookies(headers))


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    return grouped


def _cookies(headers: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    jar: SimpleCookie = SimpleCookie()
    try:
        for name, value in headers:
            if name == "cookie":
                jar.load(value)
    except CookieError as error:
        raise malformed_request("The Cookie header can't be read.") from error
    return {name: [morsel.value] for name, morsel in jar.items()}


class ParameterReader:
    """Reads the parameters of one operation. Build once, at start."""

    def __init__(
        self,
        operation: Operation,
        schemas: ContractSchemas,
        credentials_in_query: Iterable[str] = (),
    ) -> None:
        self._schemas = schemas
        self._readers = [
            (parameter, f"{parameter.pointer}/schema", self._reader(parameter))
            for parameter in operation.parameters
        ]
        self._defaults = {
            parameter.argument: schema["default"]
            for parameter in operation.parameters
            if isinstance(schema := schemas.at(f"{parameter.pointer}/schema"), dict)
            and "default" in schema
        }
        self._query_names = frozenset(credentials_in_query) | {
            parameter.name for parameter in operation.parameters if parameter.location == "query"
        }
        self._deep = tuple(
            f"{parameter.name}["
            for parameter in operation.parameters
            if parameter.style == "deepObject"
        )

    def read(self, raw: RawRequest) -> dict[str, Any]:
        """JSON values by argument name; an absent one has the contract's default or is left out.

        Raises a 422 Problem that lists everything that doesn't fit.
        """
        errors = self._unknown(raw.query)
        values: dict[str, Any] = {}
        for parameter, pointer, reader in self._readers:
            try:
                found, value = reader(raw)
            except _Repeated:
                errors.append(InputError(parameter.location, f"/{parameter.name}", "repeated", "1"))
                continue
            if found:
                values[parameter.argument] = value
                errors.extend(
                    self._schemas.errors(pointer, value, parameter.location, (parameter.name,))
                )
            elif parameter.argument in self._defaults:
                values[parameter.argument] = self._defaults[parameter.argument]
            elif parameter.required:
                errors.append(
                    InputError(
                        parameter.location,
                        f"/{parameter.name}",
                        "required",
                        rule=f"#{parameter.pointer}",
                    )
                )
        if errors:
            raise invalid_input(errors)
        return values

    def _unknown(self, query: Wire) -> list[InputError]:
        # The unknown name itself was chosen by the caller, so it isn't repeated.
        unknown = [
            name
            for name in query
            if name not in self._query_names and not name.startswith(self._deep)
        ]
        limit = ", ".join(sorted(self._query_names))
        return [InputError("query", "/*", "additionalProperties", limit) for _ in unknown]

    def _reader(self, parameter: Parameter) -> Callable[[RawRequest], tuple[bool, Any]]:
        schema = self._schemas.at(f"{parameter.pointer}/schema")
        types = self._types(schema)
        if parameter.style == "deepObject":
            return lambda raw: self._read_deep(parameter.name, schema, raw.query)
        decode = self._decoder(parameter, schema, types)
        if parameter.location == "path":
            return lambda raw: (True, decode([raw.path[parameter.name]]))
        name = parameter.name.lower() if parameter.location == "header" else parameter.name

        def read(raw: RawRequest) -> tuple[bool, Any]:
            wire = {"query": raw.query, "header": raw.headers, "cookie": raw.cookies}[
                parameter.location
            ]
            return (True, decode(wire[name])) if name in wire else (False, None)

        return read

    def _decoder(
        self, parameter: Parameter, schema: Any, types: frozenset[str]
    ) -> Callable[[Sequence[str]], Any]:
        if "array" in types:
            items = self._types(self._schemas.follow(schema.get("items", True)))
            if parameter.location == "query" and parameter.explode:
                return lambda raw: [_scalar(text, items) for text in raw]
            separator = _SEPARATORS[parameter.style]
            return lambda raw: [_scalar(text, items) for text in _single(raw).split(separator)]
        if parameter.location == "header":
            return lambda raw: _scalar(", ".join(raw), types)
        return lambda raw: _scalar(_single(raw), types)

    def _read_deep(self, name: str, schema: Any, query: Wire) -> tuple[bool, Any]:
        properties = schema.get("properties", {})
        value: dict[str, Any] = {}
        for key, raw in query.items():
            if key.startswith(f"{name}[") and key.endswith("]"):
                inner = key[len(name) + 1 : -1]
                types = self._types(self._schemas.follow(properties.get(inner, True)))
                value[inner] = _scalar(_single(raw), types)
        return bool(value), value

    def _types(self, schema: Any) -> frozenset[str]:
        """The JSON types a schema admits; all of them where it doesn't say."""
        schema = self._schemas.follow(schema)
        if not isinstance(schema, dict):
            return frozenset({"string"})
        if "type" in schema:
            declared = schema["type"]
            return frozenset([declared] if isinstance(declared, str) else declared)
        for keyword in ("anyOf", "oneOf", "allOf"):
            if keyword in schema:
                return frozenset().union(*(self._types(branch) for branch in schema[keyword]))
        values = [*schema.get("enum", ()), *([schema["const"]] if "const" in schema else ())]
        return frozenset(_type_name(value) for value in values) or frozenset({"string"})


class _Repeated(Exception):
    """A parameter that takes one value came more than once."""


def _single(raw: Sequence[str]) -> str:
    if len(raw) > 1:
        raise _Repeated
    return raw[0]


def _scalar(text: str, types: frozenset[str]) -> Any:
    if types & {"integer", "number"} and _INTEGER.fullmatch(text):
        return int(text)
    if "number" in types and _NUMBER.fullmatch(text):
        return float(text)
    if "boolean" in types and text in ("true", "false"):
        return text == "true"
    if "null" in types and text == "" and "string" not in types:
        return None
    return text


def _type_name(value: Any) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}
    return names.get(type(value), "string")
