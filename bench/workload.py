"""The requests that are measured, and the data they are measured on. Starts and sends nothing."""

import json
from dataclasses import dataclass
from typing import Any, Final

TENANT: Final = "bench"
OPERATOR_KEY: Final = "operator-key-of-the-benchmark-alone"
VIEWER_KEY: Final = "viewer-key-of-the-benchmark-alone"
API_KEYS: Final = (
    f"bench-operator:{TENANT}:operator:{OPERATOR_KEY},bench-viewer:{TENANT}:viewer:{VIEWER_KEY}"
)
PAGE: Final = 50
COUNTER: Final = "0" * 16
"""Stands in a body where each request puts a number of its own."""
REPORT_ID: Final = "REPORT-ID"
"""Stands in a path where the id of a stored report belongs."""

# The predecessor's payload: six checks, a diff, a policy's evaluations, about 1 KB.
REPORT: Final[dict[str, Any]] = {
    "status": {
        "api": "pass",
        "jwks": "pass",
        "holidays": "na",
        "observability": "warn",
        "ics": "pass",
        "lighthouse": "pass",
    },
    "diff": {
        "summary": [
            {"id": "lcp", "trend": "up", "deltaPct": 4.2},
            {"id": "cls", "trend": "flat", "deltaPct": 0.0},
        ]
    },
    "policy": {
        "policy_version": "2026.11",
        "created_at": "2026-11-20T08:00:00Z",
        "topN": 10,
        "evaluations": [
            {
                "rule_id": "metrics.present",
                "target": "observability",
                "verdict": "warn",
                "severity": "warn",
                "message": "No latency histogram is exported",
            },
            {
                "rule_id": "lighthouse.performance",
                "target": "lighthouse",
                "verdict": "pass",
                "severity": "info",
                "message": "Performance 0.93, at least 0.90 is asked for",
            },
            {
                "rule_id": "jwks.rotation",
                "target": "jwks",
                "verdict": "pass",
                "severity": "info",
                "message": "Two keys are published, the older one retires in 12 days",
            },
        ],
    },
    "notes": ["Nightly run", "The holiday calendar of the coming year is not published yet"],
    "raw": {"lcp_ms": 1840, "cls": 0.02, "requests": 61, "build": COUNTER},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One operation as it is sent again and again.

    `path` may hold REPORT_ID. `conditional` sends along the entity tag of an answer got beforehand.
    `body` may hold COUNTER: reports are told apart by it, as equal ones would queue up behind one
    another's digest. `lines` is how many reports a batch has; such a workload has one client.
    """

    name: str
    method: str
    path: str
    status: int
    body: str = ""
    media_type: str = "application/json"
    conditional: bool = False
    lines: int = 0


_PAGE_PATH: Final = f"/reports?limit={PAGE}"
LIST: Final = Workload(name=f"list {PAGE} reports", method="GET", path=_PAGE_PATH, status=200)
NOT_MODIFIED: Final = Workload(
    name=f"list {PAGE}, not modified", method="GET", path=_PAGE_PATH, status=304, conditional=True
)
INGEST: Final = Workload(
    name="ingest one report", method="POST", path="/ingest/qc", status=201, body=json.dumps(REPORT)
)
SINGLE: Final = (
    LIST,
    Workload(
        name=f"list {PAGE} by severity",
        method="GET",
        path=f"{_PAGE_PATH}&severity=block",
        status=200,
    ),
    Workload(
        name=f"list {PAGE} by stream",
        method="GET",
        path=f"{_PAGE_PATH}&stream=service-3/main",
        status=200,
    ),
    Workload(name="get one report", method="GET", path=f"/reports/{REPORT_ID}", status=200),
    NOT_MODIFIED,
    INGEST,
)


def batch(lines: int) -> Workload:
    """A batch of reports, each with a number of its own beside that of its batch."""
    text = json.dumps(REPORT)
    body = "\n".join(text.replace('"requests": 61', f'"line": {line}') for line in range(lines))
    return Workload(
        name=f"batch of {lines:,}",
        method="POST",
        path="/ingest/qc/batch",
        status=200,
        body=body,
        media_type="application/x-ndjson",
        lines=lines,
    )


def headers(key: str = OPERATOR_KEY) -> dict[str, str]:
    return {"X-Api-Key": key, "X-Tenant": TENANT}
