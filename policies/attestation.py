"""The in-toto statement over a report: what it says of which files, and reading it again.

Predicate: https://in-toto.io/attestation/test-result/v0.1. Signs nothing.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

import orjson

from policies.stored_zip import Member

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
TEST_RESULT: Final = "https://in-toto.io/attestation/test-result/v0.1"
_RESULTS: Final = {"info": "PASSED", "warn": "WARNED", "block": "FAILED"}
_WORST_LAST: Final = ("pass", "info", "warn", "block")
_LISTS: Final = {"pass": "passedTests", "warn": "warnedTests", "block": "failedTests"}
_OF_STATUS: Final = {"pass": "pass", "warn": "warn", "fail": "block"}


class StatementError(ValueError):
    """What is no statement as it is made here; the message says why."""


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """What the service knows of a report beside its text."""

    tenant_id: str
    report_id: str
    received_at: datetime
    severity: str


@dataclass(frozen=True, slots=True)
class Statement:
    """What a reader needs of a statement. `digests` are SHA-256 in hexadecimal, by file name."""

    digests: Mapping[str, str]
    result: str
    tenant_id: str
    report_id: str
    received_at: datetime
    signed_at: datetime


def statement_text(
    facts: ReportFacts,
    report: Mapping[str, Any],
    files: Sequence[Member],
    signed_at: datetime,
) -> bytes:
    """The statement as JSON. `files` are its subjects, the report itself the first."""
    annotations = {
        "tenant": facts.tenant_id,
        "report_id": facts.report_id,
        "received_at": _written(facts.received_at),
        "signed_at": _written(signed_at),
    }
    subjects = [
        {
            "name": file.name,
            "digest": {"sha256": hashlib.sha256(file.content).hexdigest()},
            **({"annotations": annotations} if file is files[0] else {}),
        }
        for file in files
    ]
    document = {
        "_type": STATEMENT_TYPE,
        "subject": subjects,
        "predicateType": TEST_RESULT,
        "predicate": _predicate(facts.severity, report),
    }
    return orjson.dumps(document)


def read_statement(payload: bytes) -> Statement:
    """Raises StatementError."""
    try:
        document = json.loads(payload)
        if document["_type"] != STATEMENT_TYPE or document["predicateType"] != TEST_RESULT:
            raise StatementError("it is no in-toto statement on a test result")
        subjects = {subject["name"]: subject["digest"]["sha256"] for subject in document["subject"]}
        annotations = document["subject"][0]["annotations"]
        return Statement(
            subjects,
            str(document["predicate"]["result"]),
            str(annotations["tenant"]),
            str(annotations["report_id"]),
            _read(annotations["received_at"]),
            _read(annotations["signed_at"]),
        )
    except StatementError:
        raise
    except (ValueError, RecursionError, KeyError, TypeError, IndexError):
        raise StatementError("it is no statement as the collector makes it") from None


def _predicate(severity: str, report: Mapping[str, Any]) -> dict[str, Any]:
    predicate: dict[str, Any] = {
        "result": _RESULTS[severity],
        "configuration": _configuration(report),
    }
    if url := report.get("run", {}).get("url"):
        predicate["url"] = url
    outcomes = _outcomes(report)
    for outcome, name in _LISTS.items():
        predicate[name] = [test for test, came_to in outcomes.items() if came_to == outcome]
    return predicate


def _configuration(report: Mapping[str, Any]) -> list[dict[str, str]]:
    """The sender's policy, by its version; the policy itself stands in the report."""
    version = report.get("policy", {}).get("policy_version")
    if version is None:
        return []
    return [{"name": "policy", "uri": f"urn:collector:policy-version:{quote(version, safe='')}"}]


def _outcomes(report: Mapping[str, Any]) -> dict[str, str]:
    """What became of each test, by the rule that a report's severity follows too.

    Where there are evaluations these count, each the worse of verdict and severity unless it
    passed, and of several of one rule and target the worst; else the checks of `status` that ran.
    """
    evaluations = report.get("policy", {}).get("evaluations")
    if not evaluations:
        return {
            check: _OF_STATUS[value] for check, value in report["status"].items() if value != "na"
        }
    worst: dict[str, str] = {}
    for one in evaluations:
        name, verdict = f"{one['rule_id']}: {one['target']}", one["verdict"]
        outcome = verdict if verdict == "pass" else max(verdict, one["severity"], key=_rank)
        worst[name] = max(worst.get(name, "pass"), outcome, key=_rank)
    return worst


_rank = _WORST_LAST.index


def _read(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise StatementError("a time in it has no time zone")
    return moment.astimezone(UTC)


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
