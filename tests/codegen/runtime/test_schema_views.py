"""Requests and responses see a contract their own way, and 3.0 reads as the 2020-12 it means."""

from typing import Any

import pytest

from codegen.runtime.schema_views import Direction, upgrade_3_0, view
from codegen.runtime.schemas import ContractSchemas

from .contracts import document

POINTER = "/components/schemas/S"


def fits(schemas: dict[str, Any], direction: Direction, value: Any, version: str = "3.1.0") -> bool:
    compiled = ContractSchemas(document(schemas, version)).compiled(direction, POINTER)
    return compiled.is_valid(value)


MARKED = {"type": "string", "readOnly": True}
WAYS: dict[str, dict[str, Any]] = {
    "plain": {"S": {"properties": {"id": MARKED}, "required": ["id"]}},
    "by reference": {
        "S": {"properties": {"id": {"$ref": "#/components/schemas/Id"}}, "required": ["id"]},
        "Id": MARKED,
    },
    "by two references": {
        "S": {"properties": {"id": {"$ref": "#/components/schemas/A"}}, "required": ["id"]},
        "A": {"$ref": "#/components/schemas/Id"},
        "Id": MARKED,
    },
    "in an allOf": {
        "S": {"properties": {"id": {"allOf": [{"type": "string"}, MARKED]}}, "required": ["id"]},
    },
    "in an allOf by reference": {
        "S": {
            "properties": {"id": {"allOf": [{"$ref": "#/components/schemas/Id"}]}},
            "required": ["id"],
        },
        "Id": MARKED,
    },
    "inherited": {
        "S": {"allOf": [{"$ref": "#/components/schemas/Base"}], "required": ["id"]},
        "Base": {"properties": {"id": MARKED}},
    },
}


@pytest.mark.parametrize("version", ["3.1.0", "3.0.3"])
@pytest.mark.parametrize("way", WAYS)
def test_read_only_is_refused_in_requests_and_required_in_responses(way: str, version: str) -> None:
    schemas = WAYS[way]
    assert fits(schemas, "request", {}, version)
    assert not fits(schemas, "request", {"id": "x"}, version)
    assert fits(schemas, "response", {"id": "x"}, version)
    assert not fits(schemas, "response", {}, version)


def test_write_only_is_the_other_way_round() -> None:
    schema = {"properties": {"password": {"writeOnly": True}}, "required": ["password"]}
    assert fits({"S": schema}, "request", {"password": "x"})
    assert not fits({"S": schema}, "request", {})
    assert fits({"S": schema}, "response", {})
    assert not fits({"S": schema}, "response", {"password": "x"})


def test_markers_below_lists_and_recursion_count() -> None:
    node = {
        "properties": {
            "id": {"readOnly": True},
            "sub": {"type": "array", "items": {"$ref": POINTER.join(["#", ""])}},
        }
    }
    assert fits({"S": node}, "request", {"sub": [{"sub": []}]})
    assert not fits({"S": node}, "request", {"sub": [{"sub": [{"id": 1}]}]})


def test_a_read_only_property_is_told_as_such() -> None:
    schemas = ContractSchemas(document(WAYS["by reference"]))
    (error,) = schemas.errors(POINTER, {"id": "x"}, "body")
    assert (error.pointer, error.keyword, error.limit) == ("/id", "readOnly", "true")
    assert error.rule == "#/components/schemas/S/properties/id"


@pytest.mark.parametrize("behind", ["ids", "ids/items"])
@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_what_a_reference_leads_to_in_a_read_only_property_is_read_only_there_alone(
    behind: str, version: str
) -> None:
    ids = {"type": "array", "items": {"type": "string"}, "readOnly": True}
    other = {"type": "array", "items": {"$ref": f"#/components/schemas/A/properties/{behind}"}}
    schemas = ContractSchemas(
        document({"A": {"properties": {"ids": ids}}, "S": {"properties": {"a": other}}}, version)
    )
    one = ["x"] if behind == "ids" else "x"
    assert schemas.errors(POINTER, {"a": [one]}, "body") == []
    (error,) = schemas.errors(POINTER, {"a": [1]}, "body")
    assert error.rule == f"#/components/schemas/A/properties/{behind}/type"
    pointer = "/components/schemas/A"
    (error,) = schemas.errors(pointer, {"ids": ["x"]}, "body")
    assert (error.keyword, error.rule) == ("readOnly", f"#{pointer}/properties/ids")


def test_a_schema_that_is_false_is_told_as_such() -> None:
    schemas = ContractSchemas(document({"S": {"properties": {"id": False}}}))
    (error,) = schemas.errors(POINTER, {"id": "x"}, "body")
    assert (error.keyword, error.limit) == ("falseSchema", "false")


def test_properties_named_like_keywords_are_just_properties() -> None:
    schema = {
        "type": "object",
        "properties": {
            "properties": {"type": "array", "items": {"readOnly": True, "type": "string"}},
            "$ref": {"type": "string"},
            "nullable": {"type": "string"},
            "required": {"type": "array"},
            "default": {"properties": {"id": {"readOnly": True}}},
            "x-id": {"properties": {"id": {"readOnly": True}}},
        },
    }
    value = {"properties": ["a"], "$ref": "b", "nullable": "c", "required": []}
    for version in ("3.1.0", "3.0.3"):
        assert fits({"S": schema}, "request", value, version)
        for name in ("default", "x-id"):
            assert not fits({"S": schema}, "request", {name: {"id": 1}}, version)


def test_data_within_a_contract_is_left_alone() -> None:
    data = {"properties": {"id": {"readOnly": True}}, "nullable": True, "type": "x", "$ref": "#/no"}
    schema = {"const": data, "enum": [data], "default": data, "example": data, "x-more": data}
    whole = document({"S": schema}, "3.0.3")
    whole["paths"] = {"/a": {"get": {"responses": {"default": {"content": {"a/b": schema}}}}}}
    for changed in (upgrade_3_0(whole), view(whole, "request"), view(whole, "response")):
        assert changed == whole


def test_the_document_that_came_is_not_changed() -> None:
    whole = document(WAYS["inherited"], "3.0.3")
    before = repr(whole)
    view(upgrade_3_0(whole), "request")
    assert repr(whole) == before


NULLABLE: list[tuple[dict[str, Any], bool]] = [
    ({"type": "string", "nullable": True}, True),
    ({"type": "string", "nullable": False}, False),
    ({"nullable": True}, True),
    ({"type": "string", "nullable": True, "enum": ["a", None]}, True),
    ({"type": "string", "nullable": True, "enum": ["a"]}, False),
    ({"nullable": True, "allOf": [{"$ref": "#/components/schemas/Text"}]}, False),
    ({"$ref": "#/components/schemas/Text", "nullable": True}, False),
    ({"$ref": "#/components/schemas/Maybe"}, True),
    ({"type": "object", "nullable": True, "allOf": [{"type": "object"}]}, False),
    ({"type": "string", "nullable": True, "maxLength": 3, "pattern": "^a"}, True),
]


@pytest.mark.parametrize(("schema", "admits_null"), NULLABLE)
def test_nullable_of_3_0_is_read_by_the_letter(schema: dict[str, Any], admits_null: bool) -> None:
    named = {"Text": {"type": "string"}, "Maybe": {"type": "string", "nullable": True}}
    assert fits({"S": schema, **named}, "request", None, "3.0.3") is admits_null
    assert fits({"S": schema, **named}, "response", None, "3.0.3") is admits_null


def test_nullable_means_nothing_in_3_1() -> None:
    assert not fits({"S": {"type": "string", "nullable": True}}, "request", None)


@pytest.mark.parametrize(
    ("bounds", "inside", "outside"),
    [
        ({"minimum": 1, "exclusiveMinimum": True}, 2, 1),
        ({"minimum": 1, "exclusiveMinimum": False}, 1, 0),
        ({"maximum": 9, "exclusiveMaximum": True}, 8, 9),
        ({"maximum": 9, "exclusiveMaximum": False}, 9, 10),
        ({"minimum": 1, "exclusiveMinimum": True, "maximum": 9, "exclusiveMaximum": True}, 5, 9),
    ],
)
def test_exclusive_bounds_of_3_0_become_numbers(
    bounds: dict[str, Any], inside: int, outside: int
) -> None:
    assert fits({"S": bounds}, "request", inside, "3.0.3")
    assert not fits({"S": bounds}, "request", outside, "3.0.3")


def test_an_exclusive_bound_without_its_bound_bounds_nothing() -> None:
    assert fits({"S": {"exclusiveMinimum": True}}, "request", -5, "3.0.3")


def test_nothing_counts_beside_a_reference_in_3_0() -> None:
    schemas = {"S": {"$ref": "#/components/schemas/Text", "maxLength": 1}, "Text": {}}
    assert fits(schemas, "request", "long", "3.0.3")
    assert not fits(schemas, "request", "long")


def test_views_of_malformed_contracts_are_made_all_the_same() -> None:
    broken: dict[str, Any] = {
        "A": {"$ref": "#/nowhere"},
        "B": {"properties": {"c": {"$ref": "#/components/schemas/A"}, "d": 5}, "required": True},
        "C": {"allOf": {"not": "a list"}, "properties": ["x"]},
        "D": {"$ref": "#/components/schemas/D"},
        "E": {"$ref": 5, "nullable": True, "type": 7},
    }
    for direction in ("request", "response"):
        assert view(upgrade_3_0(document(broken, "3.0.3")), direction)["components"]
