"""The collector's worker with tasks that a test can watch, as a program: `python -m …`.

Their table is made by the test: `effects (job_id, stage)`, which the app role may insert into.
"""

import time

from db.jobs import claim_effect
from service.logs import configure_logging
from service.settings import load_settings
from service.tasks.registry import REGISTRY
from service.tasks.task import Job, Registry, TenantTask, WorkerParts
from service.worker import run_worker

_RECORD = "INSERT INTO effects (job_id, stage) VALUES (%(job_id)s, %(stage)s)"
SECRET = "what-a-job-must-not-tell"


def slow_effect(job: Job, parts: WorkerParts) -> None:
    """Has its effect in the middle of what takes some time: before, within and after it."""
    seconds = int(job.arguments["milliseconds"]) / 1000
    with parts.tenants.tenant_transaction(job.tenant_id) as tx:
        tx.rows(_RECORD, {"job_id": job.job_id, "stage": "run"})
    time.sleep(seconds)
    with parts.tenants.tenant_transaction(job.tenant_id) as tx:
        if claim_effect(tx, job.job_id):
            tx.rows(_RECORD, {"job_id": job.job_id, "stage": "effect"})
            tx.rows("SELECT pg_sleep(%(seconds)s)", {"seconds": seconds})
    time.sleep(seconds)


def fails(job: Job, parts: WorkerParts) -> None:
    raise ValueError(SECRET)


TASKS = Registry(
    periodic=REGISTRY.periodic,
    tenant=(
        *REGISTRY.tenant,
        TenantTask("slow_effect", slow_effect),
        TenantTask("fails", fails, attempts=2),
    ),
)

if __name__ == "__main__":
    settings = load_settings()
    configure_logging(settings.log_level)
    run_worker(settings, TASKS)
