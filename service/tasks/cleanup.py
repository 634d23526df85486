"""Removes what nobody will ask for any more: expired idempotency rows, jobs that ended."""

import structlog

from db.job_upkeep import delete_finished_jobs
from db.maintenance import delete_expired_idempotency_keys
from db.session import Database
from service.tasks.task import WorkerParts

_SUCCEEDED_HOURS = 24
_FAILED_HOURS = 14 * 24

_log = structlog.get_logger(__name__)


def delete_expired(database: Database, _: WorkerParts) -> None:
    """Every hour, in chunks."""
    rows = delete_expired_idempotency_keys(database)
    jobs = delete_finished_jobs(
        database, succeeded_hours=_SUCCEEDED_HOURS, failed_hours=_FAILED_HOURS
    )
    _log.info("expired_rows_deleted", idempotency_rows=rows, jobs=jobs)
