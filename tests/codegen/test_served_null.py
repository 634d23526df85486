"""A body that the contract lets be null comes as None, and None goes out as null, over HTTP."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from bench.round_trips.echo import echoing
from bench.round_trips.package import package_of
from bench.round_trips.traffic import CALLERS

JSON = {"Content-Type": "application/json"}
DIALECTS: dict[str, dict[str, Any]] = {
    "3.0.3": {"type": "object", "nullable": True},
    "3.1.0": {"type": ["object", "null"]},
}


def contract(version: str) -> dict[str, Any]:
    thing = {**DIALECTS[version], "properties": {"size": {"type": "integer"}}}
    named = {"$ref": "#/components/schemas/Thing"}

    def operation(name: str, schema: dict[str, Any], required: bool) -> dict[str, Any]:
        content = {"application/json": {"schema": schema}}
        return {
            "operationId": name,
            "requestBody": {"required": required, "content": content},
            "responses": {"200": {"description": "The same.", "content": content}},
        }

    return {
        "openapi": version,
        "info": {"title": "Things or nothing", "version": "1"},
        "components": {"schemas": {"Thing": thing}},
        "paths": {
            "/inline": {"post": operation("send_inline", thing, True)},
            "/named": {"post": operation("send_named", named, True)},
            "/optional": {"post": operation("send_optional", named, False)},
            "/list": {"post": operation("send_list", {"type": "array", "items": named}, True)},
        },
    }


@pytest.mark.parametrize("version", DIALECTS)
def test_null_arrives_and_comes_back(tmp_path: Path, version: str) -> None:
    spec = tmp_path / "openapi.json"
    spec.write_text(json.dumps(contract(version)))
    package = package_of(spec, tmp_path, f"nullable_{version[2]}")
    routes = package.module("routes.default")
    with echoing(package) as echo, httpx.Client(base_url=echo.url) as client:
        for name, sent in [("inline", None), ("named", None), ("optional", None), ("list", [None])]:
            echo.answer = getattr(routes, f"Send{name.title()}200")(sent)
            answer = client.post(f"/{name}", content=json.dumps(sent), headers=JSON)
            assert (answer.status_code, answer.json()) == (200, sent)
            assert echo.taken() == [(f"send_{name}", {"body": sent})]
            for kind in CALLERS.values():
                with kind(package.module("client"), echo.url) as caller:
                    assert caller.call(f"send_{name}", body=sent).body == sent
                assert echo.taken() == [(f"send_{name}", {"body": sent})]
