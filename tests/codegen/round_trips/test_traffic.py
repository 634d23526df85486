"""Random messages of every operation of every contract at hand, by both clients over real sockets.

What the client is given the handler gets, and what that answers, by each documented status and
media type, the client returns; differences are those of `sameness`, `UNSENT` and `IN_FORMS`. Bodies
that the contract refuses are answered by a problem that repeats nothing of them, and reach nobody.
"""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from bench.round_trips.excuses import IN_FORMS, UNSENT
from bench.round_trips.messages import exchanges
from bench.round_trips.package import Package, package_of
from bench.round_trips.traffic import CALLERS, traffic
from tests.codegen.conftest import HERE, ROOT

CASES = HERE / "cases"
# With how many of the exchanges are tried: each n-th.
CONTRACTS = {
    "collector": (ROOT / "openapi.yaml", 1),
    "noticeboard": (ROOT / "examples" / "noticeboard" / "openapi.yaml", 1),
    "petstore": (HERE / "contracts" / "petstore-expanded.json", 1),
    "discord": (HERE / "contracts" / "discord.json.gz", 200),
    **{
        name: (CASES / name / "openapi.yaml", 1)
        for name in (
            "library",
            "gallery",
            "post_office",
            "several_files",
            "no_models",
            "odd_names",
            "joined_objects",
        )
    },
}


@pytest.fixture(scope="module", params=CONTRACTS)
def tried(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Package, int]:
    folder = tmp_path_factory.mktemp("traffic")
    spec, every = CONTRACTS[request.param]
    if spec.suffix == ".gz":
        unpacked = folder / spec.stem
        unpacked.write_bytes(gzip.decompress(spec.read_bytes()))
        spec = unpacked
    return package_of(spec, folder, f"traffic_{request.param}"), every


@pytest.mark.parametrize("kind", CALLERS)
def test_what_is_sent_arrives_and_what_is_answered_comes_back(
    tried: tuple[Package, int], kind: str
) -> None:
    package, every = tried
    came = traffic(package, kind, examples=2, every=every)
    assert came.valid.findings == {}
    assert came.invalid.findings == {}
    assert came.valid.without_values == []
    assert came.valid.seen["values"] >= len(list(exchanges(package))[::every])


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_what_one_side_must_not_give_and_what_may_be_null_hinders_nobody(
    version: str, tmp_path: Path
) -> None:
    text: dict[str, Any] = {"type": "string"}
    maybe = {**text, "nullable": True} if version == "3.0.3" else {"type": ["string", "null"]}
    account = {
        "type": "object",
        "required": ["id", "name", "secret", "nickname", "sequence"],
        "properties": {
            "id": {**text, "readOnly": True},
            "name": text,
            "secret": {**text, "writeOnly": True},
            "nickname": maybe,
            "sequence": {"allOf": [maybe, {"description": "Of the last change."}]},
        },
    }
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Account"}}}}
    operation = {
        "operationId": "add_account",
        "requestBody": {"required": True, **body},
        "responses": {"201": {"description": "It is there.", **body}},
    }
    contract = {
        "openapi": version,
        "info": {"title": "Accounts", "version": "1"},
        "paths": {"/accounts": {"post": operation}},
        "components": {"schemas": {"Account": account}},
    }
    spec = tmp_path / "openapi.json"
    spec.write_text(json.dumps(contract))
    package = package_of(spec, tmp_path, f"accounts_{version.replace('.', '_')}")
    came = traffic(package, "blocking", examples=20)
    assert (came.valid.findings, came.invalid.findings) == ({}, {})
    assert came.valid.seen["to the letter"] == came.valid.seen["values"] >= 20


@pytest.mark.parametrize("kind", CALLERS)
def test_null_is_a_body_where_json_is_required_and_a_head_tells_its_status(
    kind: str, tmp_path: Path
) -> None:
    ended = {"204": {"description": "So."}, "401": {"description": "Who are you?"}}

    def operation(name: str, schema: Any) -> dict[str, Any]:
        body = {"required": True, "content": {"application/json": {"schema": schema}}}
        return {"operationId": name, "requestBody": body, "responses": ended}

    contract = {
        "openapi": "3.1.0",
        "info": {"title": "Things", "version": "1"},
        "paths": {
            "/anything": {
                "put": operation("set_anything", {"description": "Whatever it is."}),
                "head": {"operationId": "look", "responses": ended},
            },
            "/null": {"put": operation("set_null", {"type": ["null", "integer"], "maximum": 0})},
            "/no": {"put": operation("set_no", {"type": "null"})},
        },
    }
    spec = tmp_path / "openapi.json"
    spec.write_text(json.dumps(contract))
    came = traffic(package_of(spec, tmp_path, f"null_bodies_{kind}"), kind, examples=5)
    assert came.valid.findings == {}
    problems = came.valid.seen["problem raised"]
    assert problems + came.valid.seen["to the letter"] == came.valid.seen["values"] >= 20


def test_a_field_without_a_type_comes_as_the_text_that_it_is_written_as(tmp_path: Path) -> None:
    schema = {
        "type": "object",
        "required": ["kind"],
        "properties": {
            "size": {"type": ["integer", "null"]},
            "note": {"type": ["string", "null"], "maxLength": 1},
        },
    }
    content = {"application/x-www-form-urlencoded": {"schema": schema}}
    operation = {
        "operationId": "add_thing",
        "requestBody": {"required": True, "content": content},
        "responses": {"204": {"description": "It is there."}},
    }
    contract = {
        "openapi": "3.1.0",
        "info": {"title": "Things", "version": "1"},
        "paths": {"/things": {"post": operation}},
    }
    spec = tmp_path / "openapi.json"
    spec.write_text(json.dumps(contract))
    package = package_of(spec, tmp_path, "untyped_things")
    came = traffic(package, "blocking", examples=20)
    assert came.valid.findings == {}
    assert came.valid.seen["untyped"] > 0
    assert came.valid.seen["null as text"] > 0


def test_the_reference_lists_what_can_not_be_sent() -> None:
    text = (ROOT / "docs" / "codegen" / "reference.md").read_text()
    assert [name for name in (*UNSENT, *IN_FORMS) if f"| {name} |" not in text] == []
