"""Values of every declared shape survive the way to the wire and back, in each place and style."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.runtime.operation import ParameterLocation

from .contracts import Asked

INTEGERS = st.integers(-(10**31) + 1, 10**31 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
# Text without separators, quotes and edges of white space, in what headers and cookies can hold.
TEXT = st.text(st.characters(codec="latin-1", categories=["L", "N"]), min_size=1, max_size=8)


@dataclass(frozen=True, slots=True)
class Shape:
    schema: Any
    values: st.SearchStrategy[Any]


SCALARS = [
    Shape({"type": "string"}, TEXT),
    Shape({"type": "integer"}, INTEGERS),
    Shape({"type": "number"}, FLOATS | INTEGERS),
    Shape({"type": "boolean"}, st.booleans()),
    Shape({"type": ["integer", "null"]}, INTEGERS | st.none()),
    Shape({"type": ["boolean", "integer"]}, st.booleans() | INTEGERS),
    Shape({"enum": [1, 2.5, True, "a b", None]}, st.sampled_from([1, 2.5, True, "a b"])),
    Shape({"const": 7}, st.just(7)),
    Shape({"const": "seven"}, st.just("seven")),
    Shape({"anyOf": [{"type": "integer"}, {"type": "boolean"}]}, INTEGERS | st.booleans()),
    Shape({"oneOf": [{"const": "off"}, {"type": "number"}]}, st.just("off") | FLOATS),
    Shape({"anyOf": [{"$ref": "#/components/schemas/Count"}, {"type": "null"}]}, st.just(3)),
    Shape({"$ref": "#/components/schemas/Count"}, st.integers(0, 9)),
    Shape({"allOf": [{"type": ["integer", "null"]}, {"maximum": 9}]}, st.just(-4) | st.none()),
    Shape({"$ref": "#/components/schemas/Count", "maximum": 5}, st.integers(0, 5)),
    Shape({}, TEXT),
    Shape(True, TEXT),
]
NAMED = {"Count": {"type": "integer", "minimum": 0}}
PLACES: list[tuple[ParameterLocation, str, bool]] = [
    ("query", "form", True),
    ("query", "form", False),
    ("query", "spaceDelimited", False),
    ("query", "pipeDelimited", False),
    ("path", "simple", False),
    ("path", "simple", True),
    ("header", "simple", False),
    ("header", "simple", True),
    ("cookie", "form", True),
    ("cookie", "form", False),
]
SEPARATOR = {"spaceDelimited": " ", "pipeDelimited": "|"}
scalars = st.sampled_from(SCALARS)
places = st.sampled_from(PLACES)


def written(value: Any) -> str:
    """A scalar as OpenAPI's styles write it."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def in_its_place(location: ParameterLocation, texts: Iterable[str]) -> dict[str, Any]:
    """What `Asked.read` takes, for the wire values of the parameter `p`."""
    texts = list(texts)
    if location == "query":
        return {"query": urlencode([("p", text) for text in texts])}
    if location == "path":
        return {"path": {"p": texts[0]}}
    if location == "header":
        return {"headers": [("P", text) for text in texts]}
    return {"headers": [("Cookie", "; ".join(f"p={text}" for text in texts))]}


def exactly(value: Any) -> str:
    return repr(value)


@given(st.data(), scalars, places)
def test_scalars_come_back(
    data: st.DataObject, shape: Shape, place: tuple[ParameterLocation, str, bool]
) -> None:
    location, style, explode = place
    value = data.draw(shape.values)
    asked = Asked(shape.schema, location, style=style, explode=explode, schemas=NAMED)
    read = asked.read(**in_its_place(location, [written(value)]))
    assert exactly(read["p"]) == exactly(value)


@given(st.data(), scalars, places, st.sampled_from(["plain", "nullable", "any", "ref"]))
def test_arrays_come_back(
    data: st.DataObject,
    shape: Shape,
    place: tuple[ParameterLocation, str, bool],
    wrapped: str,
) -> None:
    location, style, explode = place
    values = data.draw(st.lists(shape.values, min_size=1, max_size=4))
    texts = [written(value) for value in values]
    separator = SEPARATOR.get(style, ",")
    if any(separator in text for text in texts):
        return
    array = {"type": "array", "items": shape.schema}
    schema = {
        "plain": array,
        "nullable": {**array, "type": ["array", "null"]},
        "any": {"anyOf": [{"type": "null"}, array]},
        "ref": {"$ref": "#/components/schemas/Many"},
    }[wrapped]
    asked = Asked(schema, location, style=style, explode=explode, schemas={**NAMED, "Many": array})
    if location == "query" and explode:
        sent = in_its_place(location, texts)
    else:
        sent = in_its_place(location, [separator.join(texts)])
    assert exactly(asked.read(**sent)["p"]) == exactly(values)


@given(st.lists(INTEGERS, min_size=1, max_size=5), st.data())
def test_lists_in_several_header_lines_are_one_list(values: list[int], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(values) - 1))
    parts = [part for part in (values[:cut], values[cut:]) if part]
    gap = data.draw(st.sampled_from([",", ", ", " ,\t"]))
    lines = [("P", gap.join(map(str, part))) for part in parts]
    asked = Asked({"type": "array", "items": {"type": "integer"}}, "header")
    assert asked.read(headers=lines)["p"] == values


DEEP = {
    "type": "object",
    "properties": {
        "count": {"type": "integer"},
        "kinds": {"type": "array", "items": {"type": "boolean"}},
        "name": {"type": "string"},
    },
    "additionalProperties": {"type": "number"},
}
deep_values = st.fixed_dictionaries(
    {},
    optional={
        "count": INTEGERS,
        "kinds": st.lists(st.booleans(), min_size=1, max_size=3),
        "name": st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
        "other": FLOATS,
    },
)


@given(deep_values.filter(bool), st.sampled_from(["plain", "all", "ref"]), st.booleans())
def test_deep_objects_come_back(value: dict[str, Any], wrapped: str, escaped: bool) -> None:
    schemas: dict[str, dict[str, Any]] = {
        "plain": DEEP,
        "all": {"type": "object", "allOf": [DEEP]},
        "ref": {"$ref": "#/components/schemas/Deep"},
    }
    fields = [
        (f"p[{name}]", written(one))
        for name, inner in value.items()
        for one in (inner if isinstance(inner, list) else [inner])
    ]
    query = "&".join(f"{quote(k) if escaped else k}={quote(v, safe='')}" for k, v in fields)
    asked = Asked(schemas[wrapped], style="deepObject", explode=True, schemas={"Deep": DEEP})
    assert exactly(sorted(asked.read(query)["p"].items())) == exactly(sorted(value.items()))


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_any_text_survives_the_query(text: str) -> None:
    asked = Asked({"type": "string"})
    assert asked.read(urlencode({"p": text})) == {"p": text}
    assert asked.read("p=" + quote(text, safe="")) == {"p": text}


@pytest.mark.parametrize(("style", "sent"), [("form", "1,2"), ("spaceDelimited", "1+2")])
def test_separators_may_come_escaped_or_not(style: str, sent: str) -> None:
    asked = Asked({"type": "array", "items": {"type": "integer"}}, style=style, explode=False)
    assert asked.read(f"p={sent}") == {"p": [1, 2]}
    assert asked.read(f"p={quote(sent.replace('+', ' '))}") == {"p": [1, 2]}


def test_items_by_place_have_the_types_of_all_places() -> None:
    schema = {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}]}
    assert Asked(schema).read("p=7&p=north") == {"p": [7, "north"]}
