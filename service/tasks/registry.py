"""All work of the collector's worker."""

from typing import Final

from handlers.retention import TASK
from policies.exports import DELETE_TASK, WRITE_TASK
from service.tasks.audit import expire_audit, seal_journal, write_checkpoint
from service.tasks.cleanup import delete_expired
from service.tasks.exports import (
    WRITE_ATTEMPTS,
    delete_export_files,
    sweep_export_store,
    tend_exports,
    write_export,
)
from service.tasks.partitions import drop_partitions, ensure_partitions
from service.tasks.retention import end_left_retention, plan_retention, run_retention
from service.tasks.task import PeriodicTask, Registry, TenantTask

REGISTRY: Final = Registry(
    periodic=(
        PeriodicTask("ensure_partitions", "* * * * *", ensure_partitions),
        PeriodicTask("delete_expired", "17 * * * *", delete_expired),
        PeriodicTask("seal_journal", "* * * * *", seal_journal),
        PeriodicTask("write_checkpoint", "* * * * *", write_checkpoint),
        PeriodicTask("expire_audit", "41 3 * * *", expire_audit),
        PeriodicTask("tend_exports", "* * * * *", tend_exports),
        PeriodicTask("sweep_export_store", "27 * * * *", sweep_export_store),
        PeriodicTask("plan_retention", "23 4 * * *", plan_retention),
        PeriodicTask("end_left_retention", "* * * * *", end_left_retention),
        PeriodicTask("drop_partitions", "*/10 * * * *", drop_partitions),
    ),
    tenant=(
        TenantTask(WRITE_TASK, write_export, WRITE_ATTEMPTS),
        TenantTask(DELETE_TASK, delete_export_files),
        # Tried for hours: a run is committed for good, and nobody may look.
        TenantTask(TASK, run_retention, attempts=20),
    ),
)
