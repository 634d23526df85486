"""Reports to store in tests, each with content of its own unless told otherwise."""

import hashlib
import json
import uuid

from db.reports import NewReport, ReportContent


def new_report(
    severity: str = "info",
    *,
    content: str | None = None,
    policy_version: str | None = "2026.11",
    source: str | None = "qc-runner",
    stream: str | None = "checkout/main",
    request_id: str = "request-1",
) -> NewReport:
    document = json.dumps({"notes": [content or uuid.uuid4().hex]})
    stored = ReportContent(
        severity=severity,
        policy_version=policy_version,
        source=source,
        stream=stream,
        pass_count=1,
        warn_count=2,
        block_count=3,
        inconsistencies=0,
        sha256=hashlib.sha256(document.encode()).digest(),
        redaction=None,
        document=document,
    )
    return NewReport(stored, None, "key-1", request_id)


# Stores %(count)s reports of one tenant, evenly over a span of time, past the clock of the
# database: for tests of paging, plans and pruning. Run it as the owner.
BACKFILL = """
INSERT INTO reports (tenant_id, id, created_at, severity, policy_version, source, stream,
  pass_count, warn_count, block_count, inconsistencies, sha256, key_id, request_id, document)
SELECT %(tenant)s, collector_uuid7(moment), date_trunc('milliseconds', moment),
  CASE WHEN n %% 50 = 0 THEN 'block' WHEN n %% 7 = 0 THEN 'warn' ELSE 'info' END,
  'policy-' || n %% 40, 'source-' || n %% 40, 'stream-' || n %% 40,
  1, 0, 0, 0, sha256(n::text::bytea), 'key-1', 'request-1', '{}'
FROM generate_series(1, %(count)s) AS n,
LATERAL (SELECT %(start)s::timestamptz + %(span)s::interval * n / %(count)s AS moment) AS clock
"""
