"""What comes along with a piece of the models: of a class it names, only that it is one."""

from typing import Any

import pytest

from codegen.diagnostics import Findings
from codegen.model_graph import certain_classes, links_of
from codegen.model_pieces import pieces_of, whole
from codegen.model_text import generated_piece
from codegen.render import load

from ..test_cases import CASES, contract_in, right_cases

# More than calls can be in one another.
_MANY = 1100


def refers_to(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def thing(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def named_by_many(schema: dict[str, Any]) -> dict[str, Any]:
    """Models enough for many pieces, each of which names `Named`."""
    base = thing(kind={"type": "string"})
    many = {f"Thing{number}": thing(named=refers_to("Named")) for number in range(100)}
    return {"Base": base, "Named": schema, **many}


@pytest.mark.parametrize(
    "schema",
    [
        thing(size={"type": "integer"}),
        {"properties": {"size": {"type": "integer"}}},
        {"allOf": [refers_to("Base"), {"properties": {"size": {"type": "integer"}}}]},
    ],
    ids=["an object", "an object that doesn't say so", "joined objects"],
)
def test_of_a_class_that_others_name_only_an_outline_comes_along(schema: dict[str, Any]) -> None:
    pieces = pieces_of(named_by_many(schema))
    others = [piece for piece in pieces if "Named" not in piece.own]
    assert len(others) > 1
    for piece in others:
        assert "size" not in str(piece.schemas["Named"])
        assert "Base" in piece.own or "Base" not in piece.schemas


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string"},
        {"allOf": [refers_to("Base"), {"oneOf": [thing(size={}), thing(length={})]}]},
        {"allOf": [refers_to("Named"), thing(size={})]},
        {"allOf": [refers_to("Named1"), thing(size={})]},
        {"allOf": [thing(size={})], "enum": [{"size": 1}]},
    ],
    ids=["text", "a choice", "what builds on itself", "what leads nowhere", "listed values"],
)
def test_what_may_be_something_else_than_a_class_comes_along_in_full(
    schema: dict[str, Any],
) -> None:
    models = named_by_many(schema)
    for piece in pieces_of(models):
        assert piece.schemas["Named"] == schema


def test_joined_objects_that_are_told_apart_come_along_in_full() -> None:
    joined = {"allOf": [refers_to("Base"), thing(size={"type": "integer"})]}
    choice = {"oneOf": [refers_to("Named")], "discriminator": {"propertyName": "kind"}}
    models = named_by_many(joined) | {"Choice": choice}
    assert "Named" not in certain_classes(models, links_of(models))


@pytest.mark.parametrize("name", right_cases())
def test_what_is_taken_for_a_class_becomes_one(name: str) -> None:
    spec = contract_in(CASES / name)
    models = load(spec, spec.name, Findings())[0].models
    text = (CASES / name / "expected/models/__init__.py").read_text()
    for certain in certain_classes(models, links_of(models)):
        assert f"\nclass {certain}(" in text


def test_more_models_than_calls_can_be_nested_come_out_of_one_piece() -> None:
    # Such a piece is made where models don't fit together otherwise.
    models = {f"Thing{number}": thing(size={"type": "integer"}) for number in range(_MANY)}
    made = generated_piece(whole(models), "3.1")
    assert [each.name for each in made.statements] == list(models)
