"""Each style of OpenAPI is read as its table writes it (RFC 6570), and nothing else is."""

from typing import Any

import pytest

from codegen.runtime.operation import Operation, Parameter
from codegen.runtime.parameters import ParameterReader
from codegen.runtime.problems import Problem
from codegen.runtime.schemas import ContractSchemas
from codegen.runtime.wire import raw_request

from .contracts import Asked, document, operation_of, scope

COLOUR = {"type": "string"}
COLOURS = {"type": "array", "items": {"type": "string"}}
SHADE = {
    "type": "object",
    "properties": {"R": {"type": "integer"}, "G": {"type": "integer"}},
    "additionalProperties": False,
}
LIST = ["blue", "black"]
RG = {"R": 100, "G": 200}


@pytest.mark.parametrize(
    ("style", "explode", "schema", "text", "value"),
    [
        ("matrix", False, COLOUR, ";p=blue", "blue"),
        ("matrix", False, COLOURS, ";p=blue,black", LIST),
        ("matrix", True, COLOURS, ";p=blue;p=black", LIST),
        ("matrix", False, SHADE, ";p=R,100,G,200", RG),
        ("matrix", True, SHADE, ";R=100;G=200", RG),
        ("label", False, COLOUR, ".blue", "blue"),
        ("label", False, COLOURS, ".blue,black", LIST),
        ("label", True, COLOURS, ".blue.black", LIST),
        ("label", False, SHADE, ".R,100,G,200", RG),
        ("label", True, SHADE, ".R=100.G=200", RG),
        ("simple", False, SHADE, "R,100,G,200", RG),
        ("simple", True, SHADE, "R=100,G=200", RG),
    ],
)
def test_paths_are_read_in_every_style(
    style: str, explode: bool, schema: Any, text: str, value: Any
) -> None:
    asked = Asked(schema, "path", style=style, explode=explode, required=True)
    assert asked.read(path={"p": text}) == {"p": value}


@pytest.mark.parametrize(
    ("location", "style", "explode", "sent", "value"),
    [
        ("query", "form", False, {"query": "p=R,100,G,200"}, RG),
        ("query", "form", True, {"query": "G=200&R=100"}, RG),
        ("query", "spaceDelimited", False, {"query": "p=R%20100%20G%20200"}, RG),
        ("query", "pipeDelimited", False, {"query": "p=R%7C100%7CG%7C200"}, RG),
        ("query", "deepObject", True, {"query": "p[R]=100&p[G]=200"}, RG),
        ("header", "simple", False, {"headers": [("P", "R, 100"), ("P", "G,200")]}, RG),
        ("header", "simple", True, {"headers": [("P", "R=100, G=200")]}, RG),
        ("cookie", "form", False, {"headers": [("Cookie", "p=R,100,G,200")]}, RG),
    ],
)
def test_objects_are_read_in_every_style_and_place(
    location: Any, style: str, explode: bool, sent: dict[str, Any], value: Any
) -> None:
    asked = Asked(SHADE, location, style=style, explode=explode)
    assert asked.read(**sent) == {"p": value}


@pytest.mark.parametrize(
    ("style", "explode", "schema", "text"),
    [
        ("matrix", False, COLOUR, "blue"),
        ("matrix", False, COLOUR, ";q=blue"),
        ("matrix", True, COLOURS, ";p=blue;q=black"),
        ("label", False, COLOUR, "blue"),
        ("simple", False, SHADE, "R,100,G"),
        ("simple", True, SHADE, "R=100,G"),
        ("simple", True, SHADE, "R=100,R=200"),
    ],
)
def test_text_in_another_style_is_refused_by_the_style(
    style: str, explode: bool, schema: Any, text: str
) -> None:
    asked = Asked(schema, "path", style=style, explode=explode, required=True)
    [error] = asked.refusal(path={"p": text}).errors
    assert (error.pointer, error.keyword, error.limit) == ("/p", "style", style)


def test_members_that_break_the_contract_are_told_by_their_names() -> None:
    asked = Asked(SHADE, "query", explode=True)
    [error] = asked.refusal("R=red").errors
    assert (error.pointer, error.keyword) == ("/p/R", "type")
    [unknown] = asked.refusal("R=1&B=2").errors
    assert (unknown.pointer, unknown.limit) == ("/*", "G, R")
    [repeated] = asked.refusal("R=1&R=2").errors
    assert (repeated.pointer, repeated.keyword) == ("/p", "repeated")


def reader_of_json() -> ParameterReader:
    whole = document()
    content = {"application/json": {"schema": {"type": "object", "required": ["a"]}}}
    whole["components"]["parameters"] = {"P": {"name": "p", "in": "query", "content": content}}
    pointer = "/components/parameters/P"
    parameter = Parameter("p", "p", "query", False, pointer, "form", True, "application/json")
    operation: Operation = operation_of([parameter])
    return ParameterReader(operation, ContractSchemas(whole))


def test_parameter_may_be_a_json_document() -> None:
    assert reader_of_json().read(raw_request(scope("p=%7B%22a%22:[1]%7D"))) == {"p": {"a": [1]}}


@pytest.mark.parametrize(
    ("query", "keyword"), [("p=%7B", "contentMediaType"), ("p=%7B%7D", "required"), ("p=1", "type")]
)
def test_wrong_json_documents_are_refused(query: str, keyword: str) -> None:
    with pytest.raises(Problem) as caught:
        reader_of_json().read(raw_request(scope(query)))
    assert [error.keyword for error in caught.value.errors] == [keyword]
