"""The catalogue of changes as pairs of contracts; what the entries mean stands in the tests.

An entry names what changes: `property`, `schema`, `operation`, `paths`, `webhooks`, `servers`,
`security`; each is the old and the new value. `schemas` and `schemes` are components beside it, one
value for both contracts or an old and a new one.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "catalogue"
_KEY = {"type": "apiKey", "in": "header"}
_FLOW = {"tokenUrl": "https://a.example", "scopes": {"read": "", "write": ""}}
_SCHEMES = {
    "K": {**_KEY, "name": "X-Key"},
    "T": {**_KEY, "name": "X-Tenant"},
    "O": {"type": "oauth2", "flows": {"clientCredentials": _FLOW}},
}
_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}


@dataclass(frozen=True, slots=True)
class Entry:
    file: str
    said: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.said["change"])

    @property
    def method(self) -> str:
        return "put" if self.file == "bodies" else "get"

    @property
    def operation(self) -> str:
        """The operation that answers are of."""
        if "property" in self.said or "schema" in self.said:
            return "POST /things"
        return f"{self.method.upper()} /things/{{id}}"

    def contract(self, which: int) -> dict[str, Any]:
        """The old contract is 0, the new one 1."""
        document: dict[str, Any] = {
            "openapi": self.said.get("openapi", "3.1.0"),
            "info": {"title": "things", "version": "1.0.0", "description": f"version {which}"},
            "paths": self._paths(which),
            "components": {
                "schemas": self._schemas(which),
                "securitySchemes": self._schemes(which),
            },
        }
        for name in ("security", "servers", "webhooks"):
            if name in self.said:
                document[name] = self.said[name][which]
        return document

    def _paths(self, which: int) -> dict[str, Any]:
        if "paths" in self.said:
            return dict(self.said["paths"][which])
        if "property" in self.said or "schema" in self.said:
            content = {"application/json": {"schema": {"$ref": "#/components/schemas/Subject"}}}
            answers = {"200": {"description": "d", "content": content}}
            return {
                "/things": {"post": {"requestBody": {"content": content}, "responses": answers}}
            }
        said = self.said.get("operation", ({}, {}))[which]
        operation = {"responses": {"200": {"description": "d"}}, **said}
        own = operation.get("parameters", [])
        shared = [] if any(one["name"] == "id" for one in own) else [_ID]
        operation["parameters"] = [*shared, *own]
        return {"/things/{id}": {self.method: operation}}

    def _schemas(self, which: int) -> dict[str, Any]:
        schemas = _picked(self.said.get("schemas", {}), which)
        if "schema" in self.said:
            schemas["Subject"] = self.said["schema"][which]
        elif "property" in self.said:
            properties = {"p": self.said["property"][which]}
            schemas["Subject"] = {"type": "object", "properties": properties}
        return schemas

    def _schemes(self, which: int) -> dict[str, Any]:
        return _picked({**_SCHEMES, **self.said.get("schemes", {})}, which)

    def sent(self) -> dict[str, Any] | None:
        """The request that shows who breaks."""
        if "sent" not in self.said:
            return None
        if "property" in self.said or "schema" in self.said:
            return {"call": "POST /things", **self._body(self.said["sent"])}
        return dict(self.said["sent"])

    def answered(self, name: str) -> dict[str, Any] | None:
        """The answer that shows who breaks: `got` by the new contract, `missed` by the old one."""
        if name not in self.said:
            return None
        if "property" in self.said or "schema" in self.said:
            return {"status": 200, **self._body(self.said[name])}
        return dict(self.said[name])

    def _body(self, value: Any) -> dict[str, Any]:
        body = {"p": value} if "property" in self.said else value
        return {"type": "application/json", "body": body}


def _picked(components: dict[str, Any], which: int) -> dict[str, Any]:
    chosen = {
        name: value[which] if isinstance(value, list) else value
        for name, value in components.items()
    }
    return {name: value for name, value in chosen.items() if value is not None}


def entries() -> list[Entry]:
    return [
        Entry(file.stem, said)
        for file in sorted(FOLDER.glob("*.yaml"))
        for said in yaml.safe_load(file.read_text(encoding="utf-8"))
    ]
