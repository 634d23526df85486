"""Whether a schema admits a text as it stands in a path."""

import re
from typing import Any

import jsonschema_rs

from ..shape import Pointer
from .subject import Subject, listing

_CHECKED = frozenset({"enum", "const", "pattern", "minLength", "maxLength", "format"})


def admits_text(
    subject: Subject, pointer: Pointer, text: str, inside: tuple[Pointer, ...] = ()
) -> bool:
    """True where the schema's words leave it open, as one that leads back to itself does."""
    if pointer in inside:
        return True
    inside = (*inside, pointer)
    return all(
        _admits(schema, text) and _some_choice_admits(subject, place, schema, text, inside)
        for place, schema in subject.conjuncts(pointer)
    )


def _some_choice_admits(
    subject: Subject, place: Pointer, schema: dict[str, Any], text: str, inside: tuple[Pointer, ...]
) -> bool:
    """Of each choice that the schema gives, or of no choice."""
    choices = ((keyword, listing(schema.get(keyword))) for keyword in ("anyOf", "oneOf"))
    return all(
        any(
            admits_text(subject, (*place, keyword, index), text, inside)
            for index in range(len(listed))
        )
        for keyword, listed in choices
        if listed
    )


def _admits(schema: dict[str, Any], text: str) -> bool:
    declared = schema.get("type")
    types = set(map(str, listing(declared) or [declared])) - {"null"}
    if not types:
        return False
    if types <= {"integer", "number"}:
        return _is_number(text)
    if types == {"boolean"}:
        return text in ("true", "false")
    checked = {keyword: value for keyword, value in schema.items() if keyword in _CHECKED}
    try:
        validator = jsonschema_rs.Draft202012Validator(checked, validate_formats=True)
    except ValueError:
        return True
    return validator.is_valid(text)


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text) is not None
