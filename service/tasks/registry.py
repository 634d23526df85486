"""All work of the collector's worker."""

from typing import Final

from service.tasks.cleanup import delete_expired
from service.tasks.partitions import ensure_partitions
from service.tasks.task import PeriodicTask, Registry

REGISTRY: Final = Registry(
    periodic=(
        PeriodicTask("ensure_partitions", "* * * * *", ensure_partitions),
        PeriodicTask("delete_expired", "17 * * * *", delete_expired),
    ),
)
