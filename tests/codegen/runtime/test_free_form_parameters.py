"""An exploded object in the query that is free in form has all names that nothing else declares."""

from typing import Any

import pytest

from codegen.runtime.operation import Parameter
from codegen.runtime.parameters import ParameterReader
from codegen.runtime.problems import Problem
from codegen.runtime.schemas import ContractSchemas
from codegen.runtime.wire import raw_request

from .contracts import document, operation_of, scope

TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
SOME = {"type": "object", "properties": {"size": {"type": "integer"}}}


def reader_of(schema: Any, *, required: bool = False) -> ParameterReader:
    """Beside the object `free` a number `page`, a deepObject `filter`, and an API key `key`."""
    schemas: dict[str, Any] = {
        "free": schema,
        "page": {"type": "integer"},
        "filter": {"type": "object"},
    }
    whole = document()
    whole["components"]["parameters"] = {
        name: {"name": name, "in": "query", "schema": each} for name, each in schemas.items()
    }
    parameters = [
        Parameter(
            name,
            name,
            "query",
            required and name == "free",
            f"/components/parameters/{name}",
            "deepObject" if name == "filter" else "form",
            True,
        )
        for name in schemas
    ]
    return ParameterReader(operation_of(parameters), ContractSchemas(whole), ["key"])


def read(query: str, schema: Any, *, required: bool = False) -> dict[str, Any]:
    return reader_of(schema, required=required).read(raw_request(scope(query)))


def test_names_of_other_parameters_and_credentials_are_not_its_own() -> None:
    query = "a=1&page=2&filter[b]=3&key=secret&filter=4&filter[b][c]=5&free=6"
    assert read(query, TEXTS) == {
        "free": {"a": "1", "filter": "4", "filter[b][c]": "5", "free": "6"},
        "page": 2,
        "filter": {"b": "3"},
    }
    assert read("key=secret&page=2", TEXTS) == {"page": 2}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"type": "object", "additionalProperties": True},
        {**SOME, "additionalProperties": {}},
        {**SOME, "patternProperties": {"^a": {"type": "string"}}},
        {"allOf": [SOME, TEXTS]},
        {"anyOf": [TEXTS, {"type": "null"}]},
        {"type": ["object", "null"], "unevaluatedProperties": {"type": "string"}},
    ],
)
def test_object_is_free_where_it_says_so_or_says_nothing(schema: Any) -> None:
    assert read("a=b", schema) == {"free": {"a": "b"}}


@pytest.mark.parametrize("schema", [SOME, {**SOME, "additionalProperties": False}])
def test_object_that_declares_members_has_these_alone_unless_it_says_otherwise(schema: Any) -> None:
    assert read("size=1", schema) == {"free": {"size": 1}}
    with pytest.raises(Problem) as caught:
        read("size=1&a=b", schema)
    [error] = caught.value.errors
    assert (error.pointer, error.keyword) == ("/*", "additionalProperties")


def test_members_are_read_as_their_types_and_refused_by_their_schemas() -> None:
    numbers = {**SOME, "additionalProperties": {"type": "array", "items": {"type": "number"}}}
    assert read("size=1&a=2&a=2.5&b=3", numbers) == {"free": {"size": 1, "a": [2, 2.5], "b": [3]}}
    with pytest.raises(Problem) as caught:
        read("a=secret", {"type": "object", "additionalProperties": {"type": "integer"}})
    [error] = caught.value.errors
    assert error.keyword == "type"
    assert "secret" not in str(error)


def test_required_object_has_a_member() -> None:
    with pytest.raises(Problem) as caught:
        read("page=1", TEXTS, required=True)
    assert [error.keyword for error in caught.value.errors] == ["required"]
