"""The contract as tests read it: from openapi.yaml itself, never from what was generated of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parents[2]
_LINK_SCHEMES: Final = {"BundleToken", "ExportToken"}
_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


@dataclass(frozen=True, slots=True)
class ContractOperation:
    """One operation. `roles` are those its security requirement names.

    They are None where it is public, or for whoever has a link: `by_link` tells these apart.
    """

    id: str
    method: str
    path: str
    roles: frozenset[str] | None
    node: dict[str, Any]
    by_link: bool = False

    def parameters(self, location: str) -> list[dict[str, Any]]:
        declared = [follow(parameter) for parameter in self.node.get("parameters", [])]
        return [parameter for parameter in declared if parameter["in"] == location]

    def response(self, status: int) -> dict[str, Any] | None:
        """What the contract says of a status; None where it has neither that nor a default."""
        responses = self.node["responses"]
        for key in (str(status), f"{status // 100}XX", "default"):
            if key in responses:
                found: dict[str, Any] = follow(responses[key])
                return found
        return None

    @property
    def writes(self) -> bool:
        return self.method not in ("GET", "HEAD")

    @property
    def has_etag(self) -> bool:
        return "x-etag" in self.node


@cache
def document() -> dict[str, Any]:
    """The parsed contract."""
    text = (ROOT / "openapi.yaml").read_text(encoding="utf-8")
    parsed: dict[str, Any] = yaml.safe_load(text)
    return parsed


def follow(node: dict[str, Any]) -> dict[str, Any]:
    """The node a reference leads to, or the node itself."""
    while "$ref" in node:
        found = document()
        for segment in node["$ref"].removeprefix("#/").split("/"):
            found = found[segment.replace("~1", "/").replace("~0", "~")]
        node = found
    return node


@cache
def operations() -> dict[str, ContractOperation]:
    """Every operation, by its id."""
    found = {}
    for path, item in document()["paths"].items():
        for method in _METHODS:
            if method in item:
                node = item[method]
                security = node.get("security", [])
                by_link = any(_LINK_SCHEMES & requirement.keys() for requirement in security)
                roles = None if by_link else _roles(security)
                found[node["operationId"]] = ContractOperation(
                    node["operationId"], method.upper(), path, roles, node, by_link
                )
    return found


def _roles(security: list[dict[str, list[str]]]) -> frozenset[str] | None:
    if not security:
        return None
    return frozenset(role for requirement in security for role in requirement.get("ApiKey", []))


def operations_at(path: str) -> list[ContractOperation]:
    """The operations of the path that a request's path belongs to, the most literal one."""
    templates = sorted({each.path for each in operations().values()}, key=lambda t: t.count("{"))
    for template in templates:
        pattern = "[^/]+".join(map(re.escape, re.split(r"\{[^}]+\}", template)))
        if re.fullmatch(pattern, path):
            return [each for each in operations().values() if each.path == template]
    return []


@cache
def declared_words() -> frozenset[str]:
    """Property and parameter names and enumerated values: an answer may name them freely."""
    words: set[str] = set()
    for node in _objects(document()):
        if isinstance(properties := node.get("properties"), dict):
            words.update(properties)
        if isinstance(values := node.get("enum"), list):
            words.update(str(value) for value in values)
        if isinstance(name := node.get("name"), str):
            words.add(name)
    return frozenset(words)


def _objects(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _objects(value)
    elif isinstance(node, list):
        for value in node:
            yield from _objects(value)
