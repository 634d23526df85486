"""Models choose by a discriminator only where every choice has its property."""

import json
from pathlib import Path
from typing import Any

import pytest

from codegen.diagnostics import ContractError
from codegen.render import Rendered, render

TEXT = {"type": "string"}
SCHEMAS = "#/components/schemas"


def rendered(cat: dict[str, Any], *more: Any) -> Rendered:
    choices = [{"$ref": f"{SCHEMAS}/Cat"}, {"$ref": f"{SCHEMAS}/Dog"}, *more]
    dog = {"type": "object", "required": ["kind"], "properties": {"kind": TEXT}}
    pet = {"oneOf": choices, "discriminator": {"propertyName": "kind"}}
    return rendered_of({"Cat": cat, "Dog": dog, "Pet": pet, "Kind": dog})


def rendered_of(schemas: dict[str, Any]) -> Rendered:
    contract = {
        "openapi": "3.1.0",
        "info": {"title": "Pets", "version": "1"},
        "paths": {},
        "components": {"schemas": schemas},
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


def test_no_model_is_chosen_by_a_property_that_may_be_null() -> None:
    cat = {"type": "object", "properties": {"kind": {"type": ["string", "null"]}}}
    found = rendered(cat)
    assert "discriminator" not in str(found.files["models/__init__.py"])
    [warning] = found.warnings
    assert warning.message.endswith("the property 'kind' of Cat may be null")


def test_heir_whose_property_may_be_null_is_told_at_the_choice() -> None:
    """pydantic would refuse it when the package is imported."""
    kind = {"type": ["string", "null"]}
    pet = {
        "type": "object",
        "properties": {"kind": TEXT},
        "discriminator": {"propertyName": "kind"},
    }
    cat = {
        "allOf": [{"$ref": f"{SCHEMAS}/Pet"}, {"required": ["kind"], "properties": {"kind": kind}}]
    }
    home = {"type": "object", "properties": {"pet": {"$ref": f"{SCHEMAS}/Pet"}}}
    with pytest.raises(ContractError) as caught:
        rendered_of({"Pet": pet, "Cat": cat, "Home": home})
    [finding] = caught.value.findings
    assert (finding.code, finding.place.line) == ("CG080", 1)
    assert "models can't choose Cat by a discriminator" in finding.message
