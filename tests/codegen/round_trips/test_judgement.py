"""What the round trips let pass, and that the fault beside each of these is none of it."""

import json
from typing import Any

import pytest

from bench.round_trips.excuses import may_be_unwritten, of_path, of_refusal
from bench.round_trips.looseness import classes_of
from bench.round_trips.messages import Exchange, exchanges
from bench.round_trips.package import package_of
from bench.round_trips.sameness import Changed, Said, compare
from codegen.runtime.client_errors import ProblemAnswer
from codegen.runtime.schemas import ContractSchemas

TEXT = {"type": "string"}
NUMBER = {"type": "integer"}
CAT = {"type": "object", "properties": {"kind": TEXT, "lives": NUMBER}}
DOG = {"type": "object", "properties": {"kind": TEXT, "tricks": NUMBER}}
SCHEMAS: dict[str, Any] = {
    "Cat": CAT,
    "Dog": DOG,
    "Pet": {"anyOf": [{"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"}]},
    "Told": {
        "anyOf": [{"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"}],
        "discriminator": {
            "propertyName": "kind",
            "mapping": {"cat": "#/components/schemas/Cat", "dog": "Dog"},
        },
    },
    "Thing": {
        "type": "object",
        "required": ["size"],
        "properties": {
            "size": NUMBER,
            "note": TEXT,
            "when": {"type": "string", "format": "date-time"},
            "uid": {"type": "string", "format": "uuid"},
            "none": False,
        },
    },
    "Joined": {"allOf": [{"$ref": "#/components/schemas/Dog"}], "required": ["tricks"]},
    "Unnamed": {"type": "object", "required": ["nobody"]},
    "Listed": {"oneOf": [{"enum": ["on", 1]}, {"const": True}]},
}
DOCUMENT = {"openapi": "3.1.0", "paths": {}, "components": {"schemas": SCHEMAS}}


@pytest.mark.parametrize(
    ("name", "sent", "came", "found"),
    [
        ("Pet", {"lives": 1, "tricks": 2}, {"lives": 1}, ["undeclared"]),
        ("Pet", {"lives": 1, "tricks": 2, "x": 3}, {"tricks": 2}, ["undeclared", "undeclared"]),
        # No schema of the choice says nothing of both.
        ("Pet", {"lives": 1, "tricks": 2}, {}, None),
        # The discriminator says which one it is.
        ("Told", {"kind": "cat", "lives": 1, "tricks": 2}, {"kind": "cat", "tricks": 2}, None),
        ("Told", {"kind": "dog", "lives": 1, "tricks": 2}, {"kind": "dog", "lives": 1}, None),
        ("Told", {"kind": "cat", "lives": 1, "x": 2}, {"kind": "cat", "lives": 1}, ["undeclared"]),
        ("Cat", {"lives": 1}, {"lives": True}, None),
        # To Python they are one value, which the schema before lists.
        ("Listed", True, 1, ["flag"]),
        ("Listed", True, 1.0, None),
    ],
)
def test_a_member_may_be_lost_of_which_what_was_chosen_says_nothing(
    name: str, sent: Any, came: Any, found: list[str] | None
) -> None:
    said = Said.of(DOCUMENT, [SCHEMAS[name]])
    if found is None:
        with pytest.raises(Changed):
            list(compare(said, sent, came))
    else:
        assert list(compare(said, sent, came)) == found


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("Thing", {"size": 1, "note": None}, {"null-for-absent"}),
        ("Thing", {"size": None}, None),
        ("Thing", {"size": "1"}, {"text-for-number"}),
        ("Thing", {"size": "one"}, None),
        ("Thing", {"size": 1, "uid": "0190A6D27C1E7D3B9A542F6F0C1E8B11"}, {"format"}),
        ("Thing", {"size": 1, "uid": "mine"}, None),
        ("Thing", {"size": 1, "when": "2026-01-01 00:00Z"}, {"moment"}),
        ("Thing", {"size": 1, "when": "soon"}, None),
        ("Thing", {"size": 1, "none": 1}, {"nothing"}),
        ("Joined", {"lives": 1}, None),
        ("Unnamed", {}, {"unnamed"}),
    ],
)
def test_a_model_may_take_what_its_type_is_known_to_take(
    name: str, value: Any, found: set[str] | None
) -> None:
    pointer = f"/components/schemas/{name}"
    assert classes_of(ContractSchemas(DOCUMENT), "request", pointer, value) == found


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Exchange:
    folder = tmp_path_factory.mktemp("judgement")
    form = {"type": "object", "properties": {"a": TEXT, "untyped": {}}}
    operation = {
        "operationId": "set_thing",
        "parameters": [
            {"name": "key", "in": "path", "required": True, "schema": TEXT},
            {"name": "mark", "in": "cookie", "schema": {}},
        ],
        "requestBody": {
            "required": True,
            "content": {"application/x-www-form-urlencoded": {"schema": form}},
        },
        "responses": {"204": {"description": "So."}},
    }
    contract = {
        "openapi": "3.1.0",
        "info": {"title": "Things", "version": "1"},
        "paths": {"/things/{key}": {"put": operation}},
    }
    spec = folder / "openapi.json"
    spec.write_text(json.dumps(contract))
    [found] = exchanges(package_of(spec, folder, "judged_things"))
    return found


@pytest.mark.parametrize(
    ("parameters", "body", "may_be"),
    [
        ({"key": "a_1", "mark": True}, {"a": "b"}, False),
        ({"key": "a.b"}, {"a": "b"}, True),
        ({"key": "a", "mark": ["b"]}, {"a": "b"}, True),
        ({"key": "a"}, {"a": ["b"]}, False),
        ({"key": "a"}, {"a": []}, True),
    ],
)
def test_a_client_writes_what_is_plain(
    exchange: Exchange, parameters: Any, body: Any, may_be: bool
) -> None:
    assert may_be_unwritten(exchange, parameters, body) is may_be


@pytest.mark.parametrize(
    ("body", "status", "place", "excuse"),
    [
        ({"a": "b"}, 404, None, ""),
        ({}, 422, ("body", "", "required"), "empty form"),
        ({"a": "b"}, 422, ("body", "", "required"), ""),
        ({}, 422, ("path", "/key", "required"), ""),
        ({"untyped": [1, 2]}, 422, ("body", "/untyped", "repeated"), "untyped"),
        ({"a": "b"}, 422, ("body", "/a", "repeated"), ""),
        ({"a": "b"}, 422, ("body", "", "unrepresentable"), ""),
        ({}, 400, None, ""),
    ],
)
def test_a_server_refuses_what_it_has_to(
    exchange: Exchange,
    body: Any,
    status: int,
    place: tuple[str, str, str] | None,
    excuse: str,
) -> None:
    errors = [dict(zip(("in", "pointer", "keyword"), place, strict=True))] if place else []
    problem = ProblemAnswer("set_thing", status, errors=errors)
    assert of_refusal(exchange, body, problem) == excuse


def test_what_no_request_can_lead_to_is_not_called() -> None:
    paths = ("/a", "/a#b", "/a?b=c")
    assert [of_path(path) for path in paths] == [None, "# in a path", "? in a path"]
