"""What holds of every translated document, whatever it was translated from."""

import json
import re
from pathlib import Path
from typing import Final

import jsonschema_rs
import yaml

from formats import document as bounds
from formats.document import Evaluation, QcDocument

SAMPLES: Final = Path(__file__).parent.parent / "samples"

_CONTRACT: Final = yaml.safe_load(
    (Path(__file__).parents[2] / "openapi.yaml").read_text(encoding="utf-8")
)
_QC_REPORT: Final = jsonschema_rs.Draft202012Validator(
    {"$ref": "#/components/schemas/QcReport", "components": _CONTRACT["components"]}
)

_STATUS_OF: Final = {"block": "fail", "warn": "warn", "pass": "pass"}
_WORST_FIRST: Final = ("block", "warn", "pass")


def sample(name: str) -> bytes:
    """Return one of the committed reports of real tools."""
    return (SAMPLES / name).read_bytes()


def evaluations_of(report: QcDocument) -> list[Evaluation]:
    return report["policy"]["evaluations"]


def outcomes_of(report: QcDocument) -> list[str]:
    """Verdict and severity of each evaluation, as `verdict/severity`."""
    return [f"{item['verdict']}/{item['severity']}" for item in evaluations_of(report)]


def summary_of(report: QcDocument) -> dict[str, float]:
    return {item["id"]: item["deltaPct"] for item in report["diff"]["summary"]}


def assert_within_contract(report: QcDocument) -> None:
    """Check every bound of the contract, and that status follows from the evaluations."""
    assert [error.message for error in _QC_REPORT.iter_errors(json.loads(json.dumps(report)))] == []
    evaluations = evaluations_of(report)
    assert len(evaluations) <= bounds.MAX_EVALUATIONS
    for evaluation in evaluations:
        assert 0 < len(evaluation["rule_id"]) <= bounds.MAX_RULE_ID
        assert 0 < len(evaluation["target"]) <= bounds.MAX_TARGET
        assert 0 < len(evaluation["message"]) <= bounds.MAX_MESSAGE
        assert (evaluation["verdict"], evaluation["severity"]) in {
            ("pass", "info"),
            ("warn", "warn"),
            ("block", "block"),
        }
    assert 0 < len(report["status"]) <= bounds.MAX_CHECKS
    for check, status in report["status"].items():
        assert 0 < len(check) <= bounds.MAX_CHECK_NAME
        verdicts = {item["verdict"] for item in evaluations if item["target"] == check}
        if verdicts:
            assert status == _STATUS_OF[next(v for v in _WORST_FIRST if v in verdicts)]
        else:
            assert status in ("na", "pass")
    assert {item["target"] for item in evaluations} <= set(report["status"])
    assert len(report["notes"]) <= bounds.MAX_NOTES
    assert all(0 < len(note) <= bounds.MAX_NOTE for note in report["notes"])
    assert len(report["diff"]["summary"]) <= bounds.MAX_SUMMARY_ITEMS
    for item in report["diff"]["summary"]:
        assert 0 < len(item["id"]) <= bounds.MAX_SUMMARY_ID
        assert item["trend"] == "flat"
        assert 0 <= item["deltaPct"] <= bounds.MAX_SUMMARY_VALUE
    assert 0 < len(report["source"]["tool"]) <= bounds.MAX_TOOL
    assert 0 < len(report["source"].get("version", "-")) <= bounds.MAX_TOOL_VERSION
    assert len(report["policy"].get("policy_version") or "") <= bounds.MAX_POLICY_VERSION
    assert re.fullmatch(bounds.STREAM_PATTERN, report.get("stream", "a"))
