"""Small contracts for the tests beside this file, as data: one parameter, one schema."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from codegen.runtime.operation import Operation, Parameter, ParameterLocation
from codegen.runtime.parameters import ParameterReader
from codegen.runtime.problems import Problem
from codegen.runtime.schemas import ContractSchemas
from codegen.runtime.wire import raw_request


def document(
    schemas: Mapping[str, Any] | None = None, version: str = "3.1.0", **more: Any
) -> dict[str, Any]:
    return {
        "openapi": version,
        "info": {"title": "small", "version": "1"},
        "paths": {},
        "components": {"schemas": dict(schemas or {})},
        **more,
    }


def scope(
    query: str = "",
    headers: Iterable[tuple[str, str]] = (),
    path: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """An ASGI scope as a server makes it."""
    whole = "/" + "/".join((path or {}).values())
    return {
        "query_string": query.encode("latin-1"),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers],
        "path": whole,
        "raw_path": quote(whole).encode(),
        "path_params": dict(path or {}),
    }


def operation_of(parameters: Iterable[Parameter], **fields: Any) -> Operation:
    return Operation(
        id="ask", method="GET", path="/ask", tag="asking", parameters=tuple(parameters), **fields
    )


class Asked:
    """An operation with the parameter `p` alone, and how requests to it are read."""

    def __init__(
        self,
        schema: Any,
        location: ParameterLocation = "query",
        *,
        style: str | None = None,
        explode: bool | None = None,
        required: bool = False,
        name: str = "p",
        version: str = "3.1.0",
        schemas: Mapping[str, Any] | None = None,
        credentials: Iterable[str] = (),
    ) -> None:
        style = style or ("form" if location in ("query", "cookie") else "simple")
        self.name = name
        declared = {"name": name, "in": location, "schema": schema}
        whole = document(schemas, version)
        whole["components"]["parameters"] = {"P": declared}
        parameter = Parameter(
            name=name,
            argument="p",
            location=location,
            required=required,
            pointer="/components/parameters/P",
            style=style,
            explode=style == "form" if explode is None else explode,
        )
        self.schemas = ContractSchemas(whole)
        self.reader = ParameterReader(operation_of([parameter]), self.schemas, credentials)

    def read(self, query: str = "", **sent: Any) -> dict[str, Any]:
        return self.reader.read(raw_request(scope(query, **sent)))

    def refusal(self, query: str = "", **sent: Any) -> Problem:
        try:
            values = self.read(query, **sent)
        except Problem as problem:
            return problem
        raise AssertionError(f"read as {values!r}")
