"""Follows the references of a contract into other files, and moves what they define into it.

Each reference is checked as it is met: that it leads somewhere, and to a thing of its kind.
"""

import posixpath
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from .circles import circles
from .diagnostics import ContractError, Findings, Place
from .names import unlike
from .pointers import parse_fragment, value_at
from .references import component_name, file_hint, fragment_hint, is_absolute
from .runtime.document import copied
from .shape import Kind, Node, Pointer, children, kind_at, section_of, written
from .source import Source, read_source
from .suggestions import did_you_mean

ReadFile = Callable[[Path], bytes]

# Well-formed, so that the rest can be read and all that is wrong be said at once.
_NEUTRAL: dict[Kind, dict[str, Any]] = {
    "response": {"description": ""},
    "parameter": {"name": "unknown", "in": "query", "schema": {}},
    "request_body": {"content": {}},
    "header": {"schema": {}},
    "security_scheme": {"type": "http", "scheme": "basic"},
    "link": {"operationId": "unknown"},
}


# What stands for a schema is a mapping too, or true or false.
_FORMS: dict[Kind, Any] = {"schema": dict | bool}


_VALUES: dict[type, str] = {str: "text", list: "a list", type(None): "nothing"}


def _in_words(kind: Kind) -> str:
    if kind == "openapi":
        return "the whole contract"
    words = kind.replace("_", " ")
    return f"{'an' if words[0] in 'aeo' else 'a'} {words}"


@dataclass
class Bundler:
    read: ReadFile
    findings: Findings
    sources: dict[Path, Source] = field(default_factory=dict)
    origins: dict[Pointer, tuple[Source, Pointer]] = field(default_factory=dict)
    document: dict[str, Any] = field(default_factory=dict)
    dangling: set[Pointer] = field(default_factory=set)
    _moved: dict[tuple[Path, Pointer], Pointer] = field(default_factory=dict)
    _new: set[Pointer] = field(default_factory=set)
    # Entries of discriminators' mappings that name a schema, and where they stand.
    _named: list[tuple[Place, dict[str, str], str]] = field(default_factory=list)
    # Where each reference stands: where it leads, and what it is.
    _references: dict[Pointer, Pointer] = field(default_factory=dict)
    _nodes: dict[Pointer, Node] = field(default_factory=dict)
    # By the id of the source that a reference stands in.
    _targets: dict[tuple[int, str, Kind], tuple[Source, Pointer]] = field(default_factory=dict)
    _inlined: dict[Pointer, set[tuple[Path, Pointer]]] = field(default_factory=dict)
    _todo: list[tuple[Source, Node]] = field(default_factory=list)

    def load(self, path: Path, name: str) -> Source:
        key = path.resolve()
        if key not in self.sources:
            data = self.read(path)
            self.sources[key] = read_source(path, name, data, self.findings)
        return self.sources[key]

    def run(self, root: Source) -> None:
        self.document = copied(root.value)
        self._todo.append((root, Node("openapi", (), self.document)))
        while self._todo:
            source, node = self._todo.pop()
            self._visit(source, node)
        for circle in circles(self._references):
            self._break(circle)
        for place, mapping, key in self._named:
            self._check_named(place, mapping, key)

    def _check_named(self, place: Place, mapping: dict[str, str], key: str) -> None:
        """A mapping to a bare name is one to a schema of the contract, wherever that came from."""
        schemas = self._section("schemas")
        if mapping[key] not in schemas:
            hint = did_you_mean(mapping[key], schemas, "define it in components/schemas")
            message = f"the mapping leads to {mapping[key]!r}, which is no schema"
            self.findings.add(place, "CG010", message, hint)
            del mapping[key]

    def _break(self, circle: list[Pointer]) -> None:
        """Says that references go in a circle, and puts something neutral in the place of each."""
        place = self._place(self._root, (*circle[0], "$ref"))
        message = "this $ref leads back to itself"
        around = " → ".join(f"#{written(pointer)}" for pointer in [*circle, circle[0]])
        hint = f"{around}: one of them has to say what it is" if len(circle) > 1 else ""
        self.findings.add(place, "CG010", message, hint)
        for pointer in circle:
            self._neutralize(self._nodes[pointer])

    def _neutralize(self, node: Node) -> None:
        self.dangling.add(node.pointer)
        node.value.clear()
        node.value.update(copied(_NEUTRAL.get(node.kind, {})))

    def _visit(self, source: Source, node: Node) -> None:
        """Checks the reference of a node and repoints it; `node.pointer` is in the bundle."""
        reference = node.value.get("$ref") if isinstance(node.value, dict) else None
        if node.kind == "path_item" and isinstance(reference, str):
            self._inline(source, node, reference)
            return
        if isinstance(reference, str) and not self._repoint(source, node, reference):
            self._neutralize(node)
        own = children(node)
        if self._new:
            # What was moved into the contract is visited as a part of the file that it came from.
            own = [child for child in own if child.pointer not in self._new]
        if own:
            self._todo += [(source, child) for child in reversed(own)]
        if node.kind == "schema" and isinstance(node.value, dict) and "discriminator" in node.value:
            self._repoint_mapping(source, node)

    def _repoint(self, source: Source, node: Node, reference: str) -> bool:
        """Whether the reference leads somewhere; it leads there within the bundle then."""
        found = self._target(source, node, reference)
        if found is None:
            return False
        target, pointer = found
        # What stands where OpenAPI knows of nothing, such as below an `x-`, is checked once moved.
        if target is not self._root or kind_at(pointer) is None:
            pointer = self._move(target, pointer, node)
        node.value["$ref"] = f"#{written(pointer)}"
        self._references[node.pointer] = pointer
        self._nodes[node.pointer] = node
        return True

    def _repoint_mapping(self, source: Source, node: Node) -> None:
        """A discriminator's `mapping` holds references (or bare schema names) too."""
        discriminator = node.value["discriminator"]
        mapping = discriminator.get("mapping") if isinstance(discriminator, dict) else None
        if not isinstance(mapping, dict):
            return
        for key, reference in list(mapping.items()):
            pointer = (*node.pointer, "discriminator", "mapping", key)
            if isinstance(reference, str) and not ("#" in reference or "/" in reference):
                self._named.append((self._place(source, pointer), mapping, key))
            elif isinstance(reference, str):
                holder = Node("schema", pointer, {"$ref": reference})
                if self._repoint(source, holder, reference):
                    mapping[key] = holder.value["$ref"]
                else:
                    del mapping[key]

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
        node.value.update(copied(value_at(target.value, pointer)))
        self._todo.append((target, node))

    def _target(self, source: Source, node: Node, reference: str) -> tuple[Source, Pointer] | None:
        """Where a reference leads, if that is something of its kind."""
        key = (id(source), reference, node.kind)
        if key not in self._targets:
            found = self._found(source, node, reference)
            # What is wrong with it is said wherever it stands.
            if found is None:
                return None
            self._targets[key] = found
        return self._targets[key]

    def _found(self, source: Source, node: Node, reference: str) -> tuple[Source, Pointer] | None:
        where = (*node.pointer, "$ref")
        file, _, fragment = reference.partition("#")
        target = self._file(source, node, reference, file) if file else source
        if target is None:
            return None
        try:
            pointer = parse_fragment(target.value, fragment)
        except LookupError:
            hint = fragment_hint(file, fragment, target.value, node.kind)
            self.findings.add(
                self._place(source, where), "CG010", f"$ref {reference} leads nowhere", hint
            )
            return None
        value = value_at(target.value, pointer)
        is_contract = isinstance(target.value, dict) and "openapi" in target.value
        kind = kind_at(pointer) if is_contract else None
        if kind in (None, node.kind) and isinstance(value, _FORMS.get(node.kind, dict)):
            return target, pointer
        what = _in_words(kind) if kind else _VALUES.get(type(value), "something else")
        message = f"$ref {reference} leads to {what}, where {_in_words(node.kind)} must stand"
        self.findings.add(self._place(source, where), "CG010", message)
        return None

    def _file(self, source: Source, node: Node, reference: str, file: str) -> Source | None:
        where = (*node.pointer, "$ref")
        if is_absolute(file):
            hint = "save the file beside the contract and refer to it by its relative path"
            message = f"$ref {reference} is a URL, which is not fetched"
            self.findings.add(self._place(source, where), "CG011", message, hint)
            return None
        relative = PurePosixPath(unquote(file))
        path = source.path.parent / relative
        try:
            return self.load(path, posixpath.normpath(PurePosixPath(source.name).parent / relative))
        except OSError as error:
            reason = error.strerror or "it can't be read"
            message = f"$ref {reference} leads nowhere: {reason}"
            hint = file_hint(path, reference, source.value, node.kind)
            self.findings.add(self._place(source, where), "CG010", message, hint)
        except ContractError as error:
            # What is wrong with that file is one thing; the other files are read all the same.
            self.findings.found |= set(error.findings)
        return None

    def _move(self, target: Source, pointer: Pointer, node: Node) -> Pointer:
        """Where a definition of another file stands in the bundle; puts it there once."""
        key = (target.path.resolve(), pointer)
        if key not in self._moved:
            section = section_of(node.kind) or "schemas"
            last = next((token for token in reversed(pointer) if isinstance(token, str)), None)
            name = component_name(last or target.path.stem)
            place = self._free_place(section, name, target, pointer)
            self._moved[key] = place
            self._new.add(place)
            self.origins[place] = (target, pointer)
            definition = copied(value_at(target.value, pointer))
            self._section(section)[str(place[-1])] = definition
            self._todo.append((target, Node(node.kind, place, definition)))
        return self._moved[key]

    def _free_place(self, section: str, name: str, target: Source, pointer: Pointer) -> Pointer:
        known = self._section(section).get(name)
        if target is self._root:
            return ("components", section, unlike(name, self._section(section)))
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
