"""Which paths and methods a contract has, and which of them a request means.

Of paths that match a URL the more concrete one is meant (OpenAPI, Paths Object): a text before a
template at the first segment where they differ. Connexion's router is given paths in that order,
but goes on to the next one that has the request's method; whether it may is told here.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from starlette.types import Scope

from .operation import Operation
from .path_order import TEMPLATE, match_order, openness, segments


def path_pattern(template: str) -> str:
    return "[^/]+".join(map(re.escape, TEMPLATE.sub("{}", template).split("{}")))


def with_head(methods: Iterable[str]) -> list[str]:
    """The router answers HEAD wherever it answers GET (RFC 9110, 9.3.2)."""
    found = set(methods)
    return sorted(found | ({"HEAD"} if "GET" in found else set()))


def route_path(scope: Scope) -> str:
    """The path as the contract has it, without the prefix that a proxy or a mount put before it."""
    path: str = scope["path"]
    prefix = scope.get("root_path", "")
    return path.removeprefix(prefix) if path.startswith(f"{prefix}/") else path


@dataclass(frozen=True, slots=True)
class KnownPath:
    """A path of the contract; `methods` with HEAD, `order` as `match_order` has it."""

    methods: tuple[str, ...]
    order: list[tuple[int, int]]

    def is_meant_before(self, other: "KnownPath") -> bool:
        """Of two that match a URL: whether this one is concrete wherever one of them is."""
        pairs = [
            (bool(own), bool(others))
            for (own, _), (others, _) in zip(self.order, other.order, strict=True)
        ]
        return (False, True) in pairs and (True, False) not in pairs


class KnownPaths:
    """Finds those that match a URL by walking its segments, however many there are."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        methods: dict[str, list[str]] = {}
        for operation in operations:
            methods.setdefault(operation.path, []).append(operation.method)
        self._root = _Node()
        for path, own in methods.items():
            self._root.add(segments(path), KnownPath(tuple(with_head(own)), match_order(path)))

    def matching(self, path: str) -> list[KnownPath]:
        """In the order in which the router tries them."""
        nodes = [self._root]
        for segment in path.split("/"):
            nodes = [inner for node in nodes for inner in node.children(segment)]
        return sorted((one for node in nodes for one in node.ends), key=lambda one: one.order)


def methods_of(matching: list[KnownPath]) -> list[str]:
    """Those that the URL has which these paths match, sorted.

    One that only a less concrete path has isn't among them: `/books/{id}` with DELETE says nothing
    of `/books/latest`.
    """
    if len(matching) == 1:
        return list(matching[0].methods)
    allowed = set[str]()
    for method in {method for path in matching for method in path.methods}:
        lacking = [path for path in matching if method not in path.methods]
        taker = next(path for path in matching if method in path.methods)
        if not any(path.is_meant_before(taker) for path in lacking):
            allowed.add(method)
    return sorted(allowed)


@dataclass(slots=True)
class _Node:
    """What may follow the segments that led here; `ends` are the paths that have no more."""

    literals: dict[str, "_Node"] = field(default_factory=dict)
    templates: dict[str, tuple[re.Pattern[str], "_Node"]] = field(default_factory=dict)
    ends: list[KnownPath] = field(default_factory=list)

    def add(self, segments: list[str], path: KnownPath) -> None:
        node = self
        for segment in segments:
            if openness(segment) == 0:
                node = node.literals.setdefault(segment, _Node())
            else:
                pattern = path_pattern(segment)
                node = node.templates.setdefault(pattern, (re.compile(pattern), _Node()))[1]
        node.ends.append(path)

    def children(self, segment: str) -> Iterable["_Node"]:
        if segment in self.literals:
            yield self.literals[segment]
        for pattern, node in self.templates.values():
            if pattern.fullmatch(segment):
                yield node
