"""Removes what nobody will ask for any more: expired idempotency rows, jobs that ended."""

import structlog

from db.job_upkeep import delete_finished_jobs
from db.leases import delete_expired_leases
from db.maintenance import delete_expired_idempotency_keys
from db.retention_work import delete_old_runs
from db.session import Database
from service.tasks.task import WorkerParts

_SUCCEEDED_HOURS = 24
_FAILED_HOURS = 14 * 24
_DRY_RUN_DAYS = 30

_log = structlog.get_logger(__name__)


def delete_expired(database: Database, parts: WorkerParts) -> None:
    """Every hour, in chunks."""
    rows = delete_expired_idempotency_keys(database)
    jobs = delete_finished_jobs(
        database, succeeded_hours=_SUCCEEDED_HOURS, failed_hours=_FAILED_HOURS
    )
    leases = delete_expired_leases(database)
    runs = delete_old_runs(
        database, planned_days=_DRY_RUN_DAYS, ended_days=parts.settings.audit_retain_days
    )
    _log.info("expired_rows_deleted", idempotency_rows=rows, jobs=jobs, leases=leases, runs=runs)
