"""The contract as rules see it: its objects by kind, its operations, references followed.

Parts that are malformed are left out: what is wrong with them has been said already.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..bundle import Bundle
from ..pointers import local_pointer, value_at
from ..shape import METHODS, Kind, Node, Pointer, walk

# `paths`, path, method; or `components`, section, name: what is left out as one.
_WHOLE = 3


@dataclass(frozen=True, slots=True)
class LintedOperation:
    pointer: Pointer
    path: str
    method: str
    value: dict[str, Any]

    @property
    def name(self) -> str:
        """How messages call it: by its method and path, as it may have no operationId."""
        return f"{self.method.upper()} {self.path}"


@dataclass(frozen=True, slots=True)
class Options:
    """What the settings say beside the rules' levels: see `settings`."""

    names: dict[str, str] = field(default_factory=dict)
    bounds_everywhere: bool = False


@dataclass(slots=True, eq=False)
class Subject:
    contract: Bundle
    broken: set[Pointer]
    options: Options = field(default_factory=Options)
    nodes: tuple[Node, ...] = ()
    _by_kind: dict[Kind, list[Node]] = field(default_factory=dict)
    _left_out: set[Pointer] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._left_out = {place[:_WHOLE] for place in self.broken}
        whole = walk(Node("openapi", (), self.contract.document))
        self.nodes = tuple(node for node in whole if node.pointer[:_WHOLE] not in self._left_out)
        for node in self.nodes:
            self._by_kind.setdefault(node.kind, []).append(node)

    @property
    def document(self) -> dict[str, Any]:
        return self.contract.document

    @property
    def is_3_0(self) -> bool:
        return str(self.document["openapi"]).startswith("3.0")

    def of_kind(self, *kinds: Kind) -> Iterator[Node]:
        """Objects of these kinds that stand here themselves: no references."""
        for kind in kinds:
            for node in self._by_kind.get(kind, ()):
                if isinstance(node.value, dict) and "$ref" not in node.value:
                    yield node

    def schemas(self) -> Iterator[Node]:
        """All schemas that are mappings. One with a `$ref` may have other keywords beside it."""
        return (node for node in self._by_kind.get("schema", ()) if isinstance(node.value, dict))

    def operations(self) -> Iterator[LintedOperation]:
        """Those that are served: not callbacks, not webhooks."""
        for node in self.of_kind("operation"):
            if node.pointer[0] == "paths" and len(node.pointer) == _WHOLE:
                path, method = str(node.pointer[1]), str(node.pointer[2])
                if method in METHODS:
                    yield LintedOperation(node.pointer, path, method, node.value)

    def follow(self, pointer: Pointer) -> tuple[Pointer, Any]:
        return self.contract.follow(pointer)

    def parameters(self, operation: LintedOperation) -> Iterator[tuple[Pointer, dict[str, Any]]]:
        """Of the path item and of the operation, each where it stands."""
        for holder in (operation.pointer[:-1], operation.pointer):
            listed = self.follow(holder)[1].get("parameters", [])
            for index in range(len(listed) if isinstance(listed, list) else 0):
                place, value = self.follow((*holder, "parameters", index))
                if isinstance(value, dict):
                    yield place, value

    def responses(
        self, operation: LintedOperation
    ) -> Iterator[tuple[str, Pointer, dict[str, Any]]]:
        """Status, place and value of each documented answer."""
        for status in mapping(operation.value.get("responses")):
            if not status.startswith("x-"):
                place, value = self.follow((*operation.pointer, "responses", status))
                if isinstance(value, dict):
                    yield status, place, value

    def body(self, operation: LintedOperation) -> tuple[Pointer, dict[str, Any]] | None:
        if "requestBody" not in operation.value:
            return None
        place, value = self.follow((*operation.pointer, "requestBody"))
        return (place, value) if isinstance(value, dict) else None

    def in_extensions(self) -> Iterator[dict[str, Any]]:
        """All mappings in the `x-…` fields of the contract itself, such as `x-webhooks`."""
        todo = [value for key, value in self.document.items() if key.startswith("x-")]
        while todo:
            value = todo.pop()
            if isinstance(value, dict):
                yield value
                todo.extend(value.values())
            elif isinstance(value, list):
                todo.extend(value)

    def conjuncts(self, pointer: Pointer) -> list[tuple[Pointer, dict[str, Any]]]:
        """A schema and all that hold with it, by `$ref` and `allOf`, each where it stands."""
        found: dict[Pointer, dict[str, Any]] = {}
        todo = [pointer]
        while todo:
            place = todo.pop()
            value = self.value(place)
            known = place in found or place[:_WHOLE] in self._left_out
            if known or not isinstance(value, dict):
                continue
            found[place] = value
            if isinstance(value.get("$ref"), str):
                if self.is_3_0:
                    # Nothing counts beside a reference there.
                    found[place] = value = {"$ref": value["$ref"]}
                todo.append(local_pointer(self.document, value["$ref"]))
            listed = value.get("allOf")
            todo.extend((*place, "allOf", index) for index in reversed(range(len(listing(listed)))))
        return list(found.items())

    def value(self, pointer: Pointer) -> Any:
        """What stands at a pointer, be it a reference."""
        return value_at(self.document, pointer)


def mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def listing(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
