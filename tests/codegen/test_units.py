"""Which units lean on which: what is kept of one is right as long as none it leans on changes."""

from typing import Any

from codegen.units import leaned_on, units_of


def _contract(**schemas: Any) -> dict[str, Any]:
    answer = {"description": "ok", "content": {"application/json": {"schema": {"type": "string"}}}}
    paths = {"/pets/{id}": {"get": {"responses": {"200": answer}}}}
    return {"openapi": "3.1.0", "paths": paths, "components": {"schemas": schemas}}


def _leans_on(name: str, document: dict[str, Any]) -> tuple[str, ...]:
    return units_of(document)[f"/components/schemas/{name}"].leans_on


def test_a_unit_leans_on_what_it_refers_to() -> None:
    document = _contract(A={"$ref": "#/components/schemas/B"}, B={"type": "string"})
    assert _leans_on("A", document) == ("/components/schemas/B",)
    assert _leans_on("B", document) == ()


def test_a_path_in_a_reference_may_have_its_braces_escaped() -> None:
    inside = "get/responses/200/content/application~1json/schema"
    plain = _contract(A={"$ref": f"#/paths/~1pets~1{{id}}/{inside}"})
    escaped = _contract(A={"$ref": f"#/paths/~1pets~1%7Bid%7D/{inside}"})
    assert _leans_on("A", plain) == _leans_on("A", escaped) == ("/paths/~1pets~1{id}",)


def test_with_an_anchor_all_lean_on_all() -> None:
    document = _contract(A={"type": "string"}, B={"$anchor": "b"})
    assert set(_leans_on("A", document)) == set(units_of(document))


def test_a_property_or_an_example_named_as_an_address_makes_nothing_lean_on_it() -> None:
    document = _contract(
        A={"type": "object", "properties": {"$id": {"type": "string"}}},
        B={"type": "object", "example": {"$id": "urn:b"}},
        C={"type": "string"},
    )
    assert [_leans_on(name, document) for name in "ABC"] == [(), (), ()]


def test_a_schema_alone_leans_as_the_unit_that_it_stands_in() -> None:
    document = _contract(A={"type": "string"}, B={"type": "string"})
    units = units_of(document)
    schema = {"items": {"$ref": "#/components/schemas/A"}}
    assert leaned_on(schema, units) == ("/components/schemas/A",)
    assert set(leaned_on({"$anchor": "here"}, units)) == set(units)
