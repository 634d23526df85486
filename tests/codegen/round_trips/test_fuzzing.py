"""Schemathesis, a process of its own, against services with stub handlers of contracts not ours."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.codegen.conftest import HERE, ROOT

CONTRACTS = {
    "petstore": HERE / "contracts" / "petstore-expanded.json",
    "library": HERE / "cases" / "library" / "openapi.yaml",
}


def fuzzed(spec: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench.round_trips.fuzz", str(spec), "--examples", "5"],
        cwd=ROOT,
        # Where Python adds no folder by itself, `bench` is found by this alone.
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


@pytest.mark.parametrize("name", CONTRACTS)
def test_a_service_with_stub_handlers_keeps_its_contract(name: str) -> None:
    done = fuzzed(CONTRACTS[name])
    assert done.returncode == 0, done.stdout + done.stderr
    # It was reached: an operation that is refused throughout isn't tested.
    assert "API Operations:" in done.stdout
    assert "passed" in done.stdout


def test_a_service_that_fails_is_found(tmp_path: Path) -> None:
    nothing: dict[str, Any] = {"type": "string", "minLength": 2, "maxLength": 1}
    content = {"application/json": {"schema": nothing}}
    contract = {
        "openapi": "3.1.0",
        "info": {"title": "One that can't be answered", "version": "1"},
        "paths": {
            "/things": {
                "get": {
                    "operationId": "list_things",
                    "responses": {"200": {"description": "Nothing fits.", "content": content}},
                }
            }
        },
    }
    spec = tmp_path / "openapi.json"
    spec.write_text(json.dumps(contract))
    done = fuzzed(spec)
    assert done.returncode == 1
    assert "list_things 200: no valid value" in done.stderr
    assert "501" in done.stdout
