"""Makes the partitions of reports long before they are needed."""

import structlog

from db.maintenance import ensure_partitions as make_missing
from db.session import Database
from service.tasks.task import WorkerParts

_log = structlog.get_logger(__name__)


def ensure_partitions(database: Database, _: WorkerParts) -> None:
    """Every minute, as the database's clock may have been set forward."""
    made = make_missing(database)
    if made:
        _log.info("partitions_made", partitions=list(made))
