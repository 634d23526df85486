"""Decodes parameters from their wire form to JSON values, strictly, and checks them.

A value that can't be read as its declared type stays the string it came as, so that the schema
refuses it by the rule it breaks.
"""

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .document import alternatives, conjuncts, pointer_to
from .json_body import parse_json
from .operation import Operation, Parameter
from .problems import InputError, Problem, invalid_input
from .scalars import (
    most_items,
    properties_of,
    scalar,
    takes_other_names,
    types_in_arrays,
    types_of,
)
from .schemas import ContractSchemas
from .styles import Layout, Shape, WrongStyle
from .wire import MAX_QUERY_FIELDS, RawRequest, Wire

_DEEP_KEY = re.compile(r"([^\[\]]+)\[([^\[\]]+)\]")
_PARTS = {"query": "query", "header": "headers", "cookie": "cookies"}

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
        in_query = [one for one in operation.parameters if one.location == "query"]
        self._deep = frozenset(one.name for one in in_query if one.style == "deepObject")
        self._query_names = frozenset(credentials_in_query).union(
            *(self._names(one) for one in in_query if one.name not in self._deep)
        )
        self._takes_all_names = any(map(self._is_open, in_query))
        self._readers = [
            (parameter, parameter.schema_pointer, self._reader(parameter))
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
        # What a contract says of its lists adds to the limit of all contracts.
        self.most_in_query = MAX_QUERY_FIELDS + sum(
            most_items(schemas.document, schemas.at(one.schema_pointer))
            for one in in_query
            if one.explode
        )

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
            except (_Repeated, WrongStyle, Problem) as error:
                errors.append(_unreadable(parameter, error))
                continue
            if found:
                values[parameter.argument] = value
                errors.extend(self._schemas.errors(schema, value, location, (parameter.spelled,)))
            elif parameter.argument in self._defaults:
                values[parameter.argument] = self._defaults[parameter.argument]
            elif parameter.required:
                pointer, rule = pointer_to([parameter.spelled]), f"#{parameter.pointer}"
                errors.append(InputError(location, pointer, "required", rule=rule))
        if errors:
            raise invalid_input(errors)
        return values

    def _unknown(self, query: Wire) -> list[InputError]:
        if self._takes_all_names:
            return []
        # The unknown name itself was chosen by the caller, so it isn't repeated.
        unknown = [name for name in query if not self._is_declared(name)]
        if not unknown:
            return []
        limit = ", ".join(sorted([*self._query_names, *(f"{name}[…]" for name in self._deep)]))
        return [InputError("query", "/*", "additionalProperties", limit) for _ in unknown]

    def _is_declared(self, name: str) -> bool:
        if name in self._query_names:
            return True
        key = _DEEP_KEY.fullmatch(name)
        return key is not None and key[1] in self._deep

    def _names(self, parameter: Parameter) -> Iterable[str]:
        """Under which names a query parameter comes."""
        if self._is_spread(parameter):
            schema = self._schemas.at(parameter.schema_pointer)
            return properties_of(self._schemas.document, schema)
        return (parameter.name,)

    def _is_spread(self, parameter: Parameter) -> bool:
        """Whether it is an object whose properties come as parameters of their own."""
        if parameter.location != "query" or parameter.style != "form" or not parameter.explode:
            return False
        schema = self._schemas.at(parameter.schema_pointer)
        return parameter.media_type is None and self._shape(schema) == "object"

    def _is_open(self, parameter: Parameter) -> bool:
        """Whether it is such an object, and takes all names that no other parameter has."""
        schema = self._schemas.at(parameter.schema_pointer)
        return self._is_spread(parameter) and takes_other_names(self._schemas.document, schema)

    def _shape(self, schema: Any) -> Shape:
        types = types_of(self._schemas.document, schema)
        if "array" in types:
            return "array"
        return "object" if "object" in types else "scalar"

    def _reader(self, parameter: Parameter) -> Callable[[RawRequest], tuple[bool, Any]]:
        schema = self._schemas.at(parameter.schema_pointer)
        if parameter.style == "deepObject":
            return self._deep_reader(parameter.name, schema)
        if self._is_spread(parameter):
            return self._spread_reader(schema, is_open=self._is_open(parameter))
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
        document = self._schemas.document
        shape, types = self._shape(schema), types_of(document, schema)
        single = _single
        if parameter.location == "header":
            single = _in_one_line if shape == "scalar" or parameter.media_type else _listed
        if parameter.media_type is not None:
            return lambda raw: parse_json(single(raw).encode(), "parameter")
        items = types_in_arrays(document, schema)
        if shape == "array" and parameter.location == "query" and parameter.explode:
            return lambda raw: [scalar(text, items) for text in raw]
        layout = Layout(parameter.style, parameter.explode, shape, parameter.spelled)
        if shape == "object":
            members = self._deep_decoders(schema)
            return lambda raw: {
                name: members(name)([text]) for name, text in layout.members(single(raw)).items()
            }
        if shape == "array":
            return lambda raw: [scalar(text, items) for text in layout.pieces(single(raw))]
        if layout.style in ("label", "matrix"):
            return lambda raw: scalar(layout.pieces(single(raw))[0], types)
        return lambda raw: scalar(single(raw), types)

    def _spread_reader(
        self, schema: Any, *, is_open: bool
    ) -> Callable[[RawRequest], tuple[bool, Any]]:
        names = frozenset(properties_of(self._schemas.document, schema))
        decoders = self._deep_decoders(schema)

        def read(raw: RawRequest) -> tuple[bool, Any]:
            value = {
                name: decoders(name)(texts)
                for name, texts in raw.query.items()
                if name in names or (is_open and not self._is_declared(name))
            }
            return bool(value), value

        return read

    def _deep_reader(self, name: str, schema: Any) -> Callable[[RawRequest], tuple[bool, Any]]:
        decoders = self._deep_decoders(schema)

        def read(raw: RawRequest) -> tuple[bool, Any]:
            value = {
                key[2]: decoders(key[2])(texts)
                for sent, texts in raw.query.items()
                if (key := _DEEP_KEY.fullmatch(sent)) and key[1] == name
            }
            return bool(value), value

        return read

    def _deep_decoders(self, schema: Any) -> Callable[[str], Decode]:
        """How each member of an object is read, by its name."""
        decoders: dict[str, Decode] = {}
        parts = list(alternatives(self._schemas.document, schema))
        for part in reversed(parts):
            for inner, declared in part.get("properties", {}).items():
                decoders[inner] = self._deep_decoder(declared)
        rest = [part["additionalProperties"] for part in parts if "additionalProperties" in part]
        other = self._deep_decoder(rest[0] if rest else True)
        return lambda name: decoders.get(name, other)

    def _deep_decoder(self, schema: Any) -> Decode:
        types = types_of(self._schemas.document, schema)
        if "array" not in types:
            return lambda raw: scalar(_single(raw), types)
        items = types_in_arrays(self._schemas.document, schema)
        return lambda raw: [scalar(text, items) for text in raw]


class _Repeated(Exception):
    """A parameter that takes one value came more than once."""


def _single(raw: Sequence[str]) -> str:
    if len(raw) > 1:
        raise _Repeated
    return raw[0]


def _in_one_line(raw: Sequence[str]) -> str:
    """Several lines of a header are one value (RFC 9110, 5.3)."""
    return ", ".join(raw)


def _listed(raw: Sequence[str]) -> str:
    """Of a list in a header; spaces around its commas mean nothing."""
    return ",".join(item.strip(" \t") for item in ",".join(raw).split(","))


def _unreadable(parameter: Parameter, error: Exception) -> InputError:
    pointer = pointer_to([parameter.spelled])
    if isinstance(error, _Repeated):
        return InputError(parameter.location, pointer, "repeated", "1")
    if isinstance(error, WrongStyle):
        rule = f"#{parameter.pointer}"
        return InputError(parameter.location, pointer, "style", parameter.style, rule)
    limit = parameter.media_type
    return InputError(parameter.location, pointer, "contentMediaType", limit)
