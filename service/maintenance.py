"""The system's own chores while the service runs: partitions ahead, expired idempotency rows.

Runs in one thread of the parent process; with several machines each may do it, as both are safe.
"""

import threading

import structlog

from db.errors import DatabaseError
from db.maintenance import delete_expired_idempotency_keys, ensure_partitions
from db.session import Database

_EVERY_SECONDS = 3600.0

_log = structlog.get_logger(__name__)


class Maintenance:
    """Start with `with`; the thread ends with the block."""

    def __init__(self, url: str, every_seconds: float = _EVERY_SECONDS) -> None:
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
        while not self._ended.is_set():
            self._once()
            self._ended.wait(self._every_seconds)

    def _once(self) -> None:
        try:
            made = ensure_partitions(self._database)
            removed = delete_expired_idempotency_keys(self._database)
        except DatabaseError as error:
            # The next round tries again; partitions reach weeks ahead, so there is time.
            _log.error("maintenance_failed", reason=str(error))
            return
        _log.info("maintenance_done", partitions_made=len(made), idempotency_rows_removed=removed)
