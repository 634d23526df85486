"""Validators find schemas by any pointer; errors lead to the rule and never show an input."""

import time
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.runtime.document import escape, pointer_to, resolve
from codegen.runtime.problems import MAX_ERRORS
from codegen.runtime.schemas import ContractSchemas

from .contracts import document

ODD_NAMES = ["a b", "{id}", "a/b", "a~b", "~1", "100%", "%7B", "é", "日本", "a#b", "a?b", "\\", '"']
SCHEMA_POINTER = "/components/schemas/S"


def schemas_of(schema: Any, **named: Any) -> ContractSchemas:
    return ContractSchemas(document({"S": schema, **named}))


def errors(schema: Any, value: Any, **named: Any) -> list[tuple[str, str, str | None]]:
    found = schemas_of(schema, **named).errors(SCHEMA_POINTER, value, "body")
    return [(error.pointer, error.keyword, error.limit) for error in found]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_schemas_are_found_under_any_name(name: str) -> None:
    path = f"/things/{{id}}/{name}"
    whole = document({name: {"maximum": 5}})
    whole["paths"] = {path: {"get": {"schema": {"minimum": 3}}}}
    schemas = ContractSchemas(whole)
    for pointer, value in (
        (pointer_to(["components", "schemas", name]), 6),
        (pointer_to(["paths", path, "get", "schema"]), 2),
    ):
        (error,) = schemas.errors(pointer, value, "body")
        assert error.rule is not None
        assert resolve(whole, error.rule[1:]) in (3, 5)


@given(st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=3))
def test_pointers_lead_back_to_their_nodes(names: list[str]) -> None:
    node: Any = "here"
    for name in reversed(names):
        node = {name: node}
    assert resolve(node, pointer_to(names)) == "here"
    assert resolve(node, pointer_to([*names, "further"])) is None


@pytest.mark.parametrize("name", ["{id}", "a/b", "a~b", "é", "a.b-c_d"])
@pytest.mark.parametrize("escaped", [False, True])
def test_references_may_be_escaped_as_uris_or_not(name: str, escaped: bool) -> None:
    pointer = f"/components/schemas/{escape(name)}"
    reference = f"#{quote(pointer) if escaped else pointer}"
    found = schemas_of({"properties": {"a": {"$ref": reference}}}, **{name: {"type": "integer"}})
    (error,) = found.errors(SCHEMA_POINTER, {"a": "x"}, "body")
    assert (error.pointer, error.rule) == ("/a", f"#{pointer}/type")


def test_a_reference_that_leads_nowhere_is_told_at_start() -> None:
    schemas = schemas_of({"$ref": "#/components/schemas/Missing"})
    with pytest.raises(Exception, match="Missing"):
        schemas.compiled("request", SCHEMA_POINTER)


def test_recursive_schemas_are_followed_to_the_depth_of_the_value() -> None:
    tree = {
        "type": "object",
        "properties": {"sub": {"type": "array", "items": {"$ref": "#/components/schemas/S"}}},
        "unevaluatedProperties": False,
    }
    assert errors(tree, {"sub": [{"sub": [{}, {"sub": []}]}]}) == []
    assert errors(tree, {"sub": [{"sub": [{}, {"sub": 5}]}]}) == [
        ("/sub/0/sub/1/sub", "type", '"array"')
    ]


def test_names_that_the_contract_does_not_declare_are_masked() -> None:
    schema = {
        "properties": {"known": {}, "sub": {"additionalProperties": {"type": "integer"}}},
        "patternProperties": {"^x": {"type": "integer"}},
        "propertyNames": {"maxLength": 12},
        "additionalProperties": False,
    }
    value = {"sub": {"known": "", "evil": "", "0": ""}, "xevil": "", "evil": 1, "evil" * 9: 1}
    found = schemas_of(schema).errors(SCHEMA_POINTER, value, "body")
    shown = " ".join(f"{e.pointer} {e.limit} {e.rule}" for e in found)
    assert "evil" not in shown
    pointers = sorted(error.pointer for error in found)
    assert pointers == ["", "", "/*", "/sub/*", "/sub/*", "/sub/known"]


@given(
    st.recursive(
        st.text(max_size=4).map(lambda text: f"s3cret{text}"),
        lambda inside: (
            st.lists(inside, max_size=3)
            | st.dictionaries(st.text(max_size=4).map(lambda text: f"s3cret{text}"), inside)
        ),
    )
)
def test_no_error_holds_a_part_of_the_value(value: Any) -> None:
    node = {"$ref": "#/components/schemas/S"}
    schema = {
        "anyOf": [{"type": "integer"}, {"items": {"const": 1}, "additionalProperties": node}],
        "maxLength": 2,
        "not": {"type": "object", "minProperties": 1},
        "propertyNames": {"pattern": "^[a-z]*$"},
        "unevaluatedProperties": False,
    }
    found = schemas_of(schema).errors(SCHEMA_POINTER, value, "body", ("p",))
    assert "s3cret" not in repr([error.as_json() for error in found])
    assert all(error.pointer.startswith("/p") for error in found)


def test_names_that_look_like_numbers_are_names() -> None:
    text = {"type": "string"}
    schema = {
        "properties": {"list": {"items": {"additionalProperties": text}}, "7": text, "007": text},
        "additionalProperties": text,
    }
    schemas = schemas_of(schema)
    value = {"list": [{}, {"49": [], "+5": []}], "7": 1, "8": 1}
    found = {e.pointer: e.rule for e in schemas.errors(SCHEMA_POINTER, value, "body")}
    assert sorted(found) == ["/*", "/7", "/list/1/*"]
    assert found["/7"] == f"#{SCHEMA_POINTER}/properties/7/type"
    (padded,) = schemas.errors(SCHEMA_POINTER, {"007": 1}, "body")
    assert padded.rule == f"#{SCHEMA_POINTER}/properties/007/type"


def test_every_rule_leads_to_a_node_and_the_limit_is_its_value() -> None:
    number = {"minimum": 1, "multipleOf": 2, "maximum": 2**70}
    schema = {
        "properties": {"n": number, "t": {"$ref": "#/components/schemas/Text"}},
        "required": ["n", "t", "missing"],
        "additionalProperties": False,
    }
    whole = document({"S": schema, "Text": {"allOf": [{"maxLength": 3}, {"pattern": "^ü$"}]}})
    found = ContractSchemas(whole).errors(
        SCHEMA_POINTER, {"n": 2**70 + 1, "t": "long", "extra": 1}, "body"
    )
    told = {(error.pointer, error.keyword): error for error in found}
    assert {key: error.limit for key, error in told.items()} == {
        ("", "additionalProperties"): "false",
        ("/missing", "required"): '["n","t","missing"]',
        ("/n", "multipleOf"): "2",
        ("/n", "maximum"): str(2**70),
        ("/t", "maxLength"): "3",
        ("/t", "pattern"): '"^ü$"',
    }
    for error in found:
        assert error.rule is not None
        assert resolve(whole, error.rule[1:]) is not None
        assert error.rule.endswith(f"/{error.keyword}")


def test_a_limit_that_is_too_long_to_help_is_left_out() -> None:
    assert errors({"enum": ["x" * 3000]}, 1) == [("", "enum", None)]


def test_pointers_into_long_values_stay_short() -> None:
    name = "n" * 3000
    schema = {"properties": {name: {"type": "integer"}}}
    ((pointer, _, _),) = errors(schema, {name: "x"})
    assert len(pointer) == 2048


def test_of_a_large_value_the_first_error_is_found_fast() -> None:
    schemas = schemas_of({"properties": {"known": {"items": {"type": "string"}}}})

    def cost(value: object, *errors: tuple[str, str]) -> float:
        begun = time.process_time()
        found = schemas.errors(SCHEMA_POINTER, {"known": value}, "body")
        assert [(error.pointer, error.keyword) for error in found] == list(errors)
        return time.process_time() - begun

    first = min(cost(list(range(100_000)), ("/known/0", "type")) for _ in range(3))
    assert first < cost(["x"] * 100_000)
    few = schemas.errors(SCHEMA_POINTER, {"known": list(range(1000))}, "body")
    assert len(few) == MAX_ERRORS + 1


@pytest.mark.parametrize("value", [10**308, -(10**308), float("inf"), float("nan"), 1e-320])
def test_extreme_numbers_are_judged_and_never_raise(value: float) -> None:
    assert errors({"type": "number", "maximum": 5, "minimum": 0, "multipleOf": 0.5}, value) != []


def test_formats_are_enforced() -> None:
    for name, wrong in (("uuid", "x"), ("date-time", "2026-01-01"), ("date", "2026-02-30")):
        assert errors({"format": name}, wrong) == [("", "format", f'"{name}"')]
    assert errors({"format": "int32"}, 2**40) == []
