"""Builds SARIF logs for tests, one driver named Linter and results of rule R1, and translates."""

import json
from typing import Any

from formats.document import QcDocument
from formats.errors import TranslationError
from formats.sarif import translate
from tests.formats.expectations import assert_within_contract, outcomes_of
from tests.formats.translating import refusal_of

Json = dict[str, Any]


def log_of(*runs: Json, **members: object) -> bytes:
    return json.dumps({"version": "2.1.0", "runs": list(runs), **members}).encode()


def run_of(*results: Json, rules: list[Json] | None = None, **members: object) -> Json:
    driver = {"name": "Linter", "rules": rules or []}
    return {"tool": {"driver": driver}, "results": list(results), **members}


def result_of(text: str = "text", **members: object) -> Json:
    return {"ruleId": "R1", "message": {"text": text}, **members}


def translated(*runs: Json, **members: object) -> QcDocument:
    report = translate(log_of(*runs, **members))
    assert_within_contract(report)
    return report


def outcome(result: Json, **run: Any) -> str:
    [found] = outcomes_of(translated(run_of(result, **run)))
    return found


def refusal(content: bytes) -> TranslationError:
    return refusal_of(translate, content)
