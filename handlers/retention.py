"""Retention: what would be deleted, having it deleted, and what became of it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import orjson
from typing_extensions import override

from db import retention_runs as stored
from db.errors import ConstraintViolated
from db.ids import moment_of
from db.jobs import enqueue
from db.transaction import Transaction
from generated.models import RetentionCommit, RetentionRequest
from generated.routes.retention import (
    GetRetentionRun200,
    ListRetentionRuns200,
    RetentionHandlers,
    RunRetention200,
    RunRetention202,
)
from generated.runtime.encoded_json import EncodedJson
from generated.runtime.hooks import Page
from handlers.context import Context
from handlers.errors import NotFound, PlanOutdated, RetentionAtWork
from handlers.paging import page_of, uuid_cursor
from handlers.planning import current_plan, dry_run
from policies.retention import has_expired
from policies.retention_rules import RetentionRules

TASK: Final = "run_retention"
"""The worker's task that carries a committed run out."""
RUN: Final = "retention_run"
"""What the audit log calls a run."""


class Retention(RetentionHandlers[Context]):
    def __init__(self, rules: RetentionRules) -> None:
        self._rules = rules

    @override
    def run_retention(
        self, context: Context, /, *, body: RetentionRequest | None = None
    ) -> RunRetention200 | RunRetention202:
        if isinstance(body, RetentionCommit):
            return self._commit(context, body)
        return RunRetention200(_encoded(_plan(self._planned(context))))

    def _planned(self, context: Context) -> stored.RunRow:
        with context.transaction() as transaction:
            run = dry_run(transaction, self._rules, context.principal.key_id)
            context.audit("run_retention", RUN, str(run.run_id), _told(run, "dry_run"))
        return run

    def _commit(self, context: Context, body: RetentionCommit) -> RunRetention202:
        plan_hash = bytes.fromhex(body.plan_hash)
        try:
            with context.transaction() as transaction:
                run = self._committed(context, transaction, body.run_id, plan_hash)
        except ConstraintViolated as error:
            raise RetentionAtWork from error
        if run is None:
            # In a transaction of its own: the other one came to nothing, and this one stays.
            raise PlanOutdated(_plan(self._planned(context)))
        location = f"/admin/retention/runs/{run.run_id}"
        return RunRetention202(_encoded(_run(run)), location=location)

    def _committed(
        self, context: Context, transaction: Transaction, run_id: UUID, plan_hash: bytes
    ) -> stored.RunRow | None:
        """The run, to be carried out; None if its plan is not what would be deleted now."""
        run = stored.lock_run(transaction, run_id)
        if run is None:
            raise NotFound
        if run.plan_hash != plan_hash:
            return None
        if run.committed_at is not None:
            return run
        if stored.run_at_work(transaction) is not None:
            raise RetentionAtWork
        if has_expired(run.created_at, transaction.began_at):
            return None
        if current_plan(transaction, run.cutoff).hash != plan_hash:
            return None
        stored.commit_run(transaction, run_id, context.principal.key_id)
        enqueue_run(transaction, run_id)
        context.audit("run_retention", RUN, str(run_id), _told(run, "commit"))
        return stored.get_run(transaction, run_id)

    @override
    def list_retention_runs(self, context: Context, /, *, page: Page) -> ListRetentionRuns200:
        before = uuid_cursor(page)
        with context.transaction(read_only=True) as transaction:
            # One run more than the page shows tells whether there is another page.
            rows = stored.list_runs(transaction, before=before, limit=page.limit + 1)
        shown = page_of(rows, page, lambda row: row.run_id)
        body = {"items": [_run(row) for row in shown.rows], "next_page_token": shown.next_token}
        return ListRetentionRuns200(_encoded(body))

    @override
    def get_retention_run(
        self, context: Context, /, *, run_id: UUID, page: Page
    ) -> GetRetentionRun200:
        after = uuid_cursor(page)
        with context.transaction(read_only=True) as transaction:
            run = stored.get_run(transaction, run_id)
            if run is None:
                raise NotFound
            # One failure more than the page shows tells whether there is another page.
            rows = stored.list_failures(transaction, run_id, after=after, limit=page.limit + 1)
        shown = page_of(rows, page, lambda row: row.first_id)
        body = {
            "run": _run(run),
            "failures": [_failure(row) for row in shown.rows],
            "next_page_token": shown.next_token,
        }
        return GetRetentionRun200(_encoded(body))


def enqueue_run(transaction: Transaction, run_id: UUID, seconds: float = 0) -> None:
    """Have a worker take the run up, so many seconds from now at the earliest; one at a time."""
    lock = f"retention:{run_id}"
    not_before = transaction.began_at + timedelta(seconds=seconds) if seconds else None
    enqueue(
        transaction,
        TASK,
        {"run_id": str(run_id)},
        lock=lock,
        queueing_lock=lock,
        not_before=not_before,
    )


def _told(run: stored.RunRow, mode: str) -> dict[str, object]:
    """What the audit log tells of a dry run or a commit."""
    return {
        "mode": mode,
        "cutoff": run.cutoff.isoformat(),
        "plan_hash": run.plan_hash.hex(),
        "candidates": run.candidates,
        "held": run.held,
    }


def _encoded(body: Mapping[str, Any]) -> EncodedJson:
    return EncodedJson(orjson.dumps(body, option=orjson.OPT_UTC_Z))


def _what(run: stored.RunRow) -> dict[str, Any]:
    """What a plan and a run have in common."""
    return {
        "run_id": run.run_id,
        "created_at": run.created_at,
        "created_by": run.created_by,
        "retain_days": run.retain_days,
        "cutoff": run.cutoff,
        "plan_hash": run.plan_hash.hex(),
        "candidates": run.candidates,
        "held": run.held,
        "oldest": run.first_id and moment_of(run.first_id),
        "newest": run.last_id and moment_of(run.last_id),
        "warnings": run.warnings,
    }


def _plan(run: stored.RunRow) -> dict[str, Any]:
    months = [{"month": month, "reports": count} for month, count in run.by_month.items()]
    return {**_what(run), "mode": "dry_run", "by_month": months}


def _run(run: stored.RunRow) -> dict[str, Any]:
    return {
        **_what(run),
        "mode": "dry_run" if run.committed_at is None else "commit",
        "status": run.status,
        "committed_at": run.committed_at,
        "committed_by": run.committed_by,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "deleted": run.deleted,
        "failed": run.failed,
        "waits_for": run.waits_for,
        "failure": run.failure,
    }


def _failure(row: stored.FailureRow) -> dict[str, Any]:
    return {
        "first_report_id": row.first_id,
        "last_report_id": row.last_id,
        "reports": row.reports,
        "reason": row.reason,
    }
