"""What a report is stored with: what was made of it, and who sent it by which request."""

from db.reports import NewReport, SealedRaw
from handlers.context import Context
from handlers.preparation import PreparedReport


def new_report(
    context: Context,
    prepared: PreparedReport,
    original_digest: str | None,
    raw: SealedRaw | None,
) -> NewReport:
    decision = prepared.decision
    return NewReport(
        severity=decision.severity,
        policy_version=prepared.policy_version,
        source=prepared.source,
        stream=prepared.stream,
        pass_count=decision.counts.pass_,
        warn_count=decision.counts.warn,
        block_count=decision.counts.block,
        inconsistencies=decision.inconsistencies,
        sha256=prepared.sha256,
        original_digest=original_digest,
        key_id=context.principal.key_id,
        request_id=context.request_id,
        redaction=prepared.redaction,
        document=prepared.document,
        raw=raw,
    )
