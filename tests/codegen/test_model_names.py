"""A schema's class has its name even where an inline schema would have taken it."""

import json
import re
from pathlib import Path
from typing import Any

from codegen.render import render


def models_of(schemas: dict[str, Any], folder: Path) -> str:
    contract = {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": {},
        "components": {"schemas": schemas},
    }
    spec = folder / "openapi.json"
    spec.write_text(json.dumps(contract))
    return render(spec, "openapi.json").files["models/__init__.py"].decode()


def test_a_member_named_like_a_schema_does_not_take_its_class(tmp_path: Path) -> None:
    scopes = {"type": "object", "additionalProperties": {"type": "object"}}
    size = {"type": "object", "properties": {"bytes": {"type": "integer"}}}
    schemas = {
        "Base": {"type": "object", "properties": {"id": {"type": "string"}}},
        "Full": {
            "allOf": [
                {"$ref": "#/components/schemas/Base"},
                {"properties": {"extras": {"allOf": [scopes, {"title": "x"}]}}},
            ]
        },
        "Extras": {
            "type": "object",
            "properties": {"size": size, "more": {"$ref": "#/components/schemas/Extras"}},
        },
    }
    text = models_of(schemas, tmp_path)
    assert re.search(r"class Extras\(ContractModel\):[^#]*\n    size: \w+ \| None = None", text)
    assert "extras: Extras |" not in text


def test_a_member_called_like_a_type_does_not_hide_it_from_those_beside_it(tmp_path: Path) -> None:
    types = ("bool", "bytes", "dict", "float", "int", "list", "str")
    members: dict[str, Any] = {name: {"enum": [1]} for name in types}
    members["date"] = {"type": "integer"}
    members["days"] = {"type": "array", "items": {"type": "string", "format": "date"}}
    schemas = {"Odd": {"type": "object", "properties": members, "required": [*members]}}
    text = models_of(schemas, tmp_path)
    for name in types:
        assert f'    {name}_: Annotated[Literal[1], Field(alias="{name}")]' in text
    assert "    date: int\n    days: list[date_aliased]\n" in text
