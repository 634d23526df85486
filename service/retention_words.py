"""What `collector retention` says of plans and runs, for people and as JSON."""

from collections.abc import Iterator, Sequence
from typing import Final

from generated.models import RetentionFailure, RetentionPlan, RetentionRun

_MONTHS_SHOWN: Final = 24
_FAILURES_SHOWN: Final = 20


def plan_lines(plan: RetentionPlan, tenant: str) -> Iterator[str]:
    """The plan as a page of text."""
    days = "1 day" if plan.retain_days == 1 else f"{plan.retain_days} days"
    yield f"Tenant {tenant} keeps reports for {days}."
    if plan.candidates == 0:
        yield f"No report is older than {plan.cutoff:%Y-%m-%d} and not held; nothing is to go."
        return
    yield f"To be deleted   {plan.candidates:>12,} reports from before {plan.cutoff:%Y-%m-%d} UTC"
    if plan.oldest is not None and plan.newest is not None:
        yield f"  stored        {plan.oldest:%Y-%m-%d %H:%M} to {plan.newest:%Y-%m-%d %H:%M}"
    for month in plan.by_month[-_MONTHS_SHOWN:]:
        yield f"  {month.month:<12}  {month.reports:>12,}"
    if len(plan.by_month) > _MONTHS_SHOWN:
        earlier = sum(month.reports for month in plan.by_month[:-_MONTHS_SHOWN])
        yield f"  before that   {earlier:>12,}"
    if plan.held:
        yield f"Kept, as held   {plan.held:>12,}"
    yield f"Plan            {plan.plan_hash}"
    for warning in plan.warnings:
        yield f"UNUSUAL: {warning}"


def end_lines(run: RetentionRun, failures: Sequence[RetentionFailure]) -> Iterator[str]:
    """What became of a run that has ended."""
    yield f"Deleted {run.deleted:,} of {run.candidates:,} reports; run {run.run_id}: {run.status}."
    kept = run.candidates - run.deleted - run.failed
    if run.status == "done" and kept > 0:
        yield f"{kept:,} were held meanwhile, and are kept."
    if run.failure is not None:
        yield run.failure
    if failures:
        yield f"{run.failed:,} could not be deleted:"
    for failure in failures[:_FAILURES_SHOWN]:
        yield f"  {_named(failure)}: {failure.reason}"
    if len(failures) > _FAILURES_SHOWN:
        yield f"  and {len(failures) - _FAILURES_SHOWN} more; --json has all of them"


def _named(failure: RetentionFailure) -> str:
    if failure.reports == 1:
        return str(failure.first_report_id)
    return f"{failure.reports} reports from {failure.first_report_id} to {failure.last_report_id}"
