"""Writes the methods that call operations, by one template for both kinds of client."""

from collections.abc import Container
from dataclasses import dataclass

from .client_shape import (
    Imports,
    client_arguments,
    form_of,
    has_stream,
    is_key,
    is_stream,
    result_type,
    results,
)
from .contract import Body, Media, Operation, Parameter, Tag, union
from .python_text import docstring

_ENCODED = ("..runtime.encoded_json", "EncodedJson")
# What the classes in the runtime have themselves.
_TAKEN_METHODS = frozenset({"close"})


@dataclass(frozen=True, slots=True)
class Flavour:
    """The words in which the two clients differ. `sources` are the types of what yields pieces."""

    prefix: str
    define: str
    wait: str
    base: tuple[str, str]
    stream: tuple[str, str]
    lines: tuple[str, str]
    context: tuple[str, str]
    iterator: tuple[str, str]
    sources: tuple[str, ...]


BLOCKING = Flavour(
    prefix="",
    define="def",
    wait="",
    base=("..runtime.client_sync", "SyncCalls"),
    stream=("..runtime.client_sync", "ByteStream"),
    lines=("..runtime.client_sync", "LineStream"),
    context=("contextlib", "AbstractContextManager"),
    iterator=("collections.abc", "Iterator"),
    sources=("Iterable",),
)
AWAITING = Flavour(
    prefix="Async",
    define="async def",
    wait="await ",
    base=("..runtime.client_async", "AsyncCalls"),
    stream=("..runtime.client_async", "AsyncByteStream"),
    lines=("..runtime.client_async", "AsyncLineStream"),
    context=("contextlib", "AbstractAsyncContextManager"),
    iterator=("collections.abc", "AsyncIterator"),
    sources=("Iterable", "AsyncIterable"),
)


def methods_name(tag: Tag, flavour: Flavour) -> str:
    return f"{flavour.prefix}{tag.class_name.removesuffix('Handlers')}Methods"


def methods_class(tag: Tag, flavour: Flavour, paged: Container[str], imports: Imports) -> str:
    """`paged` are the ids of operations that get a method for all of their pages."""
    imports.add(flavour.base)
    methods = [_method(operation, flavour, imports) for operation in tag.operations]
    methods += [
        _pages(operation, flavour, imports) for operation in tag.operations if operation.id in paged
    ]
    text = docstring(f"Operations of the tag `{tag.name}`. {tag.description}".strip())
    body = "\n\n".join(methods)
    return f"class {methods_name(tag, flavour)}({flavour.base[1]}):\n{text}\n\n{body}"


def _method(operation: Operation, flavour: Flavour, imports: Imports) -> str:
    is_streamed = has_stream(operation)
    result = result_type(operation, flavour.stream[1], flavour.lines[1])
    if is_streamed:
        imports |= {flavour.context, *_streams(operation, flavour)}
        result = f"{flavour.context[1]}[{result}]"
    define, wait = ("def", "") if is_streamed else (flavour.define, flavour.wait)
    called = "_stream" if is_streamed else "_call"
    prose = "\n\n".join(part for part in (operation.summary, operation.description) if part)
    text = docstring(prose or f"{operation.method} {operation.path}", " " * 8)
    passed = ", ".join([f"_{operation.constant}", _arguments(operation), *_passed(operation.body)])
    returned = "" if result == "NoReturn" else "return "
    return (
        f"    {define} {method_name(operation)}(self{_signature(operation, flavour, imports)})"
        f" -> {result}:\n{text}\n        {returned}{wait}self.{called}({passed})"
    )


def _streams(operation: Operation, flavour: Flavour) -> Imports:
    """What the types of the bodies need that are handed on as they come."""
    found: Imports = set()
    for response in results(operation):
        if response.line is not None:
            found |= {flavour.lines, *response.line.imports}
        elif is_stream(response):
            found.add(flavour.stream)
    return found


def _pages(operation: Operation, flavour: Flavour, imports: Imports) -> str:
    """Its own iteration awaits, so that the method itself need not."""
    imports.add(flavour.iterator)
    result = result_type(operation, flavour.stream[1])
    told = f"Each page of `{operation.id}` from there on, asked for when it is wanted."
    return (
        f"    def {pages_name(operation)}(self{_signature(operation, flavour, imports)})"
        f" -> {flavour.iterator[1]}[{result}]:\n{docstring(told, ' ' * 8)}\n"
        f"        return self._pages(_{operation.constant}, {_arguments(operation)})"
    )


def pages_name(operation: Operation) -> str:
    """No other method may have the name of an operation, so where one is called so none is."""
    return f"{operation.id}_pages"


def method_name(operation: Operation) -> str:
    return f"{operation.id}_" if operation.id in _TAKEN_METHODS else operation.id


def _signature(operation: Operation, flavour: Flavour, imports: Imports) -> str:
    arguments = []
    for parameter in client_arguments(operation):
        imports |= parameter.annotation.imports
        arguments.append(f"{parameter.argument}: {_typed(parameter)}")
    if operation.body:
        arguments += _body_arguments(operation.body, flavour, imports)
    return f", *, {', '.join(arguments)}" if arguments else ""


def _typed(parameter: Parameter) -> str:
    """None leaves it out, so that the server's default counts and not the one known here."""
    if parameter.required and not is_key(parameter):
        return parameter.annotation.text
    return f"{parameter.annotation.optional().text} = None"


def _body_arguments(body: Body, flavour: Flavour, imports: Imports) -> list[str]:
    end = "" if body.required else " | None = None"
    types = union(text for media in body.content for text in _sent(media, flavour, imports))
    arguments = [f"body: {types}" if body.required else f"body: {union([types, 'None'])} = None"]
    if body.has_content_type:
        arguments.append(f"content_type: {_media_types(body, imports)}{end}")
    return arguments


def _sent(media: Media, flavour: Flavour, imports: Imports) -> list[str]:
    """The types of what a caller may give for a body in one media type."""
    form = form_of(media)
    if form in ("raw", "lines"):
        imports |= {("collections.abc", source) for source in flavour.sources}
    if media.annotation is None:
        return ["bytes", *(f"{source}[bytes]" for source in flavour.sources)]
    imports |= media.annotation.imports
    if form in ("json", "lines"):
        imports.add(_ENCODED)
    if form == "lines":
        return [f"{source}[{media.annotation.text} | EncodedJson]" for source in flavour.sources]
    return [media.annotation.text, *(["EncodedJson"] if form == "json" else [])]


def _media_types(body: Body, imports: Imports) -> str:
    named = [media.media_type for media in body.content]
    if any("*" in media_type for media_type in named):
        return "str"
    imports.add(("typing", "Literal"))
    return f"Literal[{', '.join(map(repr, named))}]"


def _passed(body: Body | None) -> list[str]:
    if body is None:
        return []
    return ["body", "content_type"] if body.has_content_type else ["body"]


def _arguments(operation: Operation) -> str:
    names = [parameter.argument for parameter in client_arguments(operation)]
    return "{" + ", ".join(f"{name!r}: {name}" for name in names) + "}"
