"""The tables as this program expects them; migrations make them, and `check_schema` compares.

Policies and grants stand in `db.access`, functions in `db.functions`. Filter columns are text,
int, uuid or timestamptz only: other operators aren't leakproof, so row level security would keep
them from using an index.
"""

from typing import Final

from db.tables.auditing import audit_entries, audit_heads, audit_segments, ingest_journal
from db.tables.columns import metadata
from db.tables.evidence import link_grants, report_bundles
from db.tables.exporting import export_parts, exports
from db.tables.jobs import job_outcomes
from db.tables.keeping import report_holds, report_leases
from db.tables.reporting import (
    encryption_key_uses,
    epoch,
    idempotency_keys,
    report_digests,
    reports,
    revisions,
)
from db.tables.retaining import retention_failures, retention_runs

__all__ = [
    "TENANT_TABLES",
    "audit_entries",
    "audit_heads",
    "audit_segments",
    "encryption_key_uses",
    "epoch",
    "export_parts",
    "exports",
    "idempotency_keys",
    "ingest_journal",
    "job_outcomes",
    "link_grants",
    "metadata",
    "report_bundles",
    "report_digests",
    "report_holds",
    "report_leases",
    "reports",
    "retention_failures",
    "retention_runs",
    "revisions",
]

TENANT_TABLES: Final = (
    reports,
    report_digests,
    idempotency_keys,
    revisions,
    audit_heads,
    audit_entries,
    ingest_journal,
    audit_segments,
    report_bundles,
    link_grants,
    report_holds,
    report_leases,
    exports,
    export_parts,
    retention_runs,
    retention_failures,
)
