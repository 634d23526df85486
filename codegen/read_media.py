"""Reads which types handlers get of a request body, by each of its media types."""

from dataclasses import replace
from typing import Any

from .contract import Annotation, Media
from .names import pascal
from .pointers import value_at
from .runtime.binary_schemas import file_schemas, is_array_of_lines, is_text
from .runtime.document import alternatives, conjuncts
from .runtime.media_types import is_json, is_json_lines, is_multipart, is_urlencoded
from .schema_types import ANY, SchemaTypes
from .shape import Pointer

# With these a schema says of bytes or text no more than that it is such.
_SAYING_NOTHING = frozenset(
    {
        "$ref", "allOf", "type", "format", "contentMediaType", "contentEncoding", "title",
        "description", "example", "examples", "nullable",
    }
)  # fmt: skip


def read_media(
    types: SchemaTypes, body: Pointer, content: tuple[Media, ...], name: str
) -> tuple[Media, ...]:
    """The media types with their annotations; equal schemas share the type of the first.

    So they do where the same is made of them: of lines, text or bytes something else is.
    """
    known: list[tuple[Any, Annotation]] = []
    typed: list[Media] = []
    for media in content:
        schema = (*body, "content", media.media_type, "schema")
        annotation = None
        if media.pointer is not None:
            declared = value_at(types.contract.document, schema)
            has_files = is_multipart(media.media_type) and types.add_files(
                file_schemas(types.contract.document, declared)
            )
            is_one = is_json(media.media_type) or _is_form(media)
            equal = [
                made for other, made in known if is_one and other == declared and not has_files
            ]
            is_first = not any(one.annotation for one in typed)
            annotation = equal[0] if equal else _annotation(types, body, media, name, is_first)
            if annotation is not None and is_one:
                known.append((declared, annotation))
        typed.append(replace(media, annotation=annotation))
    return tuple(typed)


def _annotation(
    types: SchemaTypes, body: Pointer, media: Media, name: str, is_first: bool
) -> Annotation | None:
    """None for what is handed on as bytes."""
    schema = (*body, "content", media.media_type, "schema")
    if is_json_lines(media.media_type):
        return _line(types, body, schema, f"{name}Line")
    if is_json(media.media_type):
        subtype = "" if is_first else pascal(media.media_type.partition("/")[2])
        return types.annotation(schema, f"{name}{subtype}Body")
    if _is_form(media):
        kind = "Form" if is_urlencoded(media.media_type) else "Multipart"
        _check_form(types, schema)
        _warn_of_headers(types, schema[:-1])
        return types.annotation(schema, f"{name}{kind}")
    declared = value_at(types.contract.document, schema)
    if is_text(types.contract.document, media.media_type, declared):
        return types.annotation(schema, f"{name}Text")
    warn_of_raw(types, schema, media)
    return None


def _is_form(media: Media) -> bool:
    return is_urlencoded(media.media_type) or is_multipart(media.media_type)


def warn_of_raw(types: SchemaTypes, schema: Pointer, media: Media) -> None:
    """Where a schema says more of a body than that it is bytes, for that isn't checked."""
    declared = value_at(types.contract.document, schema)
    parts = list(conjuncts(types.contract.document, declared))
    if any(set(part) - _SAYING_NOTHING for part in parts):
        message = f"a body of {media.media_type} is bytes; its schema isn't checked"
        hint = "leave out its `schema`, or say `{}`"
        types.findings.add(types.contract.place(schema), "CG081", message, hint)


def _check_form(types: SchemaTypes, schema: Pointer) -> None:
    document = types.contract.document
    for part in alternatives(document, value_at(document, schema)):
        declared = part.get("type")
        names = [declared] if isinstance(declared, str) else declared
        if isinstance(names, list) and "object" not in names:
            hint = "make it an object with a property for each field, or leave it out to get bytes"
            message = "the schema of a form must be of objects"
            types.findings.add(types.contract.place(schema), "CG080", message, hint)
            return


def _warn_of_headers(types: SchemaTypes, media: Pointer) -> None:
    encodings = value_at(types.contract.document, media).get("encoding")
    for name, encoding in encodings.items() if isinstance(encodings, dict) else ():
        if isinstance(encoding, dict) and encoding.get("headers"):
            place = types.contract.place((*media, "encoding", name, "headers"))
            message = f"handlers don't get the headers of the part {name!r}"
            types.findings.add(place, "CG081", message, "make it a field of its own")


def _line(types: SchemaTypes, body: Pointer, schema: Pointer, name: str) -> Annotation:
    """The type of one line. As in OpenAPI 3.2, an array stands for the lines of the body."""
    declared = value_at(types.contract.document, schema)
    place = types.contract.place(schema)
    if not is_array_of_lines(declared):
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
