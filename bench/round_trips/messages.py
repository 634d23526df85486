"""What can be sent to each operation of a package, and what it can answer: places for values.

Knows the contract and the package's types; of sockets and clients it knows nothing.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import cycle, islice
from types import ModuleType
from typing import Any, Final

from pydantic import TypeAdapter

from bench.round_trips.package import Package
from bench.round_trips.raw_bodies import has_value
from bench.round_trips.sameness import Said
from codegen.client_shape import client_arguments, form_of, has_stream
from codegen.contract import Annotation, Media, Operation, Parameter, Response
from codegen.runtime.client_body import Form
from codegen.runtime.document import pointer_to, referenced
from codegen.runtime.form_rules import form_rule
from codegen.runtime.media_types import is_json, is_json_lines, matches
from codegen.runtime.operation import Media as RuntimeMedia

_LEAST_PROBLEM: Final = 400
FORMS: Final = ("urlencoded", "multipart")


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for one value. Without an `adapter` it is bytes: of a value of the schema at
    `pointer`, or any."""

    adapter: TypeAdapter[Any] | None
    said: Said
    pointer: str | None
    form: Form = "json"
    # Of the files in a form, by the name of the field: what its encoding admits.
    file_types: Mapping[str, str] = field(default_factory=dict)

    def made(self, value: Any) -> Any:
        """What Python has for it. Raises ValidationError for what it has nothing for."""
        if self.adapter is None or isinstance(value, bytes):
            return value
        if self.form == "lines":
            return [
                self.adapter.validate_json(json.dumps(line), by_alias=True, by_name=False)
                for line in value
            ]
        made = self.adapter.validate_json(json.dumps(value), by_alias=True, by_name=False)
        for name, inner in (
            self.adapter.dump_python(made, by_alias=True) if self.file_types else {}
        ).items():
            for part in inner if isinstance(inner, list) else [inner]:
                if name in self.file_types and hasattr(part, "content_type"):
                    part.content_type = self.file_types[name]
        return made

    def plain(self, value: Any) -> Any:
        """The JSON of what Python has for it; of bytes themselves."""
        if self.adapter is None or isinstance(value, bytes):
            return value
        if self.form == "lines":
            return [self.adapter.dump_python(one, mode="json", by_alias=True) for one in value]
        return json.loads(self.adapter.dump_json(value, by_alias=True))


@dataclass(frozen=True, slots=True)
class Place:
    """A parameter, or a header of an answer. `name` is the argument."""

    name: str
    required: bool
    slot: Slot


@dataclass(frozen=True, slots=True)
class Body:
    """A body in one media type. Where that is a range, it is one of that range."""

    media_type: str
    slot: Slot


@dataclass(frozen=True, slots=True)
class Answer:
    """One documented answer in one media type. `make` is its class; None if it is a problem."""

    response: Response
    status: int
    make: Any
    body: Body | None
    headers: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One way to call an operation, and one of its answers to that."""

    operation: Operation
    parameters: tuple[Place, ...]
    body: Body | None
    answer: Answer

    @property
    def name(self) -> str:
        sent = f" with {self.body.media_type}" if self.body else ""
        came = self.answer.body.media_type if self.answer.body else "nothing"
        return f"{self.operation.id}{sent}: {self.answer.response.status} as {came}"

    @property
    def is_streamed(self) -> bool:
        return has_stream(self.operation)


def exchanges(package: Package) -> Iterator[Exchange]:
    """Each body and each answer of every operation, in as many calls as the longer list has."""
    for tag in package.contract.tags:
        routes = package.module(f"routes.{tag.module}")
        for operation in tag.operations:
            yield from _exchanges(package, routes, operation)


def _exchanges(package: Package, routes: ModuleType, operation: Operation) -> Iterator[Exchange]:
    parameters = tuple(_parameter(package, one) for one in client_arguments(operation))
    bodies = list(_bodies(package, operation)) or [None]
    answers = list(_answers(package, routes, operation))
    longest = max(len(bodies), len(answers))
    for body, answer in islice(zip(cycle(bodies), cycle(answers), strict=False), longest):
        yield Exchange(operation, parameters, body, answer)


def _parameter(package: Package, parameter: Parameter) -> Place:
    steps = ["content", parameter.media_type] if parameter.media_type else []
    pointer = f"{parameter.pointer}{pointer_to([*steps, 'schema'])}"
    slot = _slot(package, pointer, parameter.annotation)
    return Place(parameter.argument, parameter.required, slot)


def _slot(
    package: Package, pointer: str | None, annotation: Annotation | None, form: Form = "json"
) -> Slot:
    said = Said.of(package.document, [package.schemas.at(pointer)] if pointer else [])
    adapter = TypeAdapter(package.type_of(annotation)) if annotation else None
    return Slot(adapter, said, pointer, form)


def _bodies(package: Package, operation: Operation) -> Iterator[Body | None]:
    if operation.body is None:
        return
    for media in operation.body.content:
        form = form_of(media)
        if form == "raw":
            for media_type in _concrete(media.media_type):
                yield _raw(package, media_type, media.pointer)
            continue
        pointer = f"{media.pointer}/items" if form == "lines" else media.pointer
        slot = _slot(package, pointer, media.annotation, form)
        if form == "multipart":
            slot = replace(slot, file_types=_file_types(package, media))
        for media_type in _concrete(media.media_type):
            yield Body(media_type, slot)
    if not operation.body.required:
        yield None


def _file_types(package: Package, media: Media) -> dict[str, str]:
    declared = form_rule(
        package.schemas, RuntimeMedia(media.media_type, media.pointer)
    ).fields.declared
    return {
        name: _concrete(rule.content_types[0])[0]
        for name, rule in declared.items()
        if rule.content_types
    }


def _concrete(media_type: str) -> list[str]:
    """Itself, or two of a range where one of them is JSON, which is read then."""
    if "*" not in media_type:
        return [media_type]
    other = media_type.replace("*/*", "application/*").replace("*", "x-any")
    return [other, "application/json"] if matches(media_type, "application/json") else [other]


def _raw(package: Package, media_type: str, pointer: str | None) -> Body:
    return Body(media_type, _slot(package, pointer if has_value(media_type) else None, None, "raw"))


def _answers(package: Package, routes: ModuleType, operation: Operation) -> Iterator[Answer]:
    """All but those that hooks alone give, such as 304."""
    documented = [response.status for response in operation.responses]
    for response in operation.responses:
        status = _status(response.status, documented)
        if response.class_name is None:
            if status >= _LEAST_PROBLEM:
                yield Answer(response, status, None, None, ())
            continue
        make = getattr(routes, response.class_name)
        headers = tuple(_headers(package, operation, response))
        for media in response.content or (None,):
            for body in _answered(package, response, media) if media else (None,):
                yield Answer(response, status, make, body, headers)


def _status(status: str, documented: list[str]) -> int:
    """Itself, or one that a range or `default` stands for."""
    if status.isdecimal():
        return int(status)
    hundreds = [int(status[0])] if status[0].isdecimal() else [4, 2, 3, 5]
    return next(
        one
        for hundred in hundreds
        for one in (hundred * 100, hundred * 100 + 2)
        if str(one) not in documented
        and (status[0].isdecimal() or f"{hundred}XX" not in documented)
    )


def _headers(package: Package, operation: Operation, response: Response) -> Iterator[Place]:
    steps = ["paths", operation.path, operation.method.lower(), "responses", response.status]
    for header in response.headers:
        place = _place(package.document, [*steps, "headers", header.name, "schema"])
        slot = _slot(package, place, header.annotation)
        yield Place(header.argument, header.required, slot)


def _place(document: Any, steps: list[str]) -> str | None:
    """The pointer to a node, each reference on the way taken; None if nothing is there."""
    node, pointer = document, ""
    for step in steps:
        node, pointer = node.get(step), f"{pointer}{pointer_to([step])}"
        while isinstance(node, dict) and step != "schema" and isinstance(node.get("$ref"), str):
            pointer = node["$ref"].removeprefix("#")
            node = referenced(document, node["$ref"])
        if node is None:
            return None
    return pointer


def _answered(package: Package, response: Response, media: Media) -> Iterator[Body]:
    for media_type in _concrete(media.media_type):
        if is_json(media.media_type) and response.annotation:
            yield Body(media_type, _slot(package, media.pointer, response.annotation))
        elif response.line is not None and is_json_lines(media.media_type):
            slot = _slot(package, f"{media.pointer}/items", response.line, "lines")
            yield Body(media_type, slot)
        else:
            yield _raw(package, media_type, media.pointer)
