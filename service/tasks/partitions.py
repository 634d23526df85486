"""Makes the partitions of reports long before they are needed, and drops those that are emptied."""

import time
from datetime import UTC, datetime
from typing import Final

import structlog

from db.errors import LockUnavailable
from db.maintenance import ensure_partitions as make_missing
from db.partition_drops import drop_partition, empty_partitions
from db.session import Database
from policies.retention import cutoff_at
from service.retention_rules import configured_retention
from service.tasks.task import WorkerParts

_TRIES: Final = 5
_PAUSE_SECONDS: Final = 0.5

_log = structlog.get_logger(__name__)


def ensure_partitions(database: Database, _: WorkerParts) -> None:
    """Every minute, as the database's clock may have been set forward."""
    made = make_missing(database)
    if made:
        _log.info("partitions_made", partitions=list(made))


def drop_partitions(database: Database, parts: WorkerParts) -> None:
    """Every ten minutes: gives the room back of what retention has emptied.

    Nobody's reports go by this. It waits for nobody either: a partition that somebody reads is left
    for the next time.
    """
    days = configured_retention(parts.settings).longest_days
    older_than = cutoff_at(datetime.now(UTC), days)
    for leaf in empty_partitions(database, older_than):
        dropped = _dropped(database, leaf, older_than)
        if dropped is None:
            # Who reads this one mostly reads all of them.
            _log.info("partition_in_use", partition=leaf)
            return
        if dropped:
            _log.info("partition_dropped", partition=leaf)


def _dropped(database: Database, leaf: str, older_than: datetime) -> bool | None:
    """None if somebody was in the way each time."""
    for _ in range(_TRIES):
        try:
            return drop_partition(database, leaf, older_than)
        except LockUnavailable:
            time.sleep(_PAUSE_SECONDS)
    return None
