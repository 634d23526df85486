"""For auditors and administrators: the audit log, whether it is whole, and the chain itself."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import orjson
from typing_extensions import override

from db import audit_log as stored
from generated.models import AuditAction, AuditActor, AuditObject, AuditOutcome, AuditSeq
from generated.routes.admin import (
    AdminHandlers,
    GetAuditChain200,
    ListAuditLogs200,
    VerifyAudit200,
)
from generated.runtime.encoded_json import EncodedJson
from generated.runtime.hooks import Page
from handlers.auditing import Checkpoints, Verification, chain_part, verify_chain
from handlers.context import Context
from handlers.errors import ForeignCursor
from handlers.paging import COUNTED_AT_MOST, page_of, total_of
from policies.audit_entries import read_body
from policies.published_keys import PublishedKey

_LARGEST_SEQ: Final = 2**63 - 1


class Admin(AdminHandlers[Context]):
    """`keys` are those that checkpoints may be signed by; `checkpoints` None where none are kept.

    Reads are recorded by the hooks, as the contract's `x-audit` asks.
    """

    def __init__(self, checkpoints: Checkpoints | None, keys: Sequence[PublishedKey]) -> None:
        self._checkpoints = checkpoints
        self._keys = keys

    @override
    def list_audit_logs(
        self,
        context: Context,
        /,
        *,
        action: AuditAction | None = None,
        actor: AuditActor | None = None,
        object: AuditObject | None = None,
        outcome: AuditOutcome | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        include_total: bool = False,
        page: Page,
    ) -> ListAuditLogs200:
        filters = stored.AuditFilters(action, actor, object, outcome, _utc(since), _utc(until))
        before = _cursor(page)
        with context.transaction(read_only=True) as transaction:
            # One entry more than the page shows tells whether there is another page.
            rows = stored.list_entries(transaction, filters, before=before, limit=page.limit + 1)
            total = (
                {"total": total_of(stored.count_entries(transaction, filters, COUNTED_AT_MOST))}
                if include_total
                else {}
            )
        shown = page_of(rows, page, lambda row: row.seq)
        body = {
            "items": [_shown(row) for row in shown.rows],
            "next_page_token": shown.next_token,
            **total,
        }
        return ListAuditLogs200(EncodedJson(orjson.dumps(body, option=orjson.OPT_UTC_Z)))

    @override
    def verify_audit(self, context: Context, /, *, after: AuditSeq | None = None) -> VerifyAudit200:
        found = verify_chain(context, self._checkpoints, self._keys, after or 0)
        return VerifyAudit200(EncodedJson(orjson.dumps(_told(found), option=orjson.OPT_UTC_Z)))

    @override
    def get_audit_chain(
        self, context: Context, /, *, after: AuditSeq | None = None
    ) -> GetAuditChain200:
        return GetAuditChain200(EncodedJson(orjson.dumps(chain_part(context, after or 0))))


def _utc(moment: datetime | None) -> datetime | None:
    """RFC 3339 knows offsets to almost a day, PostgreSQL to less than 16 hours."""
    return None if moment is None else moment.astimezone(UTC)


def _cursor(page: Page) -> int | None:
    """Where the page begins. Tokens are bound to their query but no secret: anyone can make one."""
    if page.after is None:
        return None
    if not page.after.isascii() or not page.after.isdecimal() or len(page.after) > 19:
        raise ForeignCursor
    return min(int(page.after), _LARGEST_SEQ)


def _shown(row: stored.AuditEntryRow) -> dict[str, object]:
    body = read_body(row.body) or {}
    details = body.get("details")
    return {
        "seq": row.seq,
        "at": row.at,
        "action": row.action,
        "actor": row.actor,
        "role": _text(body.get("role")),
        "object_type": row.object_type,
        "object_id": row.object_id,
        "outcome": row.outcome,
        "request_id": _text(body.get("request_id")),
        "details": details if isinstance(details, dict) else {},
        "hash": row.hash.hex(),
    }


def _text(value: object) -> str | None:
    """Of an entry that was changed past this program, anything may come."""
    return value if isinstance(value, str) else None


def _told(found: Verification) -> dict[str, object]:
    check, state, newest = found.check, found.state, found.row.newest
    named = found.named
    covered = named.seq if named else 0
    return {
        "holds": not found.findings,
        "findings": [
            {
                "fault": each.fault.value,
                "detail": each.detail,
                "seq": each.seq,
                "checkpoint": each.checkpoint,
            }
            for each in found.findings[:100]
        ],
        "first": check.after.seq + 1 if check.entries else check.after.seq,
        "last": check.last.seq,
        "entries": check.entries,
        "sealed_reports": check.sealed_reports,
        "next_after": found.next_after,
        "dropped_through": state.dropped_through,
        "unprotected": max(state.head_seq - covered, 0),
        "unsealed": {"requests": state.unsealed_requests, "since": state.unsealed_since},
        "checkpoint": newest and {"number": newest.number, "at": newest.at, "seq": covered},
    }
