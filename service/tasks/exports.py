"""Exports: written, and whatever of one should be in the store no more deleted."""

from collections.abc import Callable, Iterator
from typing import Final
from uuid import UUID

import structlog

from db.errors import DatabaseError
from db.export_upkeep import LooseExport, exports_with_files, loose_exports
from db.session import Database
from handlers.export_store import StoreRefused, StoreUnavailable
from handlers.export_writing import ExportWriter, NotSettled
from policies.exports import export_id_in
from service.failures import reason_of
from service.tasks.task import Job, WorkerParts

# With the queue's pauses, about half an hour of trouble.
WRITE_ATTEMPTS: Final = 12
_NAMES_AT_ONCE: Final = 10_000

_log = structlog.get_logger(__name__)


def write_export(job: Job, parts: WorkerParts) -> None:
    """May be run again, and beside another worker that is only thought dead."""
    export_id = UUID(str(job.arguments["export_id"]))
    try:
        parts.exports.write(job.tenant_id, export_id)
    except Exception as error:
        if job.attempt >= WRITE_ATTEMPTS:
            parts.exports.give_up(job.tenant_id, export_id, _told(error))
        raise


def delete_export_files(job: Job, parts: WorkerParts) -> None:
    parts.exports.clear(job.tenant_id, UUID(str(job.arguments["export_id"])))


def tend_exports(database: Database, parts: WorkerParts) -> None:
    """Every minute: ends what nobody works on, and what has had its time; deletes its files."""
    for loose in loose_exports(database):
        try:
            _tend(parts.exports, loose)
        except (StoreUnavailable, StoreRefused, DatabaseError) as error:
            # The next round tries again.
            _log.error("export_not_tended", export_id=str(loose.id), reason=reason_of(error))


def _tend(exports: ExportWriter, loose: LooseExport) -> None:
    if loose.status == "done":
        exports.expire(loose.tenant_id, loose.id)
        _log.info("export_expired", export_id=str(loose.id))
    elif loose.status in ("queued", "running"):
        told = loose.failure or "its job was removed from the queue"
        reason = f"The worker gave it up ({told}). Ask for the export again."
        exports.give_up(loose.tenant_id, loose.id, reason)
    else:
        exports.clear(loose.tenant_id, loose.id)


def sweep_export_store(database: Database, parts: WorkerParts) -> None:
    """Every hour: deletes what a worker has stored as it was killed, of exports at an end."""
    for folders in _by_export(parts):
        kept = exports_with_files(database, folders.keys())
        for export_id, folder in folders.items():
            if export_id not in kept:
                deleted = parts.exports.store.delete(folder)
                _log.warning("export_files_swept", export_id=str(export_id), files=deleted)


def _by_export(parts: WorkerParts) -> Iterator[dict[UUID, str]]:
    """The folders in the store by the exports they are of, so many at a time."""
    found: dict[UUID, str] = {}
    for name in parts.exports.store.names(""):
        export_id = export_id_in(name)
        if export_id is not None:
            found[export_id] = name.rpartition("/")[0] + "/"
        if len(found) >= _NAMES_AT_ONCE:
            yield found
            found = {}
    yield found


def _told(error: Exception) -> str:
    """Why an export was given up, for a person."""
    for kind, tell in _REASONS.items():
        if isinstance(error, kind):
            return tell(error)
    return (
        f"The worker failed at it again and again ({reason_of(error)}); its log says more. Tell "
        "the operator."
    )


_REASONS: Final[dict[type[Exception], Callable[[Exception], str]]] = {
    StoreUnavailable: lambda error: f"{error} Then ask for the export again.",
    NotSettled: lambda _: (
        "A transaction that began before it has not ended. Have the operator end it, then ask for "
        "the export again."
    ),
    DatabaseError: lambda error: f"{error} Ask for the export again when the database is well.",
}
