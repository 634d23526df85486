"""Makes one document of a contract and the files it refers to, and finds where each part stands.

What another file defines is moved into `components` under its own name; nothing else changes.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .bundler import Bundler, ReadFile
from .diagnostics import Findings, Place, one_error
from .pointers import local_pointer, value_at
from .shape import Pointer
from .source import Source

__all__ = ["Bundle", "ReadFile", "bundle"]
_MAX_CHAIN = 100


@dataclass(frozen=True, slots=True)
class Bundle:
    """`origins` maps a pointer in the document to the file and pointer it was taken from.

    Where a reference leads nowhere, which has been said, something neutral stands: at `dangling`.
    """

    document: dict[str, Any]
    sources: tuple[Source, ...]
    origins: dict[Pointer, tuple[Source, Pointer]]
    dangling: frozenset[Pointer] = frozenset()
    _targets: dict[str, Pointer] = field(default_factory=dict, repr=False)

    def place(self, pointer: Pointer) -> Place:
        for length in range(len(pointer), -1, -1):
            if pointer[:length] in self.origins:
                source, origin = self.origins[pointer[:length]]
                return source.place(origin + pointer[length:])
        return self.sources[0].place(pointer)

    def target(self, reference: str) -> Pointer:
        """Where a reference leads, which may be to another. Raises LookupError where nowhere."""
        if reference not in self._targets:
            self._targets[reference] = local_pointer(self.document, reference)
        return self._targets[reference]

    def follow(self, pointer: Pointer) -> tuple[Pointer, Any]:
        """The value at a pointer, through any chain of references: where it stands, and it."""
        value = value_at(self.document, pointer)
        for _ in range(_MAX_CHAIN):
            if not (isinstance(value, dict) and isinstance(value.get("$ref"), str)):
                return pointer, value
            pointer = self.target(value["$ref"])
            value = value_at(self.document, pointer)
        raise one_error(self.place(pointer), "CG010", "this $ref leads back to itself")


def bundle(path: Path, name: str, read: ReadFile, findings: Findings) -> Bundle:
    """`read` gets each file once; `name` is how messages call the contract's own file.

    Raises `ContractError` where a file can't be parsed or isn't a mapping.
    """
    bundler = Bundler(read, findings)
    root = bundler.load(path, name)
    if not isinstance(root.value, dict):
        is_empty = root.value is None
        message = "the file is empty" if is_empty else "the contract is not a mapping"
        raise one_error(root.place(()), "CG004", message, "it begins with `openapi: 3.1.0`")
    bundler.run(root)
    return Bundle(
        bundler.document,
        tuple(bundler.sources.values()),
        bundler.origins,
        frozenset(bundler.dangling),
    )
