"""Makes one document of a contract and the files it refers to, and finds where each part stands.

What another file defines is moved into `components` under its own name; nothing else changes.
"""

import copy
import posixpath
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from .diagnostics import ContractError, Findings, Place, one_error
from .shape import Kind, Node, Pointer, children, section_of, written
from .source import Source, read_source
from .suggestions import did_you_mean, nearest_fragment

ReadFile = Callable[[Path], bytes]


@dataclass(frozen=True, slots=True)
class Bundle:
    """`origins` maps a pointer in the document to the file and pointer it was taken from.

    Where a reference leads nowhere, which has been said, something neutral stands: at `dangling`.
    """

    document: dict[str, Any]
    sources: tuple[Source, ...]
    origins: dict[Pointer, tuple[Source, Pointer]]
    dangling: frozenset[Pointer] = frozenset()

    def place(self, pointer: Pointer) -> Place:
        for length in range(len(pointer), -1, -1):
            if pointer[:length] in self.origins:
                source, origin = self.origins[pointer[:length]]
                return source.place(origin + pointer[length:])
        return self.sources[0].place(pointer)

    def follow(self, pointer: Pointer) -> tuple[Pointer, Any]:
        """The value at a pointer, through any chain of references: where it stands, and it."""
        value = value_at(self.document, pointer)
        for _ in range(_MAX_CHAIN):
            if not (isinstance(value, dict) and isinstance(value.get("$ref"), str)):
                return pointer, value
            pointer = local_pointer(self.document, value["$ref"])
            value = value_at(self.document, pointer)
        raise one_error(self.place(pointer), "CG010", "this $ref leads back to itself")


_MAX_CHAIN = 100
_DEFINE = "define it there, or correct the reference"
# Well-formed, so that the rest can be read and all that is wrong be said at once.
_NEUTRAL: dict[Kind, dict[str, Any]] = {
    "response": {"description": ""},
    "parameter": {"name": "unknown", "in": "query", "schema": {}},
    "request_body": {"content": {}},
    "header": {"schema": {}},
    "security_scheme": {"type": "http", "scheme": "basic"},
    "link": {"operationId": "unknown"},
}


def value_at(document: Any, pointer: Pointer) -> Any:
    """Raises LookupError where there is none."""
    value = document
    for token in pointer:
        if isinstance(value, list):
            value = value[int(token)]
        elif isinstance(value, dict):
            value = value[token]
        else:
            raise LookupError(written(pointer))
    return value


def local_pointer(document: Any, reference: str) -> Pointer:
    """The pointer that `#/…` stands for, with list positions as numbers."""
    return parse_fragment(document, reference.partition("#")[2])


def parse_fragment(document: Any, fragment: str) -> Pointer:
    """Raises LookupError where it leads nowhere."""
    pointer: Pointer = ()
    value = document
    tokens = unquote(fragment).split("/")
    if tokens[0]:
        raise LookupError(fragment)
    for raw in tokens[1:]:
        token: str | int = raw.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list):
            if not str(token).isdecimal():
                raise LookupError(fragment)
            token = int(token)
        value = value_at(value, (token,))
        pointer = (*pointer, token)
    return pointer


def _file_hint(path: Path) -> str:
    beside = path.parent.iterdir() if path.parent.is_dir() else ()
    return did_you_mean(path.name, (each.name for each in beside), "")


def bundle(path: Path, name: str, read: ReadFile, findings: Findings) -> Bundle:
    """`read` gets each file once; `name` is how messages call the contract's own file.

    Raises `ContractError` where a file can't be parsed or isn't a mapping.
    """
    bundler = _Bundler(read, findings)
    root = bundler.load(path, name)
    if not isinstance(root.value, dict):
        raise one_error(root.place(()), "CG004", "the contract must be a mapping with `openapi`")
    bundler.run(root)
    return Bundle(
        bundler.document,
        tuple(bundler.sources.values()),
        bundler.origins,
        frozenset(bundler.dangling),
    )


@dataclass
class _Bundler:
    read: ReadFile
    findings: Findings
    sources: dict[Path, Source] = field(default_factory=dict)
    origins: dict[Pointer, tuple[Source, Pointer]] = field(default_factory=dict)
    document: dict[str, Any] = field(default_factory=dict)
    dangling: set[Pointer] = field(default_factory=set)
    _moved: dict[tuple[Path, Pointer], Pointer] = field(default_factory=dict)
    _inlined: dict[Pointer, set[tuple[Path, Pointer]]] = field(default_factory=dict)
    _todo: list[tuple[Source, Node]] = field(default_factory=list)

    def load(self, path: Path, name: str) -> Source:
        key = path.resolve()
        if key not in self.sources:
            data = self.read(path)
            self.sources[key] = read_source(path, name, data, self.findings)
        return self.sources[key]

    def run(self, root: Source) -> None:
        self.document = copy.deepcopy(root.value)
        self._todo.append((root, Node("openapi", (), self.document)))
        while self._todo:
            source, node = self._todo.pop()
            self._visit(source, node)

    def _visit(self, source: Source, node: Node) -> None:
        """Checks the reference of a node and repoints it; `node.pointer` is in the bundle."""
        reference = node.value.get("$ref") if isinstance(node.value, dict) else None
        if node.kind == "path_item" and isinstance(reference, str):
            self._inline(source, node, reference)
            return
        if isinstance(reference, str) and not self._repoint(source, node, reference):
            self.dangling.add(node.pointer)
            node.value.clear()
            node.value.update(copy.deepcopy(_NEUTRAL.get(node.kind, {})))
        # What was moved into the contract is visited as a part of the file that it came from.
        own = [child for child in children(node) if child.pointer not in self._moved.values()]
        self._todo.extend((source, child) for child in reversed(own))
        self._repoint_mapping(source, node)

    def _repoint(self, source: Source, node: Node, reference: str) -> bool:
        """Whether the reference leads somewhere; it leads there within the bundle then."""
        found = self._target(source, node, reference)
        if found is None:
            return False
        target, pointer = found
        if target is not self._root:
            pointer = self._move(target, pointer, node)
        node.value["$ref"] = f"#{written(pointer)}"
        return True

    def _repoint_mapping(self, source: Source, node: Node) -> None:
        """A discriminator's `mapping` holds references (or bare schema names) too."""
        if node.kind != "schema" or not isinstance(node.value, dict):
            return
        discriminator = node.value.get("discriminator")
        mapping = discriminator.get("mapping") if isinstance(discriminator, dict) else None
        if not isinstance(mapping, dict):
            return
        for key, reference in mapping.items():
            if isinstance(reference, str) and ("#" in reference or "/" in reference):
                pointer = (*node.pointer, "discriminator", "mapping", key)
                holder = Node("schema", pointer, {"$ref": reference})
                self._repoint(source, holder, reference)
                mapping[key] = holder.value["$ref"]

    def _inline(self, source: Source, node: Node, reference: str) -> None:
        found = self._target(source, node, reference)
        if found is None:
            return
        target, pointer = found
        origin = (target.path.resolve(), pointer)
        if origin in self._inlined.setdefault(node.pointer, set()):
            place = self._place(source, node.pointer)
            self.findings.add(place, "CG010", f"$ref {reference} leads back to itself")
            return
        self._inlined[node.pointer].add(origin)
        if any(key != "$ref" and not key.startswith("x-") for key in node.value):
            hint = "move these fields into the referenced path item"
            place = self._place(source, node.pointer)
            self.findings.add(place, "CG011", "a path item has both $ref and other fields", hint)
        self.origins[node.pointer] = (target, pointer)
        node.value.pop("$ref")
        node.value.update(copy.deepcopy(value_at(target.value, pointer)))
        self._todo.append((target, node))

    def _target(self, source: Source, node: Node, reference: str) -> tuple[Source, Pointer] | None:
        place = self._place(source, (*node.pointer, "$ref"))
        file, _, fragment = reference.partition("#")
        if "://" in file:
            hint = "save the file beside the contract and refer to it by its relative path"
            self.findings.add(place, "CG011", f"$ref {reference} leads to the network", hint)
            return None
        target = source
        if file:
            relative = PurePosixPath(unquote(file))
            path = source.path.parent / relative
            try:
                name = posixpath.normpath(PurePosixPath(source.name).parent / relative)
                target = self.load(path, name)
            except OSError as error:
                reason = error.strerror or "it can't be read"
                message = f"$ref {reference} leads nowhere: {reason}"
                self.findings.add(place, "CG010", message, _file_hint(path))
                return None
            except ContractError as error:
                # What is wrong with that file is one thing; the other files are read all the same.
                self.findings.found |= set(error.findings)
                return None
        try:
            return target, parse_fragment(target.value, fragment)
        except LookupError:
            near = nearest_fragment(target.value, fragment)
            hint = f"did you mean {file}#{near}?" if near else _DEFINE
            self.findings.add(place, "CG010", f"$ref {reference} leads nowhere", hint)
            return None

    def _move(self, target: Source, pointer: Pointer, node: Node) -> Pointer:
        """Where a definition of another file stands in the bundle; puts it there once."""
        key = (target.path.resolve(), pointer)
        if key not in self._moved:
            section = section_of(node.kind) or "schemas"
            name = str(pointer[-1]) if pointer else target.path.stem
            place = self._free_place(section, name, target, pointer)
            self._moved[key] = place
            self.origins[place] = (target, pointer)
            definition = copy.deepcopy(value_at(target.value, pointer))
            self._section(section)[str(place[-1])] = definition
            self._todo.append((target, Node(node.kind, place, definition)))
        return self._moved[key]

    def _free_place(self, section: str, name: str, target: Source, pointer: Pointer) -> Pointer:
        known = self._section(section).get(name)
        if known is not None and not self._is_alias(known, target, pointer):
            message = f"{name!r} is also the name of another definition in components/{section}"
            hint = "rename one of the two"
            self.findings.add(target.place(pointer), "CG012", message, hint)
        return ("components", section, name)

    def _is_alias(self, known: Any, target: Source, pointer: Pointer) -> bool:
        """Whether the contract's own definition of a name only refers to this one."""
        if not isinstance(known, dict) or list(known) != ["$ref"]:
            return False
        file, _, fragment = str(known["$ref"]).partition("#")
        path = self._root.path.parent / unquote(file)
        if not file or path.resolve() != target.path.resolve():
            return False
        try:
            return parse_fragment(target.value, fragment) == pointer
        except LookupError:
            return False

    def _section(self, section: str) -> dict[str, Any]:
        """A section of `components`, made if absent; a stray one if that is malformed."""
        holder: dict[str, Any] = self.document
        for key in ("components", section):
            inner = holder.setdefault(key, {})
            holder = inner if isinstance(inner, dict) else {}
        return holder

    @property
    def _root(self) -> Source:
        return next(iter(self.sources.values()))

    def _place(self, source: Source, pointer: Pointer) -> Place:
        for length in range(len(pointer), 0, -1):
            if pointer[:length] in self.origins:
                origin, start = self.origins[pointer[:length]]
                return origin.place(start + pointer[length:])
        return source.place(pointer)
