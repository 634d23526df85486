"""A contract with an operation for each way to write a parameter: place, style, explode, type.

None of the names is a Python identifier, but some are words of Python's.
"""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from codegen.runtime.operation import ParameterLocation

TEXT = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(
    ["", ".", "..", "a.b", "a;b", ";", "a,b", "a b", "|", "a=b", "/", "%2F", "\n", "#?&+", '"a"']
)
INTEGERS = st.integers(-(10**30), 10**30)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | INTEGERS
SCALARS: dict[str, tuple[dict[str, Any], st.SearchStrategy[Any]]] = {
    "text": ({"type": "string"}, TEXT),
    "integer": ({"type": "integer"}, INTEGERS),
    "number": ({"type": "number"}, NUMBERS),
    "flag": ({"type": "boolean"}, st.booleans()),
    "uuid": ({"type": "string", "format": "uuid"}, st.uuids()),
    "day": ({"type": "string", "format": "date"}, st.dates()),
    "either": ({"anyOf": [{"type": "integer"}, {"enum": ["a b", "c|d"]}]}, INTEGERS),
}
STYLES: list[tuple[ParameterLocation, str, bool]] = [
    ("path", "simple", False),
    ("path", "simple", True),
    ("path", "label", False),
    ("path", "label", True),
    ("path", "matrix", False),
    ("path", "matrix", True),
    ("query", "form", False),
    ("query", "form", True),
    ("query", "spaceDelimited", False),
    ("query", "pipeDelimited", False),
    ("query", "deepObject", True),
    ("header", "simple", False),
    ("header", "simple", True),
    ("cookie", "form", False),
    ("cookie", "form", True),
]
NAMES = ("the-name", "a.b", "class", "x", "n\u00e4me", "two words")
MEMBERS = {"text": TEXT, "the-count": INTEGERS, "is.it": st.booleans()}
OBJECT = {
    "type": "object",
    "properties": {
        "text": {"type": "string"},
        "the-count": {"type": "integer"},
        "is.it": {"type": "boolean"},
    },
    "additionalProperties": {"type": "string"},
}


@dataclass(frozen=True, slots=True)
class Way:
    """One parameter, alone in the operation that is named after it."""

    operation: str
    name: str
    location: ParameterLocation
    style: str
    explode: bool
    shape: str
    schema: dict[str, Any]
    values: st.SearchStrategy[Any]


def _shapes(
    location: str, style: str, explode: bool
) -> dict[str, tuple[dict[str, Any], st.SearchStrategy[Any]]]:
    members: st.SearchStrategy[Any] = st.fixed_dictionaries({}, optional=MEMBERS)
    others = st.dictionaries(TEXT, TEXT, max_size=2)
    values = st.builds(lambda one, other: {**other, **one}, members, others)
    objects = {"object": (OBJECT, values)}
    if style == "deepObject":
        return objects
    arrays = {
        f"{name}_array": ({"type": "array", "items": schema}, st.lists(values, max_size=3))
        for name, (schema, values) in SCALARS.items()
    }
    # The generator refuses those: see `read_styles`.
    return {**SCALARS, **arrays, **({} if (location, explode) == ("cookie", True) else objects)}


def ways() -> list[Way]:
    found: list[Way] = []
    for location, style, explode in STYLES:
        for shape, (schema, values) in _shapes(location, style, explode).items():
            name = NAMES[len(found) % len(NAMES)]
            if location in ("header", "cookie"):
                name = "X-The.Name"
            spread = "exploded" if explode else "whole"
            operation = f"{location}_{style.lower()}_{spread}_{shape}"
            found.append(Way(operation, name, location, style, explode, shape, schema, values))
    return found


def contract(listed: list[Way]) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {"title": "Ways to write a parameter", "version": "1"},
        "security": [],
        "paths": {_path(way): {"get": _operation(way)} for way in listed},
    }


def _path(way: Way) -> str:
    return f"/{way.operation}" + (f"/{{{way.name}}}" if way.location == "path" else "")


def _operation(way: Way) -> dict[str, Any]:
    parameter = {
        "name": way.name,
        "in": way.location,
        "style": way.style,
        "explode": way.explode,
        "required": way.location == "path",
        "schema": way.schema,
    }
    return {
        "operationId": way.operation,
        "tags": [way.location],
        "parameters": [parameter],
        "responses": {"204": {"description": "It came."}},
    }
