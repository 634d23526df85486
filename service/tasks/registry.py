"""All work of the collector's worker."""

from typing import Final

from service.tasks.audit import expire_audit, seal_journal, write_checkpoint
from service.tasks.cleanup import delete_expired
from service.tasks.partitions import ensure_partitions
from service.tasks.task import PeriodicTask, Registry

REGISTRY: Final = Registry(
    periodic=(
        PeriodicTask("ensure_partitions", "* * * * *", ensure_partitions),
        PeriodicTask("delete_expired", "17 * * * *", delete_expired),
        PeriodicTask("seal_journal", "* * * * *", seal_journal),
        PeriodicTask("write_checkpoint", "* * * * *", write_checkpoint),
        PeriodicTask("expire_audit", "41 3 * * *", expire_audit),
    ),
)
