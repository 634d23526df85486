"""Decodes parameters from their wire form to JSON values, strictly, and checks them.

A value that can't be read as its declared type stays the string it came as, so that the schema
refuses it by the rule it breaks.
"""

import math
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .document import alternatives, conjuncts, pointer_to, referenced
from .operation import Operation, Parameter
from .problems import InputError, invalid_input
from .schemas import ContractSchemas
from .wire import RawRequest, Wire

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,30})", re.ASCII)
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?", re.ASCII)
_DEEP_KEY = re.compile(r"([^\[\]]+)\[([^\[\]]+)\]")
_SEPARATORS = {"form": ",", "simple": ",", "spaceDelimited": " ", "pipeDelimited": "|"}
_TEXT = frozenset({"string"})
_PARTS = {"query": "query", "header": "headers", "cookie": "cookies"}

Types = frozenset[str]
Decode = Callable[[Sequence[str]], Any]


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
            parameter.argument: part["default"]
            for parameter, pointer, _ in self._readers
            if not parameter.required
            # The last one counts here: the nearest.
            for part in reversed([*conjuncts(schemas.document, schemas.at(pointer))])
            if "default" in part
        }
        in_query = [one for one in operation.parameters if one.location == "query"]
        self._deep = frozenset(one.name for one in in_query if one.style == "deepObject")
        self._query_names = frozenset(credentials_in_query) | {
            one.name for one in in_query if one.name not in self._deep
        }

    def read(self, raw: RawRequest) -> dict[str, Any]:
        """JSON values by argument name; an absent one has the contract's default or is left out.

        Raises a 422 Problem that lists everything that doesn't fit.
        """
        errors = self._unknown(raw.query)
        values: dict[str, Any] = {}
        for parameter, schema, reader in self._readers:
            location = parameter.location
            try:
                found, value = reader(raw)
            except _Repeated:
                pointer = pointer_to([parameter.name])
                errors.append(InputError(location, pointer, "repeated", "1"))
                continue
            if found:
                values[parameter.argument] = value
                errors.extend(self._schemas.errors(schema, value, location, (parameter.name,)))
            elif parameter.argument in self._defaults:
                values[parameter.argument] = self._defaults[parameter.argument]
            elif parameter.required:
                pointer, rule = pointer_to([parameter.name]), f"#{parameter.pointer}"
                errors.append(InputError(location, pointer, "required", rule=rule))
        if errors:
            raise invalid_input(errors)
        return values

    def _unknown(self, query: Wire) -> list[InputError]:
        # The unknown name itself was chosen by the caller, so it isn't repeated.
        unknown = [
            name
            for name in query
            if name not in self._query_names
            and not ((key := _DEEP_KEY.fullmatch(name)) and key[1] in self._deep)
        ]
        if not unknown:
            return []
        limit = ", ".join(sorted([*self._query_names, *(f"{name}[…]" for name in self._deep)]))
        return [InputError("query", "/*", "additionalProperties", limit) for _ in unknown]

    def _reader(self, parameter: Parameter) -> Callable[[RawRequest], tuple[bool, Any]]:
        schema = self._schemas.at(f"{parameter.pointer}/schema")
        if parameter.style == "deepObject":
            return self._deep_reader(parameter.name, schema)
        decode = self._decoder(parameter, schema)
        if parameter.location == "path":
            return lambda raw: (True, decode([raw.path[parameter.name]]))
        name = parameter.name.lower() if parameter.location == "header" else parameter.name

        part = operator.attrgetter(_PARTS[parameter.location])

        def read(raw: RawRequest) -> tuple[bool, Any]:
            sent = part(raw).get(name)
            return (False, None) if sent is None else (True, decode(sent))

        return read

    def _decoder(self, parameter: Parameter, schema: Any) -> Decode:
        """An item can't hold its separator: clients escape that one as well, or they don't."""
        types = self._types(schema)
        in_header = parameter.location == "header"
        if "array" not in types:
            # Several lines of a header are one value (RFC 9110, 5.3).
            single = ", ".join if in_header else _single
            return lambda raw: _scalar(single(raw), types)
        items = self._types_in_arrays(schema)
        if parameter.location == "query" and parameter.explode:
            return lambda raw: [_scalar(text, items) for text in raw]
        if in_header:
            return lambda raw: [_scalar(t.strip(" \t"), items) for t in ",".join(raw).split(",")]
        separator = _SEPARATORS[parameter.style]
        return lambda raw: [_scalar(text, items) for text in _single(raw).split(separator)]

    def _deep_reader(self, name: str, schema: Any) -> Callable[[RawRequest], tuple[bool, Any]]:
        decoders: dict[str, Decode] = {}
        parts = list(alternatives(self._schemas.document, schema))
        for part in reversed(parts):
            for inner, declared in part.get("properties", {}).items():
                decoders[inner] = self._deep_decoder(declared)
        rest = [part["additionalProperties"] for part in parts if "additionalProperties" in part]
        other = self._deep_decoder(rest[0] if rest else True)

        def read(raw: RawRequest) -> tuple[bool, Any]:
            value = {
                key[2]: decoders.get(key[2], other)(texts)
                for sent, texts in raw.query.items()
                if (key := _DEEP_KEY.fullmatch(sent)) and key[1] == name
            }
            return bool(value), value

        return read

    def _deep_decoder(self, schema: Any) -> Decode:
        types = self._types(schema)
        if "array" not in types:
            return lambda raw: _scalar(_single(raw), types)
        items = self._types_in_arrays(schema)
        return lambda raw: [_scalar(text, items) for text in raw]

    def _types_in_arrays(self, schema: Any) -> Types:
        parts = list(alternatives(self._schemas.document, schema))
        items = [part["items"] for part in parts if "items" in part]
        places = [place for part in parts for place in part.get("prefixItems", ())]
        return frozenset().union(*map(self._types, [*items, *places])) or _TEXT

    def _types(self, schema: Any) -> Types:
        """The JSON types that a schema admits; a string where it doesn't say, for that came."""
        return self._said(schema, ()) or _TEXT

    def _said(self, schema: Any, inside: tuple[int, ...]) -> Types | None:
        """The JSON types by each keyword that tells them; None if none does."""
        if not isinstance(schema, dict) or id(schema) in inside:
            return None
        inside = (*inside, id(schema))
        told = [_own_types(schema)]
        if "$ref" in schema:
            told.append(self._said(referenced(self._schemas.document, schema["$ref"]), inside))
        told += [self._said(branch, inside) for branch in schema.get("allOf", ())]
        for keyword in ("anyOf", "oneOf"):
            branches = [self._said(branch, inside) for branch in schema.get(keyword, ())]
            known = [types for types in branches if types is not None]
            if known and len(known) == len(branches):
                told.append(frozenset().union(*known))
        known = [types for types in told if types is not None]
        return frozenset.intersection(*known) if known else None


def _own_types(schema: dict[str, Any]) -> Types | None:
    if "type" in schema:
        declared = schema["type"]
        names = [declared] if isinstance(declared, str) else declared
    elif "enum" in schema or "const" in schema:
        names = [_type_name(value) for value in schema.get("enum", [schema.get("const")])]
    else:
        return None
    return frozenset([*names, *(["integer"] if "number" in names else [])])


class _Repeated(Exception):
    """A parameter that takes one value came more than once."""


def _single(raw: Sequence[str]) -> str:
    if len(raw) > 1:
        raise _Repeated
    return raw[0]


def _scalar(text: str, types: Types) -> Any:
    """A text that reads as a number is one wherever the schema admits numbers."""
    if "integer" in types and _INTEGER.fullmatch(text):
        return int(text)
    if "number" in types and _NUMBER.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    if "boolean" in types and text in ("true", "false"):
        return text == "true"
    if "null" in types and text == "" and "string" not in types:
        return None
    return text


def _type_name(value: Any) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}
    return names.get(type(value), "string")
