"""Jobs for the worker, from inside a tenant's transaction: enqueued with it, or had with it.

What is committed is enqueued and what is rolled back is not, as the queue is in the same database.
The worker's own upkeep of the queue is in `db.job_upkeep`.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from db.session import Database
from db.transaction import Transaction

_ENQUEUE: Final = """
SELECT collector_enqueue(
  %(task)s, %(arguments)s::jsonb, %(lock)s, %(queueing_lock)s, %(not_before)s::timestamptz)
"""
_WORKER_RUNS: Final = "SELECT collector_worker_runs()"
_CLAIM: Final = "SELECT collector_claim_job(%(job_id)s)"


def enqueue(
    tx: Transaction,
    task: str,
    arguments: Mapping[str, str | int],
    *,
    lock: str | None = None,
    queueing_lock: str | None = None,
    not_before: datetime | None = None,
) -> int | None:
    """Have the worker run `task` for the transaction's tenant, once this transaction commits.

    `arguments` are ids, never contents or secrets: they are kept for weeks and may be shown. Of
    jobs with one `lock` only one runs at a time, in order. With a `queueing_lock` that a waiting
    job has already, nothing is enqueued and None returned; that job then starts no sooner than
    this transaction ends, so it sees what was changed here. Both are the tenant's own. Returns
    the job's id. Raises AccessRefused without a tenant, TooComplex over 4 KiB of arguments.
    """
    row = tx.row(
        _ENQUEUE,
        {
            "task": task,
            "arguments": json.dumps(dict(arguments)),
            "lock": lock,
            "queueing_lock": queueing_lock,
            "not_before": not_before,
        },
    )
    job_id: int | None = row[0] if row else None
    return job_id


def claim_effect(tx: Transaction, job_id: int) -> bool:
    """Return whether this transaction is the one that has the job's effect.

    A job may be run again after its worker was killed, or thought dead, at any moment. Whoever
    begins its effect with this, in the effect's own transaction, has it once: False says that it
    was had already, or that the job was taken away, and nothing is to be done.
    """
    row = tx.row(_CLAIM, {"job_id": job_id})
    return bool(row and row[0])


def worker_runs(database: Database) -> bool:
    """Return whether any worker gave a sign of life within a minute; as quick as a ping."""
    return bool(database.ping(_WORKER_RUNS)[0][0])
