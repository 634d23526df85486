"""The contract as the emitters see it: operations with Python names and annotations.

Plain data; `read` makes it, the emitters turn it into text, and neither looks at the other.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .diagnostics import Place
from .runtime.media_types import is_json_lines

Location = Literal["path", "query", "header", "cookie"]
Claim = Literal["page", "condition", "key"]


@dataclass(frozen=True, slots=True)
class Annotation:
    """A Python type as text. `imports` are the (module, name) pairs that the text needs."""

    text: str
    imports: frozenset[tuple[str, str]] = frozenset()

    def optional(self) -> "Annotation":
        if self.text == "Any" or self.text == "None" or self.text.endswith(" | None"):
            return self
        return Annotation(f"{self.text} | None", self.imports)


@dataclass(frozen=True, slots=True)
class Default:
    """`inline` is the value as Python text; None where only validation can make it."""

    value: Any
    inline: str | None


@dataclass(frozen=True, slots=True)
class Parameter:
    """`pointer` leads to the Parameter Object. `claim` names the hook that takes the value.

    `media_type` is that of a value which is a document of its own, in place of a style.
    """

    name: str
    argument: str
    location: Location
    required: bool
    pointer: str
    style: str
    explode: bool
    annotation: Annotation
    default: Default | None = None
    claim: Claim | None = None
    media_type: str | None = None

    @property
    def known_as(self) -> str:
        """The name at run time: a router takes only identifiers in a path."""
        is_taken = self.name.isascii() and self.name.isidentifier()
        return self.argument if self.location == "path" and not is_taken else self.name


@dataclass(frozen=True, slots=True)
class Media:
    """`pointer` leads to the schema; None where the contract gives none.

    `annotation` is the type of a request body in it; None if handlers get it raw, as bytes.
    """

    media_type: str
    pointer: str | None
    annotation: Annotation | None = None

    @property
    def is_lines(self) -> bool:
        return self.annotation is not None and is_json_lines(self.media_type)

    @property
    def whole(self) -> Annotation:
        """The type of all of a body; `annotation` is that of a line where it comes in lines."""
        annotation = self.annotation or Annotation("bytes")
        if not self.is_lines:
            return annotation
        imports = annotation.imports | {("..runtime.json_lines", "JsonLines")}
        return Annotation(f"JsonLines[{annotation.text}]", imports)


@dataclass(frozen=True, slots=True)
class Body:
    """What a request may carry; of lines each annotation is of one line."""

    required: bool
    content: tuple[Media, ...]

    @property
    def annotation(self) -> Annotation | None:
        """What handlers get, whichever media type comes; None if that is always bytes."""
        if all(media.annotation is None for media in self.content):
            return None
        lines = one_of(media.annotation for media in self.lines if media.annotation)
        return one_of(
            Media(media.media_type, None, lines).whole if media.is_lines else media.whole
            for media in self.content
        )

    @property
    def lines(self) -> tuple[Media, ...]:
        return tuple(media for media in self.content if media.is_lines)

    @property
    def others(self) -> tuple[Media, ...]:
        """What has a type and isn't read line by line."""
        return tuple(one for one in self.content if one.annotation and not one.is_lines)

    @property
    def has_several_types(self) -> bool:
        """Whether the media type decides which type a handler gets."""
        return len({media.whole for media in self.content}) > 1

    @property
    def has_content_type(self) -> bool:
        return has_choice(self.content)


@dataclass(frozen=True, slots=True)
class Header:
    name: str
    argument: str
    required: bool
    annotation: Annotation


@dataclass(frozen=True, slots=True)
class Response:
    """One documented answer. `class_name` is None if handlers can't return it.

    `annotation` is the type of a JSON body, `line` that of each line of a body of lines.
    """

    status: str
    description: str
    content: tuple[Media, ...]
    headers: tuple[Header, ...]
    annotation: Annotation | None
    class_name: str | None
    line: Annotation | None = None

    @property
    def has_one_status(self) -> bool:
        """Whether it is neither of a range of statuses nor of all others."""
        return self.status.isdecimal()

    @property
    def has_content_type(self) -> bool:
        return has_choice(self.content)


@dataclass(frozen=True, slots=True)
class Operation:
    """`id` is a snake_case Python name. `route` is the path as the router takes it."""

    id: str
    method: str
    path: str
    route: str
    tag: str
    summary: str
    description: str
    parameters: tuple[Parameter, ...]
    body: Body | None
    responses: tuple[Response, ...]
    security: tuple[Mapping[str, tuple[str, ...]], ...]
    extensions: Mapping[str, Any]

    @property
    def constant(self) -> str:
        return self.id.upper()

    @property
    def arguments(self) -> tuple[Parameter, ...]:
        """The parameters that handlers get, in the contract's order."""
        return tuple(parameter for parameter in self.parameters if parameter.claim is None)

    @property
    def has_page(self) -> bool:
        return any(parameter.claim == "page" for parameter in self.parameters)


@dataclass(frozen=True, slots=True)
class Tag:
    """`module` is the name of its module and of its field in `Handlers`."""

    name: str
    module: str
    class_name: str
    description: str
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class Contract:
    """`models` are the schemas that need Python types, by the name of their type, and
    `place_of_model` says where the one of a name was written.

    `schema_version` is "3.0" or "3.1": in which dialect they are written.
    """

    name: str
    title: str
    schema_version: str
    tags: tuple[Tag, ...]
    models: Mapping[str, Any]
    security_schemes: Mapping[str, Any]
    document: Mapping[str, Any] = field(repr=False)
    place_of_model: Callable[[str], Place] = field(repr=False, compare=False)

    @property
    def operations(self) -> tuple[Operation, ...]:
        return tuple(operation for tag in self.tags for operation in tag.operations)


def one_of(annotations: Iterable[Annotation]) -> Annotation:
    found = list(annotations)
    text = union(annotation.text for annotation in found)
    return Annotation(text, frozenset().union(*(annotation.imports for annotation in found)))


def union(types: Iterable[str]) -> str:
    """Each of them once, None at the end."""
    found = list(types)
    named = dict.fromkeys(text.removesuffix(" | None") for text in found if text != "None")
    has_none = any(text == "None" or text.endswith(" | None") for text in found)
    return " | ".join([*named, *(["None"] if has_none else [])])


def has_choice(content: tuple[Media, ...]) -> bool:
    """Whether the media type of a body is only known when it is there."""
    return len(content) > 1 or any("*" in media.media_type for media in content)
