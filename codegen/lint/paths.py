"""Rules about paths: how they are written, and which request each of them takes."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from ..names import replace_template_names, template_names
from ..shape import Pointer
from .admission import admits_text
from .rule import Remark, rule
from .subject import LintedOperation, Subject, mapping


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
    "warning",
    "OpenAPI leaves open which of two paths takes a request that both match; tools differ on it.",
)
def ambiguous_path(subject: Subject) -> Iterator[Remark]:
    """Of paths that are equal but for the names of parameters, the generator tells by itself."""
    served: dict[str, list[LintedOperation]] = {}
    for operation in subject.operations():
        served.setdefault(operation.path, []).append(operation)
    alike: dict[int, list[_Path]] = {}
    for path, operations in served.items():
        alike.setdefault(path.count("/"), []).append(_Path.read(subject, path, operations))
    for group in alike.values():
        for first, second in combinations(group, 2):
            if first.methods & second.methods and _crosses(subject, first, second):
                pairs = zip(first.shape, second.shape, strict=True)
                example = "/".join(_literal(*pair) for pair in pairs)
                message = f"{second.text} and {first.text} both match {example}"
                hint = "make a segment different, or give the parameter a type or pattern"
                yield Remark(("paths", second.text), message, hint)


@dataclass(frozen=True, slots=True)
class _Path:
    """`shape` has the segments, with the names of parameters left out."""

    text: str
    shape: tuple[str, ...]
    methods: frozenset[str]
    parameters: dict[str, Pointer]

    @classmethod
    def read(cls, subject: Subject, path: str, operations: list[LintedOperation]) -> "_Path":
        shape = replace_template_names(path, dict.fromkeys(template_names(path), ""))
        parameters = {
            str(value.get("name")): (*place, "schema")
            for operation in operations
            for place, value in subject.parameters(operation)
            if value.get("in") == "path" and "schema" in value
        }
        methods = frozenset(operation.method for operation in operations)
        return cls(path, tuple(shape.split("/")), methods, parameters)

    def admits(self, subject: Subject, index: int, text: str) -> bool:
        """Whether the parameter that is the segment at `index` can have this value."""
        [name] = template_names(self.text.split("/")[index])
        pointer = self.parameters.get(name)
        return pointer is None or admits_text(subject, pointer, text)


def _paths(subject: Subject) -> Iterator[str]:
    for path in mapping(subject.document.get("paths")):
        if not path.startswith("x-"):
            yield path


def _crosses(subject: Subject, one: _Path, other: _Path) -> bool:
    """Whether both match some path, and each is the more concrete one somewhere."""
    first_is_concrete = second_is_concrete = False
    for index, (left, right) in enumerate(zip(one.shape, other.shape, strict=True)):
        if left == right:
            continue
        if "{" not in left and "{" not in right:
            return False
        if left == "{}":
            second_is_concrete = True
            if "{" not in right and not one.admits(subject, index, right):
                return False
        elif right == "{}":
            first_is_concrete = True
            if "{" not in left and not other.admits(subject, index, left):
                return False
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
