"""What the bench makes of a contract to see how long an edit takes is that contract, edited."""

from pathlib import Path

import pytest

from bench.contracts.speed import edited, schemas_of, source_of

BLOCK = """\
openapi: 3.1.0
components:
  schemas:
    Nothing: {type: string}
    Pet:
      type: object
      properties:
        # What it is called.
        name: {type: string}
        age:
          type: integer
"""
BRACES = """\
openapi: 3.1.0
components: {
  "schemas": {
    "Nothing": {"type": "string"},
    "Pet": {
      "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer"}
      }
    }
  }
}
"""
ONE_LINE = "openapi: 3.1.0\ncomponents: {schemas: {Pet: {properties: {age: {type: integer}}}}}\n"
JSON = '{"openapi": "3.1.0", "components": {"schemas": {"Pet": {"properties": {"a": true}}}}}'


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.yaml", BLOCK), ("a.yaml", BRACES), ("a.yaml", ONE_LINE), ("a.json", JSON)],
    ids=["block", "braces", "one line", "JSON"],
)
def test_one_property_more_is_all_the_difference(tmp_path: Path, name: str, text: str) -> None:
    spec = tmp_path / name
    spec.write_text(text)
    before = source_of(spec).value
    spec.write_text(edited(spec))
    after = source_of(spec)
    assert schemas_of(after)["Pet"]["properties"].pop("added_by_an_edit") == {"type": "string"}
    assert after.value == before
