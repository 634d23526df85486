"""Reads what an operation takes and answers: its request body and its documented responses."""

from typing import Any

from .bundle import value_at
from .contract import (
    Annotation,
    Body,
    Header,
    Media,
    Response,
    has_choice,
    is_json,
    is_problem,
)
from .names import header_argument, pascal
from .runtime.media_types import is_json_lines
from .schema_types import ANY, SchemaTypes
from .shape import Pointer, written

_FORMS = ("multipart/", "application/x-www-form-urlencoded")


def read_request_body(types: SchemaTypes, operation: Pointer, name: str) -> Body | None:
    contract = types.contract
    if "requestBody" not in contract.follow(operation)[1]:
        return None
    pointer, value = contract.follow((*operation, "requestBody"))
    content = _content(types, pointer, value)
    if not content:
        return None
    typed = [media for media in content if media.pointer and _is_parsed(media.media_type)]
    if any(media.media_type.startswith(_FORMS) and media.pointer for media in content):
        hint = "leave out its `schema` to get the raw bytes, or take JSON"
        message = "forms (multipart, urlencoded) are not parsed"
        types.findings.add(contract.place((*pointer, "content")), "CG080", message, hint)
    elif typed and len(content) > 1:
        hint = "leave out every `schema` here to get raw bytes, or make it two operations"
        message = "a parsed JSON body beside other media types is not supported"
        types.findings.add(contract.place((*pointer, "content")), "CG080", message, hint)
    annotation = None
    if typed:
        schema = (*pointer, "content", typed[0].media_type, "schema")
        if is_json_lines(typed[0].media_type):
            annotation = _line(types, pointer, schema, f"{pascal(name)}Line")
        else:
            annotation = types.annotation(schema, f"{pascal(name)}Body")
    return Body(value.get("required") is True, content, annotation)


def _is_parsed(media_type: str) -> bool:
    return is_json(media_type) or is_json_lines(media_type)


def _line(types: SchemaTypes, body: Pointer, schema: Pointer, name: str) -> Annotation:
    """The type of one line. As in OpenAPI 3.2, an array stands for the lines of the body."""
    declared = value_at(types.contract.document, schema)
    place = types.contract.place(schema)
    if not _is_array_of_lines(declared):
        hint = (
            "write `type: array` with `items` here, and at most `minItems: 1`, `maxItems`; put the "
            "schema of a line in `items`"
        )
        message = "the schema of a body of lines must be a plain array, which stands for the lines"
        types.findings.add(place, "CG080", message, hint)
        return ANY
    if types.contract.follow(body)[1].get("required") is not True:
        hint = "say `required: true`; with `minItems` 0 it may have no lines"
        types.findings.add(place, "CG080", "a body of lines can't be optional", hint)
    return types.annotation((*schema, "items"), name)


def _is_array_of_lines(schema: Any) -> bool:
    return (
        isinstance(schema, dict)
        and schema.get("type") == "array"
        and "items" in schema
        and schema.get("minItems", 0) in (0, 1)
        and not set(schema) - _ARRAY_OF_LINES
    )


_ARRAY_OF_LINES = frozenset({"type", "items", "minItems", "maxItems", "title", "description"})


def read_responses(types: SchemaTypes, operation: Pointer, name: str) -> tuple[Response, ...]:
    contract = types.contract
    responses = contract.follow(operation)[1].get("responses", {})
    statuses = [status for status in responses if not status.startswith("x-")]
    found = tuple(
        _response(types, (*operation, "responses", status), status, name) for status in statuses
    )
    if not any(response.class_name for response in found):
        hint = "document a 2xx answer: it is the handler's return type"
        message = "the operation documents no answer that its handler could return"
        types.findings.add(contract.place((*operation, "responses")), "CG050", message, hint)
    return found


def _response(types: SchemaTypes, used: Pointer, status: str, name: str) -> Response:
    pointer, value = types.contract.follow(used)
    content = _content(types, pointer, value)
    returnable = _is_returnable(status, content)
    if returnable and not status.isdecimal():
        hint = "list the statuses that handlers return"
        message = f"a range of statuses ({status}) can't be a handler's result"
        types.findings.add(types.contract.place(used), "CG080", message, hint)
    class_name = f"{pascal(name)}{status.upper()}" if returnable else None
    wanted = f"{pascal(name)}Response{status.upper()}"
    return Response(
        status=status,
        description=str(value.get("description", "")),
        content=content,
        headers=_headers(types, pointer, value, class_name) if class_name else (),
        annotation=_annotation(types, pointer, content, wanted) if class_name else None,
        class_name=class_name,
    )


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
        and not any(is_problem(media.media_type) for media in content)
    )


def _annotation(
    types: SchemaTypes, pointer: Pointer, content: tuple[Media, ...], wanted: str
) -> Annotation | None:
    """The type of a JSON body that the contract describes; anything else is bytes."""
    if len(content) != 1 or has_choice(content) or content[0].pointer is None:
        return None
    if not is_json(content[0].media_type):
        return None
    schema = (*pointer, "content", content[0].media_type, "schema")
    return types.annotation(schema, wanted)


def _headers(
    types: SchemaTypes, pointer: Pointer, value: dict[str, Any], class_name: str
) -> tuple[Header, ...]:
    found: dict[str, Header] = {}
    for name in value.get("headers", {}):
        if name.lower() == "content-type":
            continue
        place, header = types.contract.follow((*pointer, "headers", name))
        argument = header_argument(name)
        if argument is None or argument in found:
            code = "CG023" if argument is None else "CG024"
            message = f"the header {name!r} has no Python name of its own"
            types.findings.add(types.contract.place(place), code, message, "rename it")
            continue
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


def _content(types: SchemaTypes, pointer: Pointer, value: dict[str, Any]) -> tuple[Media, ...]:
    content = value.get("content", {})
    return tuple(
        Media(
            media_type,
            written((*pointer, "content", media_type, "schema")) if "schema" in media else None,
        )
        for media_type, media in content.items()
    )
