"""What the peers store of a report: redacted, decided on, canonical, digested, its raw encrypted.

By the service's own rules, policy and sealer: they are not what is compared.
"""

import hashlib
import os
from datetime import UTC, datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any

import orjson

from bench.callers import Principal
from db.ids import ReportId, TenantId, id_of_tick, moment_of, tick_of
from policies.intake import decide
from policies.redaction import Redactor
from service.keyring import parse_keyring
from service.redaction import report_redactor
from service.sealing import Sealer


@lru_cache
def sealer() -> Sealer:
    return Sealer(parse_keyring(os.environ["ENCRYPTION_KEYS"]))


@lru_cache
def _redactor() -> Redactor:
    text = files("generated").joinpath("openapi.json").read_bytes()
    return report_redactor(orjson.loads(text))


def stored_values(sent: dict[str, Any], caller: Principal, request_id: str) -> dict[str, Any]:
    """The columns of a valid report."""
    content = _redacted(sent)
    policy = content.get("policy", {})
    evaluations = policy.get("evaluations", ())
    decision = decide(
        content["status"], ((e["target"], e["verdict"], e["severity"]) for e in evaluations)
    )
    report_id = id_of_tick(tick_of(datetime.now(UTC)))
    return {
        "tenant_id": caller.tenant_id,
        "id": report_id,
        "created_at": moment_of(report_id),
        "severity": decision.severity,
        "policy_version": policy.get("policy_version"),
        "source": content.get("source", {}).get("tool"),
        "stream": content.get("stream"),
        "pass_count": decision.counts.pass_,
        "warn_count": decision.counts.warn,
        "block_count": decision.counts.block,
        "inconsistencies": decision.inconsistencies,
        "sha256": hashlib.sha256(_canonical(content)).digest(),
        "key_id": caller.key_id,
        "request_id": request_id,
        **_sealed(content, caller.tenant_id, report_id),
    }


def _redacted(sent: dict[str, Any]) -> dict[str, Any]:
    if _redactor().is_clean(_canonical(sent)):
        return sent
    redacted: dict[str, Any] = _redactor().redact(sent).document
    return redacted


def _canonical(content: Any) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)


def _sealed(content: dict[str, Any], tenant_id: str, report_id: ReportId) -> dict[str, Any]:
    """The document with its raw apart, encrypted; null stands in its place."""
    if "raw" not in content:
        document = _canonical(content).decode()
        return {"document": document, "raw_kid": None, "raw_sealed": None}
    sealed = sealer().seal(TenantId(tenant_id), report_id, _canonical(content["raw"]))
    return {
        "document": _canonical({**content, "raw": None}).decode(),
        "raw_kid": sealed.key.kid,
        "raw_sealed": sealed.content,
    }


def receipt_of(values: dict[str, Any], duplicate_of: Any) -> dict[str, Any]:
    receipt = {
        "id": values["id"],
        "status": "ingested",
        "severity": values["severity"],
        "inconsistencies": values["inconsistencies"],
    }
    return receipt if duplicate_of is None else {**receipt, "duplicate_of": duplicate_of}
