"""Which schemas stand for bytes that are no JSON value, for plain text, or for lines of JSON.

Of bytes OpenAPI 3.0 says `format: binary`; 3.1 names a content media type, and some write a content
encoding of that name.
"""

from collections.abc import Iterator
from typing import Any

from .document import alternatives, conjuncts
from .media_types import is_json


def is_binary(schema: dict[str, Any]) -> bool:
    if schema.get("format") == "binary" or schema.get("contentEncoding") == "binary":
        return True
    media_type = schema.get("contentMediaType")
    is_text = not isinstance(media_type, str) or media_type.startswith("text/")
    return not is_text and "contentEncoding" not in schema and not is_json(str(media_type))


def is_text(document: Any, media_type: str, schema: Any) -> bool:
    """Whether a body is text that the schema, as one of strings, can be held against."""
    parts = list(conjuncts(document, schema))
    declared = [part.get("type") for part in parts]
    has_strings = any(
        one == "string" or (isinstance(one, list) and "string" in one) for one in declared
    )
    return media_type.lower().startswith("text/") and has_strings and not any(map(is_binary, parts))


def file_schemas(document: Any, form: Any) -> Iterator[dict[str, Any]]:
    """The binary schemas among the fields of a form, and among the items of those; some twice."""
    for part in alternatives(document, form):
        properties = part.get("properties")
        declared = list(properties.values()) if isinstance(properties, dict) else []
        for field in [*declared, part.get("additionalProperties")]:
            for value in alternatives(document, field):
                yield from (one for one in (value,) if is_binary(one))
                items = alternatives(document, value.get("items"))
                yield from (one for one in items if is_binary(one))


_ARRAY_OF_LINES = frozenset({"type", "items", "minItems", "maxItems", "title", "description"})


def is_array_of_lines(schema: Any) -> bool:
    """Whether a schema stands for lines as in OpenAPI 3.2: a plain array, written in place."""
    return (
        isinstance(schema, dict)
        and schema.get("type") == "array"
        and "items" in schema
        and schema.get("minItems", 0) in (0, 1)
        and not set(schema) - _ARRAY_OF_LINES
    )
