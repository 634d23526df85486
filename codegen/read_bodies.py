"""Reads what an operation takes and answers: its request body and its documented responses."""

from typing import Any

from .contract import (
    Annotation,
    Body,
    Header,
    Media,
    Response,
    one_of,
)
from .names import header_argument, is_wordless, pascal, unlike
from .pointers import value_at
from .read_media import read_media, warn_of_raw
from .runtime.binary_schemas import is_array_of_lines
from .runtime.media_types import is_json, is_json_lines, is_problem, media_type_of
from .schema_types import SchemaTypes
from .shape import Pointer, escape, written


def read_request_body(types: SchemaTypes, operation: Pointer, name: str) -> Body | None:
    contract = types.contract
    if "requestBody" not in contract.follow(operation)[1]:
        return None
    pointer, value = contract.follow((*operation, "requestBody"))
    content = _content(types, pointer, value)
    if not content:
        return None
    typed = read_media(types, pointer, content, pascal(name))
    return Body(value.get("required") is True, typed)


def read_responses(types: SchemaTypes, operation: Pointer, name: str) -> tuple[Response, ...]:
    """Where no success is documented but the default, that one is what handlers return."""
    contract = types.contract
    responses = contract.follow(operation)[1].get("responses", {})
    statuses = [status for status in responses if not status.startswith("x-")]
    content = {
        status: _content(types, *contract.follow((*operation, "responses", status)))
        for status in statuses
    }
    returned = [status for status in statuses if _is_returnable(status, content[status])]
    is_open = not any(status[0] in "23" for status in returned)
    if is_open and "default" in statuses and not _is_problem(content["default"]):
        returned.append("default")
    if not returned:
        hint = "document a 2xx answer: it is the handler's return type"
        message = "the operation documents no answer that its handler could return, only problems"
        types.findings.add(contract.place((*operation, "responses")), "CG050", message, hint)
    return tuple(
        _response(
            types, (*operation, "responses", status), content[status], name, status in returned
        )
        for status in statuses
    )


def _response(
    types: SchemaTypes, used: Pointer, content: tuple[Media, ...], name: str, is_returned: bool
) -> Response:
    pointer, value = types.contract.follow(used)
    status = str(used[-1])
    class_name = f"{pascal(name)}{_CLASS_SUFFIX.get(status, status)}" if is_returned else None
    wanted = f"{pascal(name)}Response{status.upper()}"
    return Response(
        status=status,
        description=str(value.get("description", "")),
        content=content,
        headers=_headers(types, pointer, value, class_name) if class_name else (),
        annotation=_annotation(types, pointer, content, wanted) if class_name else None,
        class_name=class_name,
        line=_line(types, pointer, content, wanted) if class_name else None,
    )


_CLASS_SUFFIX = {"default": "Default"}


def _is_problem(content: tuple[Media, ...]) -> bool:
    return any(is_problem(media.media_type) for media in content)


def _is_returnable(status: str, content: tuple[Media, ...]) -> bool:
    """Successes and redirects; of errors those that aren't problems, such as a health answer.

    304 is the conditional hook's answer; other errors are raised.
    """
    if status[0] in "23":
        return status != "304"
    return (
        status[0] in "45"
        and status.isdecimal()
        and bool(content)
        and all(is_json(media.media_type) for media in content)
        and not _is_problem(content)
    )


def _annotation(
    types: SchemaTypes, pointer: Pointer, content: tuple[Media, ...], wanted: str
) -> Annotation | None:
    """The type of the JSON body that the contract describes; anything else is bytes."""
    described = [media for media in content if media.pointer and is_json(media.media_type)]
    for media in content:
        is_read = is_json(media.media_type) or _is_of_lines(types, pointer, media)
        if media.pointer and not is_read:
            warn_of_raw(types, _schema(pointer, media), media)
    if len(described) != 1:
        return None
    return types.annotation(_schema(pointer, described[0]), wanted)


def _line(
    types: SchemaTypes, pointer: Pointer, content: tuple[Media, ...], wanted: str
) -> Annotation | None:
    """The type of a line, of whichever media type; None where none is described."""
    found = [
        types.annotation(
            (*pointer, "content", media.media_type, "schema", "items"), f"{wanted}Line"
        )
        for media in content
        if _is_of_lines(types, pointer, media)
    ]
    return one_of(found) if found else None


def _is_of_lines(types: SchemaTypes, pointer: Pointer, media: Media) -> bool:
    if media.pointer is None or not is_json_lines(media.media_type):
        return False
    return is_array_of_lines(value_at(types.contract.document, _schema(pointer, media)))


def _schema(pointer: Pointer, media: Media) -> Pointer:
    return (*pointer, "content", media.media_type, "schema")


def _headers(
    types: SchemaTypes, pointer: Pointer, value: dict[str, Any], class_name: str
) -> tuple[Header, ...]:
    found: dict[str, Header] = {}
    for name in value.get("headers", {}):
        if name.lower() == "content-type":
            continue
        place, header = types.contract.follow((*pointer, "headers", name))
        argument = header_argument(name)
        if is_wordless(name):
            message = f"the header name {name!r} can't be a Python name"
            hint = f"its argument is {argument}"
            types.findings.add(types.contract.place(place), "CG023", message, hint)
        if argument in found:
            message = f"the headers {found[argument].name!r} and {name!r} become {argument}"
            argument = unlike(argument, found)
            hint = f"the latter's name is {argument}; rename one of the two"
            where = types.contract.place(place)
            types.findings.add(where, "CG024", message, hint, severity="warning")
        found[argument] = Header(
            name=name,
            argument=argument,
            required=header.get("required") is True,
            annotation=_header_annotation(types, place, header, f"{class_name} {name}"),
        )
    return tuple(found.values())


def _header_annotation(
    types: SchemaTypes, pointer: Pointer, header: dict[str, Any], wanted: str
) -> Annotation:
    if "schema" not in header:
        return Annotation("str")
    return types.annotation((*pointer, "schema"), wanted)


def _warn_of_options(types: SchemaTypes, pointer: Pointer, content: dict[str, Any]) -> None:
    """What follows a `;` tells no media types apart, neither on a server nor in a client."""
    known: dict[str, tuple[str, Any]] = {}
    for media_type, media in content.items():
        essence = media_type_of(media_type.encode("latin-1", "replace"))[0]
        first, schema = known.setdefault(essence, (media_type, media.get("schema")))
        if media.get("schema") != schema:
            message = f"a body of {media_type} is taken for one of {first}, whose schema is another"
            hint = "give both the same schema, or a media type of its own before the `;`"
            place = types.contract.place((*pointer, "content", media_type))
            types.findings.add(place, "CG081", message, hint)


def _content(types: SchemaTypes, pointer: Pointer, value: dict[str, Any]) -> tuple[Media, ...]:
    if pointer not in types.contents:
        types.contents[pointer] = _read_content(types, pointer, value)
    return types.contents[pointer]


def _read_content(types: SchemaTypes, pointer: Pointer, value: dict[str, Any]) -> tuple[Media, ...]:
    content = value.get("content", {})
    _warn_of_options(types, pointer, content)
    above = written(pointer) if content else ""
    return tuple(
        Media(
            media_type,
            f"{above}/content/{escape(media_type)}/schema" if "schema" in media else None,
        )
        for media_type, media in content.items()
    )
