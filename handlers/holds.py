"""Holds: keeping a report from retention, with a reason, and letting it go again."""

import hashlib
from uuid import UUID

from typing_extensions import override

from db import holds as stored
from db.ids import ReportId
from generated.models import Hold, HoldPage, HoldRequest
from generated.routes.holds import (
    GetHold200,
    HoldReport200,
    HoldsHandlers,
    ListHolds200,
    ReleaseHold204,
)
from generated.runtime.hooks import Page
from handlers.context import Context
from handlers.errors import NotFound
from handlers.paging import page_of, uuid_cursor
from handlers.preparation import Preparation

_REPORT = "report"


class Holds(HoldsHandlers[Context]):
    """`preparation` knows what no reason may hold."""

    def __init__(self, preparation: Preparation) -> None:
        self._preparation = preparation

    @override
    def hold_report(
        self, context: Context, /, *, report_id: UUID, body: HoldRequest
    ) -> HoldReport200:
        reason = body.reason
        self._preparation.require_no_secret("body", "/reason", reason, context.own_secret)
        with context.transaction() as transaction:
            held_by = context.principal.key_id
            hold = stored.hold_report(
                transaction, ReportId(report_id), reason=reason, held_by=held_by
            )
            if hold is None:
                raise NotFound
            # What was sent is never in the audit log; its digest tells whether it was another.
            digest = hashlib.sha256(reason.encode()).hexdigest()
            context.audit("hold_report", _REPORT, str(report_id), {"reason_sha256": digest})
        return HoldReport200(_hold(hold))

    @override
    def release_hold(self, context: Context, /, *, report_id: UUID) -> ReleaseHold204:
        with context.transaction() as transaction:
            was_held = stored.release_hold(transaction, ReportId(report_id))
            if was_held is None:
                raise NotFound
            context.audit("release_hold", _REPORT, str(report_id), {"was_held": was_held})
        return ReleaseHold204()

    @override
    def get_hold(self, context: Context, /, *, report_id: UUID) -> GetHold200:
        with context.transaction(read_only=True) as transaction:
            hold = stored.get_hold(transaction, ReportId(report_id))
        if hold is None:
            raise NotFound
        return GetHold200(_hold(hold))

    @override
    def list_holds(self, context: Context, /, *, page: Page) -> ListHolds200:
        after = uuid_cursor(page)
        before = None if after is None else ReportId(after)
        with context.transaction(read_only=True) as transaction:
            # One hold more than the page shows tells whether there is another page.
            rows = stored.list_holds(transaction, before=before, limit=page.limit + 1)
        shown = page_of(rows, page, lambda row: row.report_id)
        items = [_hold(row) for row in shown.rows]
        return ListHolds200(HoldPage.model_construct(items=items, next_page_token=shown.next_token))


def _hold(row: stored.HoldRow) -> Hold:
    return Hold.model_construct(
        report_id=row.report_id, reason=row.reason, held_by=row.held_by, held_at=row.held_at
    )
