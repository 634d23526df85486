"""What both peers answer of a row, and the entity tags of it; plain values, no framework's."""

import hashlib
import json
from typing import Any

from bench.store.preparation import sealer
from db.ids import TenantId


def summary_of(row: Any) -> dict[str, Any]:
    """A report in a list."""
    return {
        "id": row.id,
        "created_at": row.created_at,
        "severity": row.severity,
        "policy_version": row.policy_version,
        "source": row.source,
        "stream": row.stream,
        "counts": _counts(row),
    }


def report_of(row: Any, tenant_id: str) -> dict[str, Any]:
    """A report, whole."""
    return {
        "id": row.id,
        "created_at": row.created_at,
        "severity": row.severity,
        "counts": _counts(row),
        "inconsistencies": row.inconsistencies,
        "duplicate_of": row.duplicate_of,
        "sha256": bytes(row.sha256).hex(),
        "report": _whole(row, tenant_id),
    }


def _whole(row: Any, tenant_id: str) -> Any:
    report = json.loads(row.document)
    if row.raw_kid is not None:
        sealed = bytes(row.raw_sealed)
        report["raw"] = json.loads(sealer().open(TenantId(tenant_id), row.id, row.raw_kid, sealed))
    return report


def _counts(row: Any) -> dict[str, int]:
    return {"pass": row.pass_count, "warn": row.warn_count, "block": row.block_count}


def query_tag(query: str, revisions: str) -> str:
    """The entity tag of a query's answer, in the state that `revisions` name."""
    digest = hashlib.sha256("\0".join((query, revisions)).encode()).hexdigest()
    return f'"{digest[:32]}"'


def object_tag(row: Any) -> str:
    """The entity tag of a report, which never changes."""
    return f'"{bytes(row.sha256).hex()[:32]}"'


def matches(if_none_match: str | None, tag: str) -> bool:
    if if_none_match is None:
        return False
    entries = [entry.strip().removeprefix("W/") for entry in if_none_match.split(",")]
    return tag in entries or entries == ["*"]
