"""Takes reports in: decides on them and stores them whole."""

from collections.abc import Callable, Mapping
from typing import Any, cast
from uuid import UUID

import orjson
from typing_extensions import override

from db.ids import ReportId
from db.reports import NewReport, ReportRow, get_report, insert_report
from formats.errors import TranslationError
from formats.registry import FORMATS
from generated.models import IngestReceipt, QcReport, Redaction, Severity, Stream, ToolFormat
from generated.routes.ingest import (
    IngestBatch200,
    IngestHandlers,
    IngestQc201,
    IngestToolOutput201,
)
from generated.runtime.encoded_json import EncodedJson
from generated.runtime.json_lines import JsonLines
from handlers.batch import store_batch
from handlers.context import Context
from handlers.errors import InvalidValue, NotConfigured, NotFound, Untranslatable
from handlers.preparation import Preparation
from handlers.sealing import RawSealer, require_sealer, seal_raw


class Ingest(IngestHandlers[Context]):
    """`digest_original` makes the keyed digest of a tool's output, `sealer` encrypts raw; None if
    no key is configured.
    """

    def __init__(
        self,
        preparation: Preparation,
        digest_original: Callable[[bytes], str] | None,
        sealer: RawSealer | None,
    ) -> None:
        self._preparation = preparation
        self._sealer = sealer
        self._digest_original = digest_original

    @override
    def ingest_qc(self, context: Context, /, *, body: QcReport) -> IngestQc201:
        receipt = self._replayed(context) or self._store(context, context.sent)
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

    @override
    def ingest_batch(
        self, context: Context, /, *, atomic: bool = False, body: JsonLines[QcReport]
    ) -> IngestBatch200:
        answer = context.replayed_answer
        if answer is None:
            answer = store_batch(context, self._preparation, self._sealer, body, atomic=atomic)
        return IngestBatch200(EncodedJson(answer))

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
            self._preparation.require_no_secret("query", "/stream", stream, context.own_secret)
            document["stream"] = stream
        # The translators keep to the contract by their own types; this holds them to it.
        QcReport.model_validate(document)
        return self._store(context, document, self._digest_original(body))

    def _store(
        self, context: Context, sent: Mapping[str, Any], original_digest: str | None = None
    ) -> IngestReceipt:
        prepared = self._preparation.prepare(sent, context.own_secret)
        if prepared.raw is not None:
            # Before a transaction is opened for what can't be stored.
            require_sealer(self._sealer)
        with context.transaction() as transaction:
            report_id = transaction.new_report_id()
            raw = seal_raw(self._sealer, transaction.tenant_id, report_id, prepared.raw)
            key_id = context.principal.key_id
            new = NewReport(prepared.content, original_digest, key_id, context.request_id, raw)
            stored = insert_report(transaction, new, report_id)
        context.reference = str(stored.id)
        content = prepared.content
        return _receipt(
            stored.id,
            cast(Severity, content.severity),
            stored.duplicate_of,
            content.inconsistencies,
            content.redaction,
        )

    def _replayed(self, context: Context) -> IngestReceipt | None:
        """The receipt of the earlier request with the same idempotency key, made anew."""
        if context.replay_of is None:
            return None
        report_id = ReportId(UUID(context.replay_of))
        with context.transaction() as transaction:
            row: ReportRow | None = get_report(transaction, report_id)
        if row is None:
            raise NotFound
        severity = cast(Severity, row.severity)
        return _receipt(row.id, severity, row.duplicate_of, row.inconsistencies, row.redaction)


def _receipt(
    report_id: ReportId,
    severity: Severity,
    duplicate_of: ReportId | None,
    inconsistencies: int,
    redaction: str | None,
) -> IngestReceipt:
    optional: dict[str, Any] = {"inconsistencies": inconsistencies}
    if redaction is not None:
        optional["redaction"] = Redaction.model_construct(**orjson.loads(redaction))
    if duplicate_of is not None:
        optional["duplicate_of"] = duplicate_of
    return IngestReceipt.model_construct(
        id=report_id, status="ingested", severity=severity, **optional
    )


def _location(receipt: IngestReceipt) -> str:
    return f"/reports/{receipt.id}"
