"""The system's own chores while the service runs: partitions ahead, expired idempotency rows.

Runs in one thread of the parent process; with several machines each may do it, as both are safe.
"""

import itertools
import threading

import structlog

from db.errors import DatabaseError
from db.maintenance import delete_expired_idempotency_keys, ensure_partitions
from db.session import Database

_PARTITIONS_EVERY_SECONDS = 60.0
_ROUNDS_BETWEEN_REMOVALS = 60

_log = structlog.get_logger(__name__)


class Maintenance:
    """Start with `with`; the thread ends with the block.

    Partitions are looked after every minute, as the database's clock may have been set forward;
    expired rows are removed every hour.
    """

    def __init__(self, url: str, every_seconds: float = _PARTITIONS_EVERY_SECONDS) -> None:
        self._database = Database(url, pool_size=1, statement_timeout_ms=60_000)
        self._every_seconds = every_seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="maintenance", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(timeout=5)
        self._database.close()

    def _run(self) -> None:
        rounds = itertools.count()
        while not self._ended.is_set():
            self._once(removing=next(rounds) % _ROUNDS_BETWEEN_REMOVALS == 0)
            self._ended.wait(self._every_seconds)

    def _once(self, *, removing: bool) -> None:
        try:
            made = ensure_partitions(self._database)
            removed = delete_expired_idempotency_keys(self._database) if removing else 0
        except DatabaseError as error:
            # The next round tries again; partitions reach weeks ahead, so there is time.
            _log.error("maintenance_failed", reason=str(error))
            return
        if made or removing:
            _log.info(
                "maintenance_done", partitions_made=len(made), idempotency_rows_removed=removed
            )
