"""Whether a schema admits a text as it stands in a path: by its own words, not by its choices."""

import re
from typing import Any

import jsonschema_rs

from ..shape import Pointer
from .subject import Subject, listing

_CHECKED = frozenset({"enum", "const", "pattern", "minLength", "maxLength", "format"})


def admits_text(subject: Subject, pointer: Pointer, text: str) -> bool:
    """True where the schema's words leave it open."""
    return all(_admits(schema, text) for _, schema in subject.conjuncts(pointer))


def _admits(schema: dict[str, Any], text: str) -> bool:
    declared = schema.get("type")
    types = set(map(str, listing(declared) or [declared])) - {"null"}
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
