"""Rules about request bodies: which media types stand together, and what forms need."""

from collections.abc import Iterator
from typing import Any

from ..runtime.media_types import is_json, is_json_lines
from ..shape import Pointer
from .rule import Remark, rule
from .subject import Subject, mapping

_TEXTS = ("+xml", "/xml", "yaml", "text/")
_FORMS = ("multipart/", "application/x-www-form-urlencoded")


@rule(
    "mixed-upload-types",
    "warning",
    "A handler that takes files and values by one operation has to tell them apart by itself; "
    "limits, types and clients fit only one of them.",
)
def mixed_upload_types(subject: Subject) -> Iterator[Remark]:
    for node in subject.of_kind("request_body"):
        content = mapping(node.value.get("content"))
        place = (*node.pointer, "content")
        uploads = [name for name in content if _is_upload(subject, name, (*place, name))]
        others = [name for name in content if name not in uploads]
        if uploads and others:
            message = f"{uploads[0]} uploads a file, {others[0]} sends a value"
            hint = "make two operations of them, or keep one form"
            yield Remark(place, message, hint)


@rule(
    "form-without-properties",
    "error",
    "The fields of a form are the properties of its schema: without them nothing can be sent.",
)
def form_without_properties(subject: Subject) -> Iterator[Remark]:
    for node in subject.of_kind("request_body"):
        for media_type in mapping(node.value.get("content")):
            if not _essence(media_type).startswith(_FORMS):
                continue
            pointer = (*node.pointer, "content", media_type)
            if not _has_fields(subject, (*pointer, "schema")):
                message = f"the schema of {media_type} has no properties"
                yield Remark(pointer, message, "make it an object with a property for each field")


def _essence(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()


def _is_upload(subject: Subject, media_type: str, pointer: Pointer) -> bool:
    """Bytes as they are, or a form with a file; a form without files is a way to send values."""
    essence = _essence(media_type)
    if is_json(essence) or is_json_lines(essence) or essence == _FORMS[1]:
        return False
    if essence.startswith("multipart/"):
        return "schema" in mapping(subject.value(pointer)) and _has_file(subject, pointer)
    return not any(text in essence for text in _TEXTS)


def _has_file(subject: Subject, pointer: Pointer) -> bool:
    for place, value in subject.conjuncts((*pointer, "schema")):
        for name in mapping(value.get("properties")):
            fields = subject.conjuncts((*place, "properties", name))
            for field, schema in fields:
                listed = mapping(subject.follow((*field, "items"))[1]) if "items" in schema else {}
                if is_file(schema) or is_file(listed):
                    return True
    return False


def is_file(schema: dict[str, Any]) -> bool:
    """In either dialect. Its size has the limit of the body."""
    is_binary = "binary" in (schema.get("format"), schema.get("contentEncoding"))
    return is_binary or "contentMediaType" in schema


def _has_fields(subject: Subject, pointer: Pointer) -> bool:
    holder = mapping(subject.value(pointer[:-1]))
    if "schema" not in holder:
        return False
    members = {"properties", "additionalProperties", "patternProperties", "anyOf", "oneOf"}
    return any(members & value.keys() for _, value in subject.conjuncts(pointer))
