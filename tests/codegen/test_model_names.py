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
