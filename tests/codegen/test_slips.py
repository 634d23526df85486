"""A slip that can only mean one thing gives the package of what it means, with a warning."""

import json
from pathlib import Path
from typing import Any

import pytest

from codegen.render import render

CONTRACT = """
openapi: {version}
info: {{title: Slips, version: '1'}}
paths:
  /things/{{id}}:
    post:
      operationId: put_thing
      tags: [things]
      parameters: [{parameter}]
      requestBody:
        required: true
        content: {{application/json: {{schema: {{$ref: '#/components/schemas/Thing'}}}}}}
      responses: {{'204': {response}}}
components:
  schemas:
    Thing:
      type: object
      required: [x]
      properties: {{x: {schema}}}
    Nothing: {{type: object, properties: {properties}}}
"""
RIGHT = {
    "version": "3.0.3",
    "parameter": "{name: id, in: path, required: true, schema: {type: string}}",
    "response": "{description: ''}",
    "schema": "{type: integer}",
    "properties": "{}",
}
PATH = "name: id, in: path, schema: {type: string}"
# What is wrong, the version, the part of CONTRACT, what is said there, and what is meant.
SLIPS = """
a parameter in the path that isn't required | 3.0.3 | parameter | {PATH, required: false} | {PATH, required: true}
a parameter in the path that doesn't say so | 3.1.0 | parameter | {PATH} | {PATH, required: true}
an answer without a description | 3.0.3 | response | {} | {description: ''}
an empty list in a field for a mapping | 3.0.3 | properties | [] | {}
an empty list for a schema | 3.1.0 | schema | [] | {}
const in 3.0 | 3.0.3 | schema | {const: 5} | {enum: [5]}
examples in 3.0 | 3.0.3 | schema | {type: string, examples: [a]} | {type: string}
examples by name in 3.1 | 3.1.0 | schema | {type: string, examples: {one: a}} | {type: string}
a number as exclusiveMinimum in 3.0 | 3.0.3 | schema | {exclusiveMinimum: 5} | {minimum: 5, exclusiveMinimum: true}
the stricter of two lower bounds | 3.0.3 | schema | {exclusiveMinimum: 5, minimum: 7} | {minimum: 7}
the stricter of two upper bounds | 3.0.3 | schema | {exclusiveMaximum: 5, maximum: 7} | {exclusiveMaximum: true, maximum: 5}
true as exclusiveMaximum in 3.1 | 3.1.0 | schema | {maximum: 5, exclusiveMaximum: true} | {exclusiveMaximum: 5}
false as exclusiveMaximum in 3.1 | 3.1.0 | schema | {maximum: 5, exclusiveMaximum: false} | {maximum: 5}
a name twice in required | 3.1.0 | schema | {type: object, required: [a, b, a]} | {type: object, required: [a, b]}
a keyword of an older JSON Schema | 3.1.0 | schema | {type: object, $recursiveAnchor: true} | {type: object}
"""  # noqa: E501  (a table)
ROWS = [row.split(" | ") for row in SLIPS.replace("PATH", PATH).strip().splitlines()]


def rendered(folder: Path, parts: dict[str, str]) -> tuple[dict[str, bytes], list[str]]:
    spec = folder / "openapi.yaml"
    spec.write_text(CONTRACT.format(**(RIGHT | parts)), encoding="utf-8")
    found = render(spec, spec.name)
    return found.files, [warning.code for warning in found.warnings]


@pytest.mark.parametrize(
    ("version", "part", "said", "meant"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_slip_gives_the_package_of_what_it_means(
    tmp_path: Path, version: str, part: str, said: str, meant: str
) -> None:
    files, codes = rendered(tmp_path, {"version": version, part: said})
    right, none = rendered(tmp_path, {"version": version, part: meant})
    assert (codes, none) == (["CG008"], [])
    assert {name: as_data(content) for name, content in files.items()} == {
        name: as_data(content) for name, content in right.items()
    }


def as_data(content: bytes) -> Any:
    """The order in which an object's fields stand says nothing."""
    return json.loads(content) if content.startswith(b"{") else content


@pytest.mark.parametrize("said", ["[string, 'null']", "['null', string]"])
def test_several_types_in_3_0_give_the_models_of_a_nullable_one(tmp_path: Path, said: str) -> None:
    files, codes = rendered(tmp_path, {"schema": f"{{type: {said}}}"})
    right, none = rendered(tmp_path, {"schema": "{type: string, nullable: true}"})
    assert (codes, none) == (["CG008"], [])
    assert files["models/__init__.py"] == right["models/__init__.py"]


def test_null_beside_a_type_in_3_0_gives_the_models_of_3_1(tmp_path: Path) -> None:
    schema = "{anyOf: [{type: string}, {type: 'null'}]}"
    files, codes = rendered(tmp_path, {"schema": schema})
    right, none = rendered(tmp_path, {"schema": schema, "version": "3.1.0"})
    assert (codes, none) == (["CG008"], [])
    assert files["models/__init__.py"] == right["models/__init__.py"]


def test_exclusive_bound_without_a_bound_beside_it_stays_an_error(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="CG007 `exclusiveMinimum` must be a number, not true"):
        rendered(tmp_path, {"version": "3.1.0", "schema": "{exclusiveMinimum: true}"})
