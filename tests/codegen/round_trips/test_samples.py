"""The values that stub services answer with, and that operations are called with."""

from typing import Any

import pytest

from bench.contracts.samples import sample

NAMED = {"type": "object", "properties": {"name": {"type": "object"}, "tags": {"type": "array"}}}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"allOf": [NAMED, {"required": ["name"]}]}, {"name": {}}),
        ({"allOf": [{"required": ["tags", "name"]}, NAMED]}, {"tags": [], "name": {}}),
        ({"allOf": [{"required": ["other"]}, NAMED]}, {"other": None}),
        ({**NAMED, "anyOf": [{"required": ["tags"]}, {"required": ["name"]}]}, {"tags": []}),
        ({"anyOf": [{"type": "null"}, {"type": "string", "minLength": 3}]}, "aaa"),
    ],
)
def test_members_that_one_part_requires_are_as_another_declares_them(
    schema: dict[str, Any], expected: Any
) -> None:
    parts = {"allOf": [{"type": "object", **part} for part in schema.get("allOf", ())]}
    assert sample({}, {**schema, **parts} if parts["allOf"] else schema) == expected


@pytest.mark.parametrize(("hidden", "expected"), [("readOnly", "secret"), ("writeOnly", "id")])
def test_members_that_the_direction_hides_are_left_out(hidden: str, expected: str) -> None:
    schema = {
        "type": "object",
        "required": ["id", "secret"],
        "properties": {
            "id": {"type": "integer", "readOnly": True},
            "secret": {"type": "string", "writeOnly": True},
        },
    }
    assert list(sample({}, schema, hidden)) == [expected]
