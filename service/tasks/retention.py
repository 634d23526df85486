"""Carries committed runs of retention out, and plans every day what one would delete."""

from typing import Final
from uuid import UUID

import structlog

from db.errors import DatabaseError
from db.ids import TenantId
from db.retention_plan import tenants_with_reports
from db.retention_work import end_run, left_runs
from db.session import Database
from handlers.planning import scheduled_dry_run
from handlers.retention import TASK
from policies.retention_rules import RetentionRules
from service.retention_rules import configured_retention
from service.retention_run import RetentionRun, audit_run
from service.tasks.task import Job, WorkerParts

_LEFT_SECONDS: Final = 60.0

_log = structlog.get_logger("worker")


def run_retention(job: Job, parts: WorkerParts) -> None:
    """Go on with a run. A killed one is gone on with by whoever gets the job next."""
    run_id = UUID(str(job.arguments["run_id"]))
    RetentionRun(parts.maintenance, parts.tenants, job.tenant_id, run_id).work()


def end_left_retention(database: Database, parts: WorkerParts) -> None:
    """Every minute: a run whose job was given up has failed, and says why."""
    for left in left_runs(database, TASK, _LEFT_SECONDS):
        failure = (
            f"Its job was given up ({left.failure or 'why is not known'}). What is deleted stays "
            "so. Mend that, then make a new dry run and commit it for the rest."
        )
        with parts.tenants.tenant_transaction(left.tenant_id) as transaction:
            if end_run(transaction, left.run_id, failure) is not None:
                audit_run(transaction, left.run_id, "end_retention", ended=True)
        _log.error("retention_failed", tenant=left.tenant_id, run_id=str(left.run_id))


def plan_retention(database: Database, parts: WorkerParts) -> None:
    """Every day: a dry run of each tenant that has something to delete, to warn in time.

    One tenant's failure doesn't keep the others from theirs; the last one is raised after them.
    """
    rules = configured_retention(parts.settings)
    failure = None
    for tenant_id in tenants_with_reports(database):
        try:
            _plan(parts.tenants, tenant_id, rules)
        except DatabaseError as error:
            failure = error
    if failure is not None:
        raise failure


def _plan(tenants: Database, tenant_id: TenantId, rules: RetentionRules) -> None:
    with tenants.tenant_transaction(tenant_id) as transaction:
        run = scheduled_dry_run(transaction, rules)
    if run is not None and run.warnings:
        _log.warning(
            "retention_unusually_large",
            tenant=tenant_id,
            run_id=str(run.run_id),
            candidates=run.candidates,
            warnings=list(run.warnings),
        )
