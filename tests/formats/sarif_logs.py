"""Builds SARIF logs for tests: one driver named Linter, results of rule R1."""

import json
from typing import Any

Json = dict[str, Any]


def log_of(*runs: Json, **members: object) -> bytes:
    return json.dumps({"version": "2.1.0", "runs": list(runs), **members}).encode()


def run_of(*results: Json, rules: list[Json] | None = None, **members: object) -> Json:
    driver = {"name": "Linter", "rules": rules or []}
    return {"tool": {"driver": driver}, "results": list(results), **members}


def result_of(text: str = "text", **members: object) -> Json:
    return {"ruleId": "R1", "message": {"text": text}, **members}
