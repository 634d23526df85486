"""What random contracts showed to be wrong, in the fewest words: values come back as they were.

The contracts are made by `python -m bench.round_trips.random_contracts`.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from bench.round_trips.models import Target, round_trip, targets
from bench.round_trips.package import package_of

TEXT: dict[str, Any] = {"type": "string"}
COUNT: dict[str, Any] = {"type": "integer"}


def reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def told(kind: str, **more: Any) -> dict[str, Any]:
    properties = {"kind": {"enum": [kind]}, "x": TEXT}
    return {"type": "object", "properties": properties, "required": ["kind"], **more}


SCHEMAS: dict[str, Any] = {
    "NoName": {"type": "object", "properties": {"": TEXT, "b": COUNT}},
    "Others": {"oneOf": [told("a"), told("b", additionalProperties=reference("Others"))]},
    "UserId": {"properties": {"userId": COUNT}, "type": "object", "additionalProperties": True},
    "Tree": {
        "type": "object",
        "properties": {
            "twig": reference("Twig"),
            "twigs": {"type": "array", "items": reference("OneTwig")},
        },
    },
    "Twig": reference("Tree"),
    "AlsoATwig": reference("OneTwig"),
    "OneTwig": {"oneOf": [reference("Tree")]},
    "OfTwigs": {
        "type": "object",
        "properties": {"one": reference("Twig"), "more": {"anyOf": [reference("Twig"), TEXT]}},
    },
    "MoreTwigs": {"type": "array", "items": reference("Twig")},
    "Named": {"type": "object", "properties": {"name": TEXT}, "required": ["name"]},
    "Hidden": {
        "type": "object",
        "properties": {
            "ids": {"type": "array", "items": {**TEXT, "default": "x"}, "readOnly": True},
        },
    },
}
SCHEMAS |= {
    # Nobody extends it, so that there is nothing to choose.
    "Kind": {
        "type": "object",
        "properties": {"kind": TEXT},
        "discriminator": {"propertyName": "kind", "mapping": {"itself": reference("Kind")["$ref"]}},
    },
    "OfKind": {
        "type": "object",
        "properties": {
            "one": reference("Kind"),
            "told": {"allOf": [reference("Kind")], "description": "Said of the member alone."},
        },
    },
    # Of what says nothing of values an object may be joined too.
    "Anything": {},
    "Chosen": {
        "allOf": [
            {"properties": {"b": TEXT}},
            {"allOf": [reference("Anything"), {"anyOf": [{"properties": {"e": TEXT}}]}]},
        ]
    },
    "OfChosen": {"allOf": [{"allOf": [reference("Chosen")]}]},
}
NEW: dict[str, Any] = {
    # Parts within a part that says of members without a name what is said of all.
    "Unevaluated": {
        "allOf": [
            {"properties": {"b": {}}, "allOf": [{"properties": {"b": TEXT}}]},
            {"allOf": [{"properties": {"e": TEXT}}], "unevaluatedProperties": {}},
        ]
    },
    # A class that extends one which isn't whole until all three are there.
    "Above": {
        "type": "object",
        "properties": {"inner": {"type": "object", "properties": {"below": reference("Below")}}},
    },
    "Between": {
        "allOf": [
            reference("Above"),
            {"type": "object", "properties": {"e": {"enum": ["on", None]}}},
        ]
    },
    "Below": {"allOf": [reference("Between")]},
    "Listed": {
        "type": "object",
        "properties": {
            "object": {"const": {"x": 1}},
            "half": {"const": 0.5},
            "many": {"enum": ["a", [1], 0.5, None]},
        },
    },
    "Beside": {**reference("Named"), "properties": {"count": COUNT}, "required": ["count"]},
    "InPlace": {
        "type": "object",
        "properties": {
            "beside": {**reference("Named"), "type": "object", "properties": {"count": COUNT}},
            "required": {**reference("Named"), "required": ["count"]},
            "others": {**reference("Named"), "additionalProperties": COUNT},
        },
    },
}
OLD: dict[str, Any] = {
    "Beside": {**reference("Named"), "properties": {"count": COUNT}, "required": ["count"]},
    "Short": {"type": "object", "properties": {"of": {**reference("Text"), "maxLength": 1}}},
    "Text": TEXT,
}
ANSWERS = {
    "200": {"description": "Told", "content": {"application/json": {"schema": reference("Hidden")}}}
}
VALUES: list[tuple[str, Any]] = [
    ("NoName", {}),
    ("NoName", {"b": 1}),
    ("NoName", {"": "x"}),
    ("Others", {"kind": "b"}),
    ("Others", {"kind": "b", "another": {"kind": "b", "x": "x"}}),
    ("UserId", {"userId": 1, "user_id": "x"}),
    ("UserId", {"user_id": 2}),
    ("Tree", {"twig": {"twig": {}}, "twigs": [{"twigs": []}]}),
    ("Twig", {"twig": {"twig": {}}}),
    ("OfTwigs", {"one": {"twig": {}}, "more": {"twig": {}}}),
    ("MoreTwigs", [{"twig": {}}]),
    ("AlsoATwig", {"twig": {"twig": {}}}),
    ("Hidden", {}),
    ("Kind", {}),
    ("OfKind", {"one": {"kind": "another"}, "told": {"kind": "a third"}}),
    ("Chosen", {"b": "x", "e": "y"}),
    ("OfChosen", {"b": "x", "e": "y"}),
]
NEW_VALUES: list[tuple[str, Any]] = [
    ("Unevaluated", {"b": "x", "e": "y", "z": 1}),
    ("Between", {}),
    ("Between", {"inner": {"below": {"e": None}}}),
    ("Listed", {}),
    ("Listed", {"object": {"x": 1}, "half": 0.5, "many": [1]}),
    ("Listed", {"many": None}),
    ("Beside", {"name": "x", "count": 1}),
    ("InPlace", {"beside": {"name": "x", "count": 1}}),
    ("InPlace", {"required": {"name": "x", "count": [1]}}),
    ("InPlace", {"others": {"name": "x", "more": 1}}),
]
OLD_VALUES: list[tuple[str, Any]] = [("Beside", {"name": "x"}), ("Short", {"of": "xyz"})]


def made(version: str, folder: Path) -> dict[str, Target]:
    """Of the older version `nullable` and what stands beside a reference is something else."""
    own = OLD if version == "3.0.3" else NEW
    contract = {
        "openapi": version,
        "info": {"title": "Small contracts", "version": "1"},
        # What hides something is tried where it stands alone.
        "paths": {"/hidden": {"get": {"operationId": "get_hidden", "responses": ANSWERS}}},
        "components": {"schemas": SCHEMAS | own},
    }
    spec = folder / "openapi.json"
    spec.write_text(json.dumps(contract))
    package = package_of(spec, folder, f"small_{version.replace('.', '_')}")
    return {target.name: target for target in targets(package)}


@pytest.mark.parametrize(
    ("version", "values"), [("3.0.3", VALUES + OLD_VALUES), ("3.1.0", VALUES + NEW_VALUES)]
)
def test_values_come_back_as_they_were(
    version: str, values: list[tuple[str, Any]], tmp_path: Path
) -> None:
    found = made(version, tmp_path)
    assert [(name, round_trip(found[name], value)) for name, value in values] == [
        (name, set()) for name, _ in values
    ]
