"""Which paths and methods a contract has, and which of them a request means."""

import re
from collections.abc import Iterable

from starlette.types import Scope

from .operation import Operation


def path_pattern(template: str) -> str:
    literals = re.split(r"\{[^}]+\}", template)
    return "[^/]+".join(map(re.escape, literals))


def concrete_methods(operations: Iterable[Operation]) -> dict[str, list[str]]:
    """The methods of each path without a template."""
    found: dict[str, list[str]] = {}
    for operation in operations:
        if "{" not in operation.path:
            found.setdefault(operation.path, []).append(operation.method)
    return {path: with_head(methods) for path, methods in found.items()}


def with_head(methods: Iterable[str]) -> list[str]:
    """The router answers HEAD wherever it answers GET (RFC 9110, 9.3.2)."""
    found = set(methods)
    return sorted(found | ({"HEAD"} if "GET" in found else set()))


def route_path(scope: Scope) -> str:
    """The path as the contract has it, without the prefix that a proxy or a mount put before it."""
    path: str = scope["path"]
    prefix = scope.get("root_path", "")
    return path.removeprefix(prefix) if path.startswith(f"{prefix}/") else path
