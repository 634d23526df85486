"""Which schemas admit null: decides whether a model's None is written as null or left out."""

from typing import Any

import pytest

from codegen.nullable import admits_null

DOCUMENT = {
    "openapi": "3.0.3",
    "components": {
        "schemas": {
            "Text": {"type": "string"},
            "Maybe": {"anyOf": [{"$ref": "#/components/schemas/Text"}, {"type": "null"}]},
            "Loop": {"allOf": [{"$ref": "#/components/schemas/Loop"}, {"type": ["null", "array"]}]},
        }
    },
}


def ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {},
        {"type": "null"},
        {"type": ["string", "null"]},
        {"type": "string", "nullable": True},
        {"enum": ["a", None]},
        {"const": None},
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
        {"allOf": [ref("Maybe"), {"type": ["string", "null"]}]},
        ref("Maybe"),
        ref("Loop"),
    ],
)
def test_null_is_admitted(schema: Any) -> None:
    assert admits_null(DOCUMENT, schema)


@pytest.mark.parametrize(
    "schema",
    [
        False,
        {"type": "string"},
        {"type": ["string", "integer"]},
        {"type": ["string", "null"], "enum": ["a"]},
        {"const": 1},
        {"oneOf": [{"type": "string"}, ref("Text")]},
        {"allOf": [ref("Maybe"), {"type": "string"}]},
        {**ref("Maybe"), "type": "string"},
        ref("Text"),
    ],
)
def test_null_is_not_admitted(schema: Any) -> None:
    assert not admits_null(DOCUMENT, schema)


def test_nullable_says_nothing_in_openapi_3_1_as_validators_have_it() -> None:
    assert not admits_null({"openapi": "3.1.0"}, {"type": "string", "nullable": True})
