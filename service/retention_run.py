"""Carries one committed run of retention out, as far as one job goes.

A chunk is one transaction, so that whoever is killed loses nothing and does nothing twice; what a
run has come to stands in its row.
"""

import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog

from db import retention_work
from db.audit import AuditEvent, Outcome, record
from db.errors import DatabaseError, DatabaseUnavailable, LockUnavailable, SerializationConflict
from db.ids import TenantId, first_id_at
from db.retention_runs import get_run
from db.session import Database
from db.transaction import Transaction
from handlers.retention import RUN, enqueue_run
from policies.retention import larger_chunk, smaller_chunk
from service.failures import reason_of

_NOT_AT_WORK: Final = "55000"
_TRIES: Final = 3

_log = structlog.get_logger("worker")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How a run goes on. `seconds_a_job` ends a job, and another one goes on: so that the worker
    has its place for others' jobs, and can be ended. After each chunk the run is idle for `idle`
    times as long as the chunk took. Beyond `failures_looked_into` no chunk that fails is searched
    for the report that is the reason.
    """

    reports_a_chunk: int = 2_500
    seconds_a_job: float = 20.0
    idle: float = 1.0
    wait_seconds: float = 30.0
    failures_looked_into: int = 200


class RetentionRun:
    """`maintenance` deletes, and is the only login that may; `tenants` notes what came of it."""

    def __init__(
        self,
        maintenance: Database,
        tenants: Database,
        tenant_id: TenantId,
        run_id: UUID,
        pace: Pace = Pace(),
    ) -> None:
        self._maintenance = maintenance
        self._tenants = tenants
        self._tenant_id = tenant_id
        self._run_id = run_id
        self._pace = pace
        self._size = pace.reports_a_chunk
        self._failures = 0
        self._log = _log.bind(tenant=tenant_id, run_id=str(run_id))

    def work(self) -> None:
        """Go on with the run until it ends, has to wait, or another job is to go on.

        Raises DatabaseError where the database can't be had, or somebody holds what is needed.
        """
        if not self._begin():
            return
        ends_at = time.monotonic() + self._pace.seconds_a_job
        try:
            while time.monotonic() < ends_at:
                began = time.monotonic()
                if self._do_chunk():
                    self._conclude()
                    return
                time.sleep((time.monotonic() - began) * self._pace.idle)
        except DatabaseError as error:
            if error.sqlstate == _NOT_AT_WORK:
                # Beside this one another job went on with the run, and has ended it.
                return
            raise
        with self._transaction() as transaction:
            enqueue_run(transaction, self._run_id)

    def _begin(self) -> bool:
        with self._transaction() as transaction:
            before = retention_work.begin_run(transaction, self._run_id)
            if before == "queued":
                audit_run(transaction, self._run_id, "start_retention", ended=False)
        return before is not None

    def _do_chunk(self) -> bool:
        """Delete a chunk, or note that it can't be; True if nothing is left to look at."""
        failure: DatabaseError | None = None
        for attempt in range(_TRIES):
            time.sleep(0.2 * attempt)
            try:
                chunk = retention_work.delete_chunk(
                    self._maintenance, self._tenant_id, self._run_id, self._size
                )
            except (LockUnavailable, SerializationConflict) as error:
                failure = error
            except DatabaseError as error:
                if isinstance(error, DatabaseUnavailable) or error.sqlstate == _NOT_AT_WORK:
                    raise
                failure = error
                break
            else:
                self._size = larger_chunk(self._size, self._pace.reports_a_chunk)
                return chunk.ended
        if isinstance(failure, LockUnavailable | SerializationConflict):
            # Fewer reports would be in others' way just so; the job is tried again later.
            raise failure
        self._look_into(failure)
        return False

    def _look_into(self, failure: DatabaseError | None) -> None:
        smaller = smaller_chunk(self._size)
        if smaller and self._failures < self._pace.failures_looked_into:
            self._size = smaller
            return
        with self._transaction() as transaction:
            run = get_run(transaction, self._run_id)
            chunk = run and retention_work.upcoming(
                transaction, self._run_id, first_id_at(run.cutoff), self._size
            )
            if chunk:
                retention_work.fail_chunk(transaction, self._run_id, chunk, _why(failure))
        self._failures += 1
        self._log.error("retention_chunk_failed", reason=failure and reason_of(failure))
        self._size = larger_chunk(self._size, self._pace.reports_a_chunk)

    def _conclude(self) -> None:
        with self._transaction() as transaction:
            if retention_work.wait_with_run(transaction, self._run_id):
                enqueue_run(transaction, self._run_id, self._pace.wait_seconds)
                self._log.info("retention_waits")
                return
            status = retention_work.end_run(transaction, self._run_id)
            if status is not None:
                audit_run(transaction, self._run_id, "end_retention", ended=True)
        self._log.info("retention_ended", status=status)

    def _transaction(self) -> AbstractContextManager[Transaction]:
        return self._tenants.tenant_transaction(self._tenant_id)


def audit_run(transaction: Transaction, run_id: UUID, action: str, *, ended: bool) -> None:
    """Have the tenant's audit log tell of what the system does with the run."""
    run = get_run(transaction, run_id)
    if run is None:
        return
    details = {"deleted": run.deleted, "failed": run.failed, "status": run.status} if ended else {}
    outcome: Outcome = "failed" if ended and run.status != "done" else "done"
    record(
        transaction,
        AuditEvent(action, RUN, str(run_id), outcome=outcome, details=details),
    )


def _why(failure: DatabaseError | None) -> str:
    code = f" (SQLSTATE {failure.sqlstate})" if failure and failure.sqlstate else ""
    return (
        f"The database refused to delete it{code}: {failure} The worker's log and the database's "
        "tell more; mend it there, then make a new dry run and commit it."
    )
