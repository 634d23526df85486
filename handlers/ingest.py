"""Takes reports in: decides on them and stores them whole."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, cast
from uuid import UUID

import orjson
from typing_extensions import override

from db.ids import ReportId
from db.reports import NewReport, ReportRow, get_report, insert_report
from formats.errors import TranslationError
from formats.registry import FORMATS
from generated.models import IngestReceipt, QcReport, Severity, Stream, ToolFormat
from generated.routes.ingest import IngestHandlers, IngestQc201, IngestToolOutput201
from handlers.context import Context
from handlers.errors import InvalidValue, NotConfigured, NotFound, Untranslatable
from policies.intake import Decision, decide


class Ingest(IngestHandlers[Context]):
    """`digest_original` makes the keyed digest of a tool's output; None if no key is configured."""

    def __init__(self, digest_original: Callable[[bytes], str] | None) -> None:
        self._digest_original = digest_original

    @override
    def ingest_qc(self, context: Context, /, *, body: QcReport) -> IngestQc201:
        receipt = self._replayed(context) or self._store(context, body, context.sent)
        return IngestQc201(receipt, location=_location(receipt))

    @override
    def ingest_tool_output(
        self,
        context: Context,
        /,
        *,
        body: bytes,
        content_type: str,
        format: ToolFormat,
        stream: Stream | None = None,
    ) -> IngestToolOutput201:
        receipt = self._replayed(context) or self._translate(
            context, body, content_type, format, stream
        )
        return IngestToolOutput201(receipt, location=_location(receipt))

    def _translate(
        self,
        context: Context,
        body: bytes,
        content_type: str,
        format: ToolFormat,
        stream: Stream | None,
    ) -> IngestReceipt:
        if self._digest_original is None:
            raise NotConfigured("Tool output can't be taken: ENCRYPTION_KEYS is not set.")
        translator = FORMATS[format]
        if content_type not in translator.media_types:
            accepted = ", ".join(translator.media_types)
            raise InvalidValue(
                "header", "/Content-Type", "mediaType", accepted, f"{format} comes as {accepted}."
            )
        try:
            document = translator.translate(body)
        except TranslationError as error:
            limit = None if error.limit is None else str(error.limit)
            raise Untranslatable(error.detail, error.pointer, limit) from error
        if stream is not None:
            document["stream"] = stream
        report = QcReport.model_validate(document)
        return self._store(context, report, document, self._digest_original(body))

    def _store(
        self,
        context: Context,
        report: QcReport,
        sent: Mapping[str, Any],
        original_digest: str | None = None,
    ) -> IngestReceipt:
        # What is stored is what was sent, not the model of it, which may round a time.
        decision = _decide(report)
        document = canonical_json(sent)
        new = NewReport(
            severity=decision.severity,
            policy_version=report.policy.policy_version if report.policy else None,
            source=report.source.tool if report.source else None,
            stream=report.stream,
            pass_count=decision.counts.pass_,
            warn_count=decision.counts.warn,
            block_count=decision.counts.block,
            inconsistencies=decision.inconsistencies,
            sha256=hashlib.sha256(document.encode()).digest(),
            original_digest=original_digest,
            key_id=context.principal.key_id,
            request_id=context.request_id,
            document=document,
        )
        with context.transaction() as transaction:
            stored = insert_report(transaction, new)
        context.reference = str(stored.id)
        return _receipt(stored.id, decision.severity, stored.duplicate_of, decision.inconsistencies)

    def _replayed(self, context: Context) -> IngestReceipt | None:
        """The receipt of the earlier request with the same idempotency key, made anew."""
        if context.replay_of is None:
            return None
        report_id = ReportId(UUID(context.replay_of))
        with context.transaction() as transaction:
            row: ReportRow | None = get_report(transaction, report_id)
        if row is None:
            raise NotFound
        return _receipt(row.id, cast(Severity, row.severity), row.duplicate_of, row.inconsistencies)


def _decide(report: QcReport) -> Decision:
    evaluations = (report.policy.evaluations if report.policy else None) or []
    judgements = ((each.target, each.verdict, each.severity) for each in evaluations)
    return decide(report.status, judgements)


def canonical_json(document: Mapping[str, Any]) -> str:
    """A report as it is stored and hashed: keys sorted, no spaces, UTF-8, each value as it came."""
    try:
        return orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:
        # orjson knows no integer past 64 bits; these reports are rare, and must lose nothing.
        return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _receipt(
    report_id: ReportId, severity: Severity, duplicate_of: ReportId | None, inconsistencies: int
) -> IngestReceipt:
    optional: dict[str, Any] = {"inconsistencies": inconsistencies}
    if duplicate_of is not None:
        optional["duplicate_of"] = duplicate_of
    return IngestReceipt.model_construct(
        id=report_id, status="ingested", severity=severity, **optional
    )


def _location(receipt: IngestReceipt) -> str:
    return f"/reports/{receipt.id}"
