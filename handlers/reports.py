"""Reports come out: one, or a page of them."""

from datetime import datetime
from uuid import UUID

import orjson
from typing_extensions import override

from db import reports as stored
from db.ids import ReportId
from generated.models import PolicyVersion, Severity, Stream, ToolName
from generated.routes.reports import GetReport200, ListReports200, ReportsHandlers
from generated.runtime.encoded_json import EncodedJson
from generated.runtime.hooks import Page
from handlers.context import Context
from handlers.errors import NotFound
from handlers.paging import COUNTED_AT_MOST, page_of, total_of, uuid_cursor
from handlers.sealing import RawSealer, opened_text


class Reports(ReportsHandlers[Context]):
    """`sealer` decrypts raw; None if no key is configured."""

    def __init__(self, sealer: RawSealer | None) -> None:
        self._sealer = sealer

    @override
    def list_reports(
        self,
        context: Context,
        /,
        *,
        page: Page,
        severity: list[Severity] | None = None,
        policy_version: PolicyVersion | None = None,
        source: ToolName | None = None,
        stream: Stream | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        include_total: bool = False,
    ) -> ListReports200:
        filters = stored.ReportFilters(
            severities=tuple(severity or ()),
            policy_version=policy_version,
            since=since,
            until=until,
            source=source,
            stream=stream,
        )
        after = uuid_cursor(page)
        with context.transaction(read_only=True) as transaction:
            # One row more than the page shows tells whether there is another page.
            rows = stored.list_reports(transaction, filters, after=after, limit=page.limit + 1)
            total = (
                {"total": total_of(stored.count_reports(transaction, filters, COUNTED_AT_MOST))}
                if include_total
                else {}
            )
        shown = page_of(rows, page, lambda row: row.id)
        items = [_summary(row) for row in shown.rows]
        # Plain values, as models of a page's reports would cost more than all the rest of it.
        body = orjson.dumps(
            {"items": items, "next_page_token": shown.next_token, **total}, option=orjson.OPT_UTC_Z
        )
        return ListReports200(EncodedJson(body))

    @override
    def get_report(self, context: Context, /, *, report_id: UUID) -> GetReport200:
        tenant_id = context.principal.tenant_id
        row = stored.look_up_report(context.database, tenant_id, ReportId(report_id))
        if row is None:
            raise NotFound
        # The stored text itself, not a model of it: a report leaves as it came, to the last digit.
        text = opened_text(self._sealer, tenant_id, row)
        return GetReport200(EncodedJson(_envelope(row, text)), etag=row.sha256.hex())


def _envelope(row: stored.ReportRow, text: bytes) -> bytes:
    fields = {
        "id": row.id,
        "created_at": row.created_at,
        "severity": row.severity,
        "counts": _counts(row),
        "inconsistencies": row.inconsistencies,
        "duplicate_of": row.duplicate_of,
        "sha256": row.sha256.hex(),
    }
    head = orjson.dumps(fields, option=orjson.OPT_UTC_Z)
    redaction = b"" if row.redaction is None else b',"redaction":' + row.redaction.encode()
    return head[:-1] + redaction + b',"report":' + text + b"}"


def _summary(row: stored.ReportSummaryRow) -> dict[str, object]:
    return {
        "id": row.id,
        "created_at": row.created_at,
        "severity": row.severity,
        "policy_version": row.policy_version,
        "source": row.source,
        "stream": row.stream,
        "counts": _counts(row),
    }


def _counts(row: stored.ReportSummaryRow | stored.ReportRow) -> dict[str, int]:
    return {"pass": row.pass_count, "warn": row.warn_count, "block": row.block_count}
