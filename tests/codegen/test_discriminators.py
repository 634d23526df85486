"""Models choose by a discriminator only where every choice has its property."""

import json
from pathlib import Path
from typing import Any

import pytest

from codegen.render import Rendered, render

TEXT = {"type": "string"}
SCHEMAS = "#/components/schemas"


def rendered(cat: dict[str, Any], *more: Any) -> Rendered:
    choices = [{"$ref": f"{SCHEMAS}/Cat"}, {"$ref": f"{SCHEMAS}/Dog"}, *more]
    dog = {"type": "object", "required": ["kind"], "properties": {"kind": TEXT}}
    pet = {"oneOf": choices, "discriminator": {"propertyName": "kind"}}
    contract = {
        "openapi": "3.1.0",
        "info": {"title": "Pets", "version": "1"},
        "paths": {},
        "components": {"schemas": {"Cat": cat, "Dog": dog, "Pet": pet, "Kind": dog}},
    }
    return render(Path("a.json"), "a.json", lambda _: json.dumps(contract).encode())


@pytest.mark.parametrize(
    "cat",
    [
        {"type": "object", "required": ["kind"], "properties": {"kind": TEXT}},
        {"allOf": [{"$ref": f"{SCHEMAS}/Kind"}, {"properties": {"meow": TEXT}}]},
        {"type": "object", "required": ["kind"], "properties": {"meow": TEXT}},
    ],
)
def test_models_choose_by_a_property_that_every_choice_has(cat: dict[str, Any]) -> None:
    found = rendered(cat)
    assert 'discriminator="kind"' in found.files["models/__init__.py"].decode()
    assert not found.warnings


def test_null_beside_the_choices_needs_no_property() -> None:
    cat = {"type": "object", "required": ["kind"], "properties": {"kind": TEXT}}
    found = rendered(cat, {"type": "null"})
    assert 'discriminator="kind"' in found.files["models/__init__.py"].decode()


def test_no_model_gets_a_property_that_its_schema_has_not() -> None:
    """A value of the schema as it is written would not fit the model."""
    cat = {"type": "object", "required": ["meow"], "properties": {"meow": TEXT}}
    found = rendered(cat)
    models = found.files["models/__init__.py"].decode()
    assert "discriminator" not in models
    assert "Literal" not in models
    [warning] = found.warnings
    assert (warning.code, warning.message) == (
        "CG081",
        "models don't choose by this discriminator: Cat has no property 'kind'",
    )
