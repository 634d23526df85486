"""How a client sees an operation: which arguments it has, and what becomes of each answer."""

from typing import TYPE_CHECKING, Any

from .contract import Media, Operation, Parameter, Response
from .pointers import parse_pointer, value_at
from .runtime.media_types import is_json, is_json_lines, is_multipart, is_urlencoded

if TYPE_CHECKING:
    # It loads pydantic.
    from .runtime.client_body import Form

Imports = set[tuple[str, str]]

ANSWERS = "..runtime.client_answers"
_SEPARATORS = {"form": ",", "spaceDelimited": " ", "pipeDelimited": "|"}


def client_arguments(operation: Operation) -> list[Parameter]:
    """All parameters but the one that the client sets by itself."""
    return [each for each in operation.parameters if not is_condition(operation, each)]


def is_condition(operation: Operation, parameter: Parameter) -> bool:
    """Whether it is If-None-Match, which goes with what the client has kept.

    Of an answer that is streamed nothing is kept.
    """
    return (
        parameter.location == "header"
        and parameter.name.lower() == "if-none-match"
        and operation.method in ("GET", "HEAD")
        and not has_stream(operation)
    )


def is_key(parameter: Parameter) -> bool:
    """Whether it makes a request safe to repeat, so that the client may."""
    return parameter.location == "header" and parameter.name.lower() == "idempotency-key"


def next_page(operation: Operation) -> tuple[str, str] | None:
    """The argument that takes a page's token, and the member of the body that holds the next."""
    page = operation.extensions.get("x-page")
    if not isinstance(page, dict) or not isinstance(page.get("next"), str) or has_stream(operation):
        return None
    for parameter in operation.parameters:
        if (parameter.location, parameter.name) == ("query", page.get("token")):
            return parameter.argument, page["next"]
    return None


def results(operation: Operation) -> list[Response]:
    """The answers that a call returns; all others are raised."""
    return [response for response in operation.responses if response.class_name]


def has_stream(operation: Operation) -> bool:
    return any(is_stream(response) for response in results(operation))


def is_stream(response: Response) -> bool:
    """Whether its body may be handed on as it comes: all that is not JSON."""
    return not all(is_json(media.media_type) for media in response.content)


def is_any_json(response: Response) -> bool:
    """Whether its body is JSON that the contract says nothing of."""
    return (
        bool(response.content)
        and response.annotation is None
        and all(is_json(media.media_type) for media in response.content)
    )


def result_type(operation: Operation, stream: str, lines: str | None = None) -> str:
    """`stream` is the type of a body that is handed on as it comes, `lines` that of one of lines.

    Of an operation that documents problems alone it is `NoReturn`: every call raises.
    """
    found = []
    for response in results(operation):
        body = stream
        if lines and response.line is not None:
            body = f"{lines}[{response.line.text}]"
        name = f"{response.class_name}"
        found.append(f"{name}[{body}]" if is_stream(response) else name)
    return " | ".join(found) or "NoReturn"


def form_of(media: Media) -> "Form":
    """How a body in this media type is written from what the caller gives."""
    if media.annotation is None:
        return "raw"
    if is_json_lines(media.media_type):
        return "lines"
    if is_urlencoded(media.media_type):
        return "urlencoded"
    if is_multipart(media.media_type):
        return "multipart"
    return "json" if is_json(media.media_type) else "text"


def field_styles(document: Any, media: Media) -> dict[str, str]:
    """Of the fields of a form that are not written in the usual way: a separator, or deepObject."""
    holder = parse_pointer(document, media.pointer or "")[:-1]
    styles = {}
    for name, encoding in value_at(document, holder).get("encoding", {}).items():
        style = encoding.get("style", "form")
        if style == "deepObject":
            styles[name] = style
        elif not encoding.get("explode", style == "form") and style in _SEPARATORS:
            styles[name] = _SEPARATORS[style]
    return styles
