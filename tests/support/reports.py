"""Reports to send, as small as they come or with evaluations."""

from typing import Any, Final

from tests.support.contract import operations

SMALLEST: Final[dict[str, Any]] = {"status": {"api": "pass"}}

PREDECESSOR: Final[dict[str, Any]] = operations()["ingest_qc"].node["requestBody"]["content"][
    "application/json"
]["examples"]["predecessor"]["value"]
"""The payload of the predecessor's clients: five fields, six checks."""


def judged(*judgements: tuple[str, str, str], **status: str) -> dict[str, Any]:
    """A report with an evaluation for each (target, verdict, severity)."""
    evaluations = [
        {"rule_id": f"rule-{number}", "target": target, "verdict": verdict, "severity": severity}
        for number, (target, verdict, severity) in enumerate(judgements)
    ]
    return {"status": status, "policy": {"evaluations": evaluations}}
