"""Rules about paths: how they are written, and which request each of them takes."""

from collections.abc import Iterator
from itertools import combinations

from ..names import replace_template_names, template_names
from ..shape import METHODS
from .rule import Remark, rule
from .subject import Subject, mapping


@rule(
    "path-form",
    "warning",
    "Routers, proxies and caches differ on a slash too many; a query string is no part of a path.",
)
def path_form(subject: Subject) -> Iterator[Remark]:
    for path in _paths(subject):
        pointer = ("paths", path)
        if "?" in path:
            hint = "declare what comes after ? as query parameters"
            yield Remark(pointer, "the path has a query string", hint)
        elif "//" in path:
            yield Remark(pointer, "the path has an empty segment", "remove one slash")
        elif path != "/" and path.endswith("/"):
            yield Remark(pointer, "the path ends with a slash", "remove it")


@rule(
    "ambiguous-path",
    "error",
    "OpenAPI leaves open which of two paths takes a request that both match; tools differ on it.",
)
def ambiguous_path(subject: Subject) -> Iterator[Remark]:
    """Of paths that are equal but for the names of parameters, the generator tells by itself."""
    shapes: dict[int, list[tuple[str, list[str]]]] = {}
    for path in _paths(subject):
        shape = replace_template_names(path, dict.fromkeys(template_names(path), "")).split("/")
        shapes.setdefault(len(shape), []).append((path, shape))
    for alike in shapes.values():
        for (first, one), (second, other) in combinations(alike, 2):
            methods = _methods(subject, first) & _methods(subject, second)
            if methods and _crosses(one, other):
                example = "/".join(_literal(*pair) for pair in zip(one, other, strict=True))
                message = f"{second} and {first} both match {example}"
                hint = f"make a segment different in both ({', '.join(sorted(methods))})"
                yield Remark(("paths", second), message, hint)


def _paths(subject: Subject) -> Iterator[str]:
    for path in mapping(subject.document.get("paths")):
        if not path.startswith("x-"):
            yield path


def _methods(subject: Subject, path: str) -> frozenset[str]:
    return METHODS & mapping(subject.follow(("paths", path))[1]).keys()


def _crosses(one: list[str], other: list[str]) -> bool:
    """Whether both match some path, and each is the more concrete one somewhere."""
    first_is_concrete = second_is_concrete = False
    for left, right in zip(one, other, strict=True):
        if left == right:
            continue
        if "{" not in left and "{" not in right:
            return False
        if left == "{}" and right != "{}":
            second_is_concrete = True
        elif right == "{}" and left != "{}":
            first_is_concrete = True
        elif not _may_meet(left, right):
            return False
    return first_is_concrete and second_is_concrete


def _may_meet(left: str, right: str) -> bool:
    """Of two segments of which one mixes text and parameters, by their texts at both ends."""
    ends = ((left.split("{}")[0], right.split("{}")[0]), (_tail(left), _tail(right)))
    starts, tails = ends
    return (starts[0].startswith(starts[1]) or starts[1].startswith(starts[0])) and (
        tails[0].endswith(tails[1]) or tails[1].endswith(tails[0])
    )


def _tail(segment: str) -> str:
    return segment.split("{}")[-1]


def _literal(left: str, right: str) -> str:
    concrete = right if left == "{}" else left
    return concrete.replace("{}", "…")
