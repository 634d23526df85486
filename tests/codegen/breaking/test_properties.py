"""What holds of every comparison, whatever the contracts."""

import copy
import json
import random
from contextlib import suppress
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codegen.breaking.change import Change, Direction, class_of
from codegen.breaking.run import compare_contracts
from codegen.bundle import Bundle, bundle
from codegen.diagnostics import ContractError, Findings
from codegen.structure import is_known_version

from ..conftest import HERE, LIBRARY, ROOT
from ..test_broken_contracts import CONTRACTS as SPECIMENS
from ..test_broken_contracts import JUNK, PLACES, broken
from .catalogue import entries

TODAY = date(2026, 6, 1)
CONTRACTS = [
    LIBRARY / "openapi.yaml",
    HERE / "contracts" / "petstore-expanded.json",
    ROOT / "openapi.yaml",
]
VALUES: list[Any] = [
    None, True, 0, 1, 2, 5, 1.5, "", "a", "b", "abc", [], [1], ["a"], ["a", "a"], [None],
    {}, {"a": 1}, {"a": "a"}, {"b": None}, {"a": "abc", "b": 2}, {"a": {"a": 1}}, {"c": 1},
]  # fmt: skip
UNORDERED = ("enum", "required", "type", "oneOf", "anyOf", "allOf", "parameters")


@cache
def loaded(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return document


def bundled(document: dict[str, Any]) -> Bundle:
    data = json.dumps(document, default=str).encode()

    def read(path: Path) -> bytes:
        if path.name == "openapi.json":
            return data
        raise FileNotFoundError(2, "No such file or directory", str(path))

    findings = Findings()
    made = bundle(Path("openapi.json"), "openapi.json", read, findings)
    is_known_version(made, findings)
    findings.stop_on_errors()
    return made


def changes(old: dict[str, Any], new: dict[str, Any]) -> tuple[Change, ...]:
    return compare_contracts(bundled(old), bundled(new), TODAY)


def both_ways(schema: Any) -> dict[str, Any]:
    """A contract whose one body goes both ways."""
    content = {"application/json": {"schema": schema}}
    answers = {"200": {"description": "d", "content": content}}
    operation = {"requestBody": {"content": content}, "responses": answers}
    return {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": {"/": {"post": operation}},
    }


def is_noticed(found: tuple[Change, ...], direction: Direction) -> bool:
    classes = {class_of(getattr(change, direction)) for change in found}
    return bool(classes & {"breaking", "dangerous"})


def shuffled(value: Any, dice: random.Random, key: str = "") -> Any:
    if isinstance(value, dict):
        names = list(value)
        dice.shuffle(names)
        return {name: shuffled(value[name], dice, name) for name in names}
    if isinstance(value, list):
        items = [shuffled(one, dice) for one in value]
        if key in UNORDERED:
            dice.shuffle(items)
        return items
    return value


def leaves() -> st.SearchStrategy[dict[str, Any]]:
    number = {"minimum": st.integers(0, 2), "exclusiveMaximum": st.integers(2, 6)}
    text = {"minLength": st.integers(0, 2), "maxLength": st.integers(1, 3)}
    return st.one_of(
        st.just({}),
        st.fixed_dictionaries({"type": st.sampled_from(["integer", "number"])}, optional=number),
        st.fixed_dictionaries({"type": st.just("string")}, optional=text),
        st.fixed_dictionaries({"type": st.just(["string", "null"])}, optional=text),
        st.sampled_from([{"type": "boolean"}, {"type": ["integer", "string"]}, {"const": "a"}]),
        st.lists(st.sampled_from(["a", "b", 1, None]), min_size=1, unique=True).map(
            lambda values: {"enum": values}
        ),
    )


def schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    names = st.lists(st.sampled_from(["a", "b"]), unique=True)
    limits = {"minItems": st.integers(0, 1), "maxItems": st.integers(1, 2)}
    return st.one_of(
        st.fixed_dictionaries({"type": st.just("array"), "items": inner}, optional=limits),
        st.fixed_dictionaries(
            {
                "type": st.just("object"),
                "properties": st.fixed_dictionaries({"a": inner, "b": inner}),
            },
            optional={"required": names, "additionalProperties": st.booleans()},
        ),
        st.lists(inner, min_size=1, max_size=3).map(lambda members: {"anyOf": members}),
        st.lists(inner, min_size=1, max_size=2).map(lambda parts: {"allOf": parts}),
    )


SCHEMAS = st.recursive(leaves(), schemas, max_leaves=6)
property_test = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@property_test
@given(SCHEMAS, SCHEMAS)
def test_no_break_goes_unnoticed(old: Any, new: Any) -> None:
    found = changes(both_ways(old), both_ways(new))
    before, after = (jsonschema_rs.Draft202012Validator(one).is_valid for one in (old, new))
    for value in VALUES:
        if before(value) and not after(value):
            assert is_noticed(found, "request"), value
        if after(value) and not before(value):
            assert is_noticed(found, "response"), value


@property_test
@given(SCHEMAS)
def test_schema_compared_with_itself_in_another_order_is_silent(schema: Any) -> None:
    other = shuffled(schema, random.Random(1))
    assert changes(both_ways(schema), both_ways(copy.deepcopy(other))) == ()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(PLACES), JUNK, st.booleans())
def test_any_value_in_any_place_is_compared_or_refused(
    spot: tuple[int, tuple[str | int, ...]], junk: Any, is_new: bool
) -> None:
    whole = SPECIMENS[spot[0]]
    spoilt = json.loads(broken(*spot, junk))
    old, new = (whole, spoilt) if is_new else (spoilt, whole)
    with suppress(ContractError):
        changes(old, new)


def test_a_reference_to_the_whole_document_is_compared_or_refused_in_any_place() -> None:
    for spot in PLACES:
        whole = SPECIMENS[spot[0]]
        spoilt = json.loads(broken(*spot, {"$ref": "#"}))
        for old, new in ((whole, spoilt), (spoilt, whole)):
            with suppress(ContractError):
                changes(old, new)


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: path.parent.name)
def test_contract_compared_with_itself_in_another_order_is_silent(path: Path) -> None:
    contract = loaded(path)
    assert changes(contract, shuffled(contract, random.Random(1))) == ()


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_a_request_that_only_one_contract_admits_is_noticed_one_way(entry: Any) -> None:
    """Swapped, what narrowed requests widens them: it is no longer breaking, and never the same."""
    old, new = bundled(entry.contract(0)), bundled(entry.contract(1))
    found, swapped = compare_contracts(old, new, TODAY), compare_contracts(new, old, TODAY)
    assert compare_contracts(old, old, TODAY) == compare_contracts(new, new, TODAY) == ()
    assert bool(found) == bool(swapped)
    narrowing = {
        "limit-tightened",
        "value-removed",
        "values-limited",
        "type-narrowed",
        "format-added",
    }
    if {change.rule for change in found} <= narrowing:
        assert {class_of(change.request) for change in swapped} <= {"safe", None}
