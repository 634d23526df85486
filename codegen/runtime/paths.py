"""Which paths and methods a contract has, and which of them a request means.

Of paths that match a URL the more concrete one is meant (OpenAPI, Paths Object): a text before a
template at the first segment where they differ. Connexion's router is given paths in that order,
but goes on to the next one that has the request's method; whether it may is told here.

A `/` that was sent as %2F is a character of its segment (RFC 3986, 2.2), and so is a line break.
Servers decode the path before routers see it, which take a `/` for the end of a segment and find no
line break, so such a path is written anew here, and values out of it read by `in_path`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote, unquote_to_bytes

from starlette.types import Scope

from .operation import Operation
from .path_order import TEMPLATE, match_order, openness, segments

_MISREAD: Final = re.compile(rb"%(?:2[fF]|0[aA])")
_KEPT: Final = re.compile(rb"%(?=2[fF]|0[aA]|25)")
_READ: Final = re.compile("%(?:2[fF]|0[aA]|25)")
_IS_KEPT: Final = "kept_escapes"


def with_whole_segments(scope: Scope) -> Scope:
    """The scope, its path such that an encoded `/` or line break is none to a router.

    The path then has them as they came, and a `%` as `%25`. Nothing changes where there are none,
    or where the server doesn't tell how the path came, or told another one.
    """
    sent = scope.get("raw_path") or b""
    if not _MISREAD.search(sent) or _decoded(sent) != scope["path"]:
        return scope
    extensions = {**scope.get("extensions", {}), _IS_KEPT: True}
    return {**scope, "path": _decoded(_KEPT.sub(b"%25", sent)), "extensions": extensions}


def _decoded(sent: bytes) -> str:
    return unquote_to_bytes(sent).decode("utf-8", errors="replace")


def in_path(scope: Mapping[str, Any], value: str) -> str:
    """What a router found in the path, as it was meant."""
    if _IS_KEPT not in scope.get("extensions", {}):
        return value
    return _READ.sub(lambda found: unquote(found[0]), value)


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
