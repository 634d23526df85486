"""Reads a bundled contract into the form that the emitters take. Collects findings, raises none.

Parts that are malformed are skipped: what is wrong with them has been said already.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .bundle import Bundle
from .contract import Contract, Operation, Tag
from .diagnostics import Findings, Severity
from .model_schemas import model_schemas
from .names import (
    function_name,
    is_wordless,
    module_name,
    pascal,
    template_names,
    unlike,
)
from .pointers import value_at
from .read_bodies import read_request_body, read_responses
from .read_extensions import check_extensions
from .read_parameters import read_parameters, route_of
from .runtime.path_order import match_order
from .schema_types import SchemaTypes
from .shape import METHODS, Pointer
from .structure import broken_components
from .suggestions import did_you_mean

_UNTAGGED = "default"


def read_contract(
    contract: Bundle,
    broken: set[Pointer],
    findings: Findings,
    misfits: Iterable[Pointer] = (),
) -> Contract:
    """`misfits` are the defaults that don't fit their schemas; no model has them."""
    types = SchemaTypes(contract, findings, broken)
    types.misfits = {id(value_at(contract.document, pointer[:-1])) for pointer in misfits}
    return _Reader(contract, broken, findings, types).read()


@dataclass
class _Reader:
    contract: Bundle
    broken: set[Pointer]
    findings: Findings
    types: SchemaTypes
    _places: dict[str, Pointer] = field(default_factory=dict)
    _broken_components: frozenset[str] = frozenset()
    _schemes: dict[str, Any] = field(default_factory=dict)

    def read(self) -> Contract:
        document = self.contract.document
        self._broken_components = broken_components(document, self.broken)
        self.types.add_components()
        self._schemes = self._security_schemes()
        operations = self._operations()
        self._check_paths()
        for part in ("webhooks",):
            if document.get(part):
                place = self.contract.place((part,))
                self.findings.add(place, "CG081", f"{part} are not generated: they aren't served")
        return Contract(
            name=self.contract.sources[0].path.name,
            title=str(_mapping(document.get("info")).get("title", "")),
            schema_version=document["openapi"][:3],
            tags=self._tags(operations),
            models=model_schemas(self.types) if not self.findings.errors else {},
            security_schemes=self._schemes,
            document=document,
            place_of_model=lambda name: self.contract.place(self.types.pointer(name)),
        )

    def _operations(self) -> list[Operation]:
        found = []
        for path, item in _mapping(self.contract.document.get("paths")).items():
            for method in _mapping(item):
                pointer = ("paths", path, method)
                if method in METHODS and not self._is_broken(pointer):
                    found.append(self._operation(path, method, pointer))
        return found

    def _is_broken(self, pointer: Pointer) -> bool:
        """Whether the operation, or what its path item says for all, is malformed.

        So is one that refers to a malformed component. Schemas are told apart where they are read.
        """
        shared: Pointer = (*pointer[:2], "parameters")
        return any(
            place[: len(pointer)] == pointer
            or place[:3] == shared
            or place == pointer[: len(place)]
            for place in self.broken
        ) or any(self._refers_to_broken(place) for place in (pointer, shared))

    def _refers_to_broken(self, pointer: Pointer) -> bool:
        if not self._broken_components:
            return False
        try:
            todo = [value_at(self.contract.document, pointer)]
        except LookupError:
            return False
        while todo:
            value = todo.pop()
            if isinstance(value, dict):
                todo.extend(value.values())
                if value.get("$ref") in self._broken_components:
                    return True
            elif isinstance(value, list):
                todo.extend(value)
        return False

    def _operation(self, path: str, method: str, pointer: Pointer) -> Operation:
        value = _mapping(self.contract.follow(pointer)[1])
        check_extensions(self.contract, pointer, value, self.findings)
        # Without a name of its own it is read all the same: to say all that is wrong at once.
        name = self._id(value, pointer) or function_name(f"{method} {path}")
        if value.get("callbacks"):
            place = self.contract.place((*pointer, "callbacks"))
            message = "callbacks are not generated: a service makes these calls, it gets none"
            self.findings.add(place, "CG081", message)
        parameters = read_parameters(self.types, path, pointer, name)
        return Operation(
            id=name,
            method=method.upper(),
            path=path,
            route=route_of(path, parameters),
            tag=self._tag(value, pointer),
            summary=str(value.get("summary", "")),
            description=str(value.get("description", "")),
            parameters=parameters,
            body=read_request_body(self.types, pointer, name),
            responses=read_responses(self.types, pointer, name),
            security=self._security(value, pointer),
            extensions={key: item for key, item in value.items() if key.startswith("x-")},
        )

    def _id(self, value: dict[str, Any], pointer: Pointer) -> str | None:
        written_id = value.get("operationId")
        if not isinstance(written_id, str):
            return self._derived_id(pointer)
        where = (*pointer, "operationId")
        name = function_name(written_id)
        if is_wordless(written_id):
            message = f"operationId {written_id!r} can't be the name of a Python function"
            place = self.contract.place(where)
            self.findings.add(place, "CG023", message, f"its Python name is {name}")
        elif name != written_id:
            is_word = name == f"{written_id}_"
            reason = "is a word of Python's" if is_word else "is not in snake_case"
            message = f"operationId {written_id!r} {reason}"
            place = self.contract.place(where)
            self.findings.add(place, "CG022", message, f"its Python name is {name}")
        return self._own_id(name, written_id, (*pointer, "operationId"))

    def _derived_id(self, pointer: Pointer) -> str | None:
        """A name made of method and path, which may be all that a contract gives."""
        _, path, method = pointer
        name = function_name(f"{method} {path}")
        place = self.contract.place(pointer)
        hint = "name it verb_noun, such as list_pets: it becomes the name of the handler"
        message = f"the operation has no operationId; its Python name is {name}"
        self.findings.add(place, "CG020", message, hint)
        return self._own_id(name, name, pointer)

    def _own_id(self, name: str, written_id: str, pointer: Pointer) -> str | None:
        """The name, or another if an operation before has it, or a name of the same classes."""
        class_name = pascal(name)
        if class_name in self._places:
            place = self.contract.place(pointer)
            first = self.contract.place(self._places[class_name])
            if self.contract.follow(self._places[class_name])[1] == written_id:
                message = f"operationId {written_id!r} stands a second time"
                hint = f"the first is at {first}: rename one of the two"
                self.findings.add(place, "CG021", message, hint)
                return None
            class_name = unlike(class_name, self._places, "")
            name = f"{name}_{class_name.removeprefix(pascal(name))}"
            message = f"operationId {written_id!r} gives the Python name of the one at {first}"
            hint = f"its own is {name}; rename one of the two"
            self.findings.add(place, "CG024", message, hint, severity="warning")
        self._places[class_name] = pointer
        return name

    def _tag(self, value: dict[str, Any], pointer: Pointer) -> str:
        tags = value.get("tags")
        names = tags if isinstance(tags, list) else []
        if not names:
            message = f"the operation has no tag; it goes to `{_UNTAGGED}`"
            hint = "a tag is the module its handler stands in"
            self.findings.add(self.contract.place(pointer), "CG025", message, hint)
            return _UNTAGGED
        if len(names) > 1:
            message = f"the operation has several tags; the first, {names[0]!r}, counts"
            place = self.contract.place((*pointer, "tags"))
            self.findings.add(place, "CG026", message, "a handler stands in one module")
        return str(names[0])

    def _security_schemes(self) -> dict[str, Any]:
        """By name, each as it is written where a reference to it ends."""
        components = _mapping(self.contract.document.get("components"))
        pointers = {
            name: ("components", "securitySchemes", name)
            for name in _mapping(components.get("securitySchemes"))
        }
        return {name: _mapping(self.contract.follow(each)[1]) for name, each in pointers.items()}

    def _security(
        self, value: dict[str, Any], pointer: Pointer
    ) -> tuple[dict[str, tuple[str, ...]], ...]:
        where: Pointer = (*pointer, "security") if "security" in value else ("security",)
        requirements = value.get("security", self.contract.document.get("security", []))
        schemes = self._schemes
        alternatives = []
        for index, requirement in enumerate(requirements):
            for scheme in requirement:
                pointer = (*where, index, scheme)
                if scheme not in schemes:
                    hint = did_you_mean(scheme, schemes, "define it in components/securitySchemes")
                    message = f"the security scheme {scheme!r} is not defined"
                    self.findings.add(self.contract.place(pointer), "CG040", message, hint)
                elif schemes[scheme].get("type") == "mutualTLS":
                    hint = "its authenticator tells by headers that only the proxy can set"
                    message = "client certificates are not read: TLS ends before the service"
                    self.findings.add(self.contract.place(pointer), "CG081", message, hint)
            alternatives.append({name: tuple(roles) for name, roles in requirement.items()})
        return tuple(alternatives)

    def _check_paths(self) -> None:
        seen: dict[str, str] = {}
        paths = _mapping(self.contract.document.get("paths"))
        for path in paths:
            if path.startswith("x-"):
                continue
            names = template_names(path)
            key = path
            for name in names:
                key = key.replace("{" + name + "}", "{}")
            pointer = ("paths", path)
            if "#" in path or "?" in path:
                message = f"{path} is more than a path: what follows # or ? is never a part of one"
                hint = "give it a path of its own; as it is, no request gets there"
                self.findings.add(self.contract.place(pointer), "CG081", message, hint)
            if len(names) != len(set(names)):
                place = self.contract.place(pointer)
                self.findings.add(place, "CG033", f"the path {path} names a parameter twice")
            if key in seen:
                message = f"{path} matches the same requests as {seen[key]}"
                hint = "write both under one path, with one set of parameter names"
                shared = METHODS & set(_mapping(paths[path])) & set(_mapping(paths[seen[key]]))
                severity: Severity = "error" if shared else "warning"
                place = self.contract.place(pointer)
                self.findings.add(place, "CG032", message, hint, severity)
            seen.setdefault(key, path)

    def _tags(self, operations: list[Operation]) -> tuple[Tag, ...]:
        declared = [tag for tag in self.contract.document.get("tags", ()) if isinstance(tag, dict)]
        texts = {str(tag.get("name")): str(tag.get("description", "")) for tag in declared}
        order = dict.fromkeys([*texts, *(operation.tag for operation in operations)])
        modules: dict[str, str] = {}
        tags = []
        for name in order:
            own = [operation for operation in operations if operation.tag == name]
            if own:
                first: Pointer = ("paths", own[0].path, own[0].method.lower(), "tags", 0)
                module = self._module(name, first, modules)
                own.sort(key=lambda operation: match_order(operation.route))
                class_name = f"{_class_part(name)}Handlers"
                tags.append(Tag(name, module, class_name, texts.get(name, ""), tuple(own)))
        return tuple(tags)

    def _module(self, name: str, first: Pointer, modules: dict[str, str]) -> str:
        """`first` is where the tag is first used."""
        place = self.contract.place(first)
        module = module_name(name)
        if is_wordless(name):
            message = f"the tag {name!r} can't be the name of a Python module"
            self.findings.add(place, "CG023", message, f"its Python name is {module}")
        if module in modules:
            message = f"the tags {name!r} and {modules[module]!r} become the module {module}"
            module = unlike(module, modules)
            hint = f"the former's is {module}; rename one of the two"
            self.findings.add(place, "CG024", message, hint, severity="warning")
        modules[module] = name
        return module


def _class_part(tag: str) -> str:
    made = pascal(tag)
    return made if made.isidentifier() else pascal(module_name(tag))


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
