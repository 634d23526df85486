"""Makes dry runs of retention: for whoever asks, and for the worker that looks every day."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from db.retention_plan import PlanPartRow, count_younger, plan_parts
from db.retention_runs import NewRun, RunRow, earlier_deletions, insert_run
from db.transaction import Transaction
from policies.retention import Plan, PlanPart, cutoff_at, planned, warnings_of
from policies.retention_rules import RetentionRules, WarningRules

_EARLIER_RUNS: Final = 10


def current_plan(tx: Transaction, cutoff: datetime) -> Plan:
    """What retention would delete that is older than the cutoff, as the database has it now."""
    return planned(cutoff, _parts(plan_parts(tx, cutoff)))


def dry_run(tx: Transaction, rules: RetentionRules, key_id: str) -> RunRow:
    """Plan what the rules let the tenant delete at this moment, and keep the plan.

    `key_id` is of whoever asked.
    """
    return _kept(tx, rules, _plan_now(tx, rules), key_id)


def scheduled_dry_run(tx: Transaction, rules: RetentionRules) -> RunRow | None:
    """Like `dry_run`, of the system's own accord; None, and nothing kept, if nothing would go."""
    plan = _plan_now(tx, rules)
    return _kept(tx, rules, plan, None) if plan.candidates else None


def _plan_now(tx: Transaction, rules: RetentionRules) -> Plan:
    return current_plan(tx, cutoff_at(tx.began_at, rules.days_of(tx.tenant_id)))


def _kept(tx: Transaction, rules: RetentionRules, plan: Plan, key_id: str | None) -> RunRow:
    new = NewRun(
        created_by=key_id,
        retain_days=rules.days_of(tx.tenant_id),
        cutoff=plan.cutoff,
        plan_hash=plan.hash,
        candidates=plan.candidates,
        held=plan.held,
        by_month=plan.by_month,
        first_id=plan.first_id,
        last_id=plan.last_id,
        warnings=_warnings(tx, rules.warnings, plan),
    )
    return insert_run(tx, new)


def _warnings(tx: Transaction, rules: WarningRules, plan: Plan) -> list[str]:
    if plan.candidates < rules.from_reports:
        return []
    # Beyond these a plan is no unusual share, however many there are.
    enough = int(plan.candidates / rules.share_of_all) + 1
    younger = count_younger(tx, plan.cutoff, enough)
    everything = plan.candidates + plan.held + younger
    earlier = earlier_deletions(tx, _EARLIER_RUNS)
    return warnings_of(rules, plan.candidates, everything, earlier)


def _parts(rows: Iterable[PlanPartRow]) -> Iterable[PlanPart]:
    for row in rows:
        yield PlanPart(row.month, row.candidates, row.held, row.first_id, row.last_id, row.digest)
