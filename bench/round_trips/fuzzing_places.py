"""What the contract says of the place where a fuzzer's value was sent, and what was sent there.

It reads the contract that the fuzzer was given, and asks nothing of the runtime that is judged.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any, Final

from codegen.runtime.document import alternatives, follow

FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
_MOMENT: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)|\d{4}-\d\d-\d\d"
)
_FRACTION: Final = re.compile(r"\.\d+")
_TEMPLATE: Final = re.compile(r"\{[^{}]+\}")


def members(held: Any) -> list[tuple[Any, Any]]:
    return list(held.items()) if isinstance(held, Mapping) else []


def is_form(case: Any) -> bool:
    return str(case.media_type).startswith(FORMS)


def sent(case: Any) -> dict[str, Any]:
    """What was sent by where it was, as problems name the places."""
    held = {"query": case.query, "header": case.headers, "path": case.path_parameters}
    return held | {"cookie": case.cookies, "body": case.body}


def texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from texts_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts_in(inner)


def has_object(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(map(has_object, value)))


def is_no_moment_of_pythons(text: str) -> bool:
    """Whether it looks like a moment or a day of RFC 3339, and Python has no such."""
    if not _MOMENT.fullmatch(text):
        return False
    read = datetime.fromisoformat if len(text) > len("2026-01-01") else date.fromisoformat
    try:
        read(_FRACTION.sub("", text.upper()))
    except ValueError:
        return True
    return False


def declared_parameters(case: Any) -> list[dict[str, Any]]:
    document = case.operation.schema.raw_schema
    item = follow(document, document["paths"][case.operation.path])
    own = case.operation.definition.raw.get("parameters", ())
    return [follow(document, one) for one in (*item.get("parameters", ()), *own)]


def body_of(case: Any) -> dict[str, Any]:
    """The request body as the contract declares it; empty if it has none."""
    document = case.operation.schema.raw_schema
    return follow(document, case.operation.definition.raw.get("requestBody")) or {}


def body_schema(case: Any) -> Any:
    """Of the media type that was sent, references followed."""
    media = body_of(case).get("content", {}).get(case.media_type, {})
    return follow(case.operation.schema.raw_schema, media.get("schema"))


def declared(case: Any, place: str, name: str) -> list[dict[str, Any]]:
    """All schemas that say something of a parameter, or of a member of the body."""
    document = case.operation.schema.raw_schema
    if place == "body":
        parts = alternatives(document, body_schema(case))
        found = [one["properties"][name] for one in parts if name in one.get("properties", {})]
    else:
        found = [
            one["schema"]
            for one in declared_parameters(case)
            if (one["name"], one["in"]) == (name, place) and "schema" in one
        ]
    return [part for schema in found for part in alternatives(document, schema)]


def types(case: Any, place: str, name: str) -> set[str]:
    """Those that the contract names for a parameter, or for a member of the body."""
    named = [part.get("type", []) for part in declared(case, place, name)]
    return {one for each in named for one in ([each] if isinstance(each, str) else each)}


def methods_of_matching(case: Any, path: str) -> dict[str, set[str]]:
    """The methods of each path of the contract that matches a URL's, by path."""
    paths = case.operation.schema.raw_schema["paths"]
    return {
        template: {method.upper() for method in item}
        for template, item in paths.items()
        if re.fullmatch("[^/]+".join(map(re.escape, _TEMPLATE.split(template))), path)
    }
