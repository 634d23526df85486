"""Exports as they are asked for, written and ended. Row level security picks the tenant's rows.

An export goes from queued to running to done, and from any of these to an end: failed, cancelled,
expired. Whoever changes one holds its row from `lock_export` on, and finds there what others did.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from db.advisory_locks import lock_number
from db.ids import id_of_tick, tick_of
from db.revisions import RevisionClass, bump_revision
from db.rows import with_bytes
from db.transaction import Row, Transaction

AT_WORK: Final = ("queued", "running")


@dataclass(frozen=True, slots=True)
class NewExport:
    """`first_id` to `end_id`, which is not in it, are the reports' ids; `severities` mildest first.

    `total` is how many reports there are as it is asked for.
    """

    id: UUID
    created_at: datetime
    created_by: str
    since: datetime
    until: datetime
    first_id: UUID
    end_id: UUID
    severities: tuple[str, ...]
    format: str
    compression: str
    include_raw: bool
    total: int


@dataclass(frozen=True, slots=True)
class ExportRow:
    """An export without its manifest. `size` and `sha256` are of the file, once it is done."""

    id: UUID
    created_at: datetime
    created_by: str
    since: datetime
    until: datetime
    first_id: UUID
    end_id: UUID
    horizon: int
    severities: tuple[str, ...]
    format: str
    compression: str
    include_raw: bool
    status: str
    total: int
    done: int
    finished_at: datetime | None
    expires_at: datetime | None
    size: int | None
    sha256: bytes | None
    failure: str | None
    files_deleted_at: datetime | None


@dataclass(frozen=True, slots=True)
class ExportFile:
    """What an export came to. `manifest` is a signed envelope."""

    size: int
    sha256: bytes
    manifest: bytes
    finished_at: datetime
    expires_at: datetime


_COLUMNS: Final = (
    "id, created_at, created_by, since, until, first_id, end_id, horizon, severities, format,"
    " compression, include_raw, status, total, done, finished_at, expires_at, size, sha256,"
    " failure, files_deleted_at"
)
# Two statements, because the second needs a snapshot younger than the lock.
_LOCK_TENANT: Final = """
SELECT pg_advisory_xact_lock(%(lock)s);
SELECT count(*) FROM exports WHERE status IN ('queued', 'running')
"""
_COUNT: Final = """
SELECT count(*) FROM (
  SELECT FROM reports
   WHERE id >= %(first_id)s AND id < %(end_id)s AND severity = ANY (%(severities)s)
   LIMIT %(limit)s) AS capped
"""
_INSERT: Final = """
INSERT INTO exports (tenant_id, id, created_at, created_by, since, until, first_id, end_id, horizon,
                     severities, format, compression, include_raw, status, total, done, job_id)
VALUES (%(tenant_id)s, %(id)s, %(created_at)s, %(created_by)s, %(since)s, %(until)s, %(first_id)s,
        %(end_id)s, pg_current_xact_id()::text::bigint, %(severities)s, %(format)s,
        %(compression)s, %(include_raw)s, 'queued', %(total)s, 0, %(job_id)s)
"""
_GET: Final = f"SELECT {_COLUMNS} FROM exports WHERE id = %(id)s"  # noqa: S608 - constants
_LOCK: Final = f"{_GET} FOR UPDATE"
_LIST: Final = (
    f"SELECT {_COLUMNS} FROM exports"  # noqa: S608 - constants
    " WHERE (%(before)s::uuid IS NULL OR id < %(before)s::uuid) ORDER BY id DESC LIMIT %(limit)s"
)
_MANIFEST: Final = "SELECT manifest FROM exports WHERE id = %(id)s"
_BEGIN: Final = "UPDATE exports SET status = 'running' WHERE id = %(id)s AND status = 'queued'"
_PROGRESS: Final = (
    "UPDATE exports SET done = %(done)s, total = greatest(total, %(done)s) WHERE id = %(id)s"
)
_FINISH: Final = """
UPDATE exports
   SET status = 'done', total = done, size = %(size)s, sha256 = %(sha256)s,
       manifest = %(manifest)s, finished_at = %(finished_at)s, expires_at = %(expires_at)s
 WHERE id = %(id)s
"""
_FAIL: Final = """
UPDATE exports SET status = 'failed', failure = %(failure)s, finished_at = clock_timestamp()
 WHERE id = %(id)s
"""
_CANCEL: Final = """
UPDATE exports
   SET status = 'cancelled', size = NULL, sha256 = NULL, manifest = NULL, expires_at = NULL,
       finished_at = clock_timestamp()
 WHERE id = %(id)s
"""
_EXPIRE: Final = "UPDATE exports SET status = 'expired' WHERE id = %(id)s"
_FILES_DELETED: Final = """
UPDATE exports SET files_deleted_at = clock_timestamp()
 WHERE id = %(id)s AND files_deleted_at IS NULL
"""
# Who stored something before the horizon either has a number older than its, or has none yet but
# began before: PostgreSQL gives numbers at the first write. The app's logins see each other's.
_SETTLED: Final = """
SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint > %(horizon)s
   AND NOT EXISTS (
     SELECT FROM pg_stat_activity
      WHERE datname = current_database() AND usename = current_user
        AND xact_start <= %(created_at)s AND pid <> pg_backend_pid())
"""


def new_export_id(created_at: datetime) -> UUID:
    """A UUIDv7 of this moment, so that exports sort by it."""
    return id_of_tick(tick_of(created_at))


def lock_tenants_exports(tx: Transaction) -> int:
    """Keep others from asking for exports of this tenant until the commit; return how many are at
    work. Raises LockUnavailable.
    """
    row = tx.row(_LOCK_TENANT, {"lock": lock_number("exports", tx.tenant_id)})
    at_work: int = row[0] if row else 0
    return at_work


def count_reports_between(
    tx: Transaction, first_id: UUID, end_id: UUID, severities: tuple[str, ...], cap: int
) -> tuple[int, bool]:
    """Return how many reports there are, and whether that is exact: beyond `cap` it is not."""
    row = tx.row(
        _COUNT,
        {
            "first_id": first_id,
            "end_id": end_id,
            "severities": list(severities),
            "limit": cap + 1,
        },
    )
    found: int = row[0] if row else 0
    return min(found, cap), found <= cap


def insert_export(tx: Transaction, new: NewExport, job_id: int) -> None:
    """Store an export that waits for the job. Nobody but transactions that began before this one
    stores reports of its ids any more.
    """
    tx.rows(
        _INSERT,
        {
            "tenant_id": tx.tenant_id,
            "id": new.id,
            "created_at": new.created_at,
            "created_by": new.created_by,
            "since": new.since,
            "until": new.until,
            "first_id": new.first_id,
            "end_id": new.end_id,
            "severities": ",".join(new.severities),
            "format": new.format,
            "compression": new.compression,
            "include_raw": new.include_raw,
            "total": new.total,
            "job_id": job_id,
        },
    )
    bump_revision(tx, RevisionClass.EXPORTS)


def get_export(tx: Transaction, export_id: UUID) -> ExportRow | None:
    row = tx.row(_GET, {"id": export_id})
    return None if row is None else _export(row)


def lock_export(tx: Transaction, export_id: UUID) -> ExportRow | None:
    """Like get_export, of a row that nobody else changes until the commit."""
    row = tx.row(_LOCK, {"id": export_id})
    return None if row is None else _export(row)


def get_manifest(tx: Transaction, export_id: UUID) -> bytes | None:
    """The signed manifest; None where there is none, or no such export."""
    row = tx.row(_MANIFEST, {"id": export_id})
    return None if row is None or row[0] is None else bytes(row[0])


def list_exports(tx: Transaction, *, before: UUID | None, limit: int) -> list[ExportRow]:
    """Exports, newest first, older than the id `before`."""
    return [_export(row) for row in tx.rows(_LIST, {"before": before, "limit": limit})]


def is_settled(tx: Transaction, export: ExportRow) -> bool:
    """Whether no transaction is left that may still store a report within the export's bounds."""
    row = tx.row(_SETTLED, {"horizon": export.horizon, "created_at": export.created_at})
    return bool(row and row[0])


def begin_export(tx: Transaction, export_id: UUID) -> None:
    """From queued to running; one that runs already goes on."""
    if tx.changed_rows(_BEGIN, {"id": export_id}):
        bump_revision(tx, RevisionClass.EXPORTS)


def note_progress(tx: Transaction, export_id: UUID, done: int) -> None:
    """`done` reports are written, of a locked export."""
    tx.rows(_PROGRESS, {"id": export_id, "done": done})
    bump_revision(tx, RevisionClass.EXPORTS)


def finish_export(tx: Transaction, export_id: UUID, file: ExportFile) -> None:
    """A locked export is done, its file in the store."""
    tx.rows(
        _FINISH,
        {
            "id": export_id,
            "size": file.size,
            "sha256": file.sha256,
            "manifest": file.manifest,
            "finished_at": file.finished_at,
            "expires_at": file.expires_at,
        },
    )
    bump_revision(tx, RevisionClass.EXPORTS)


def fail_export(tx: Transaction, export_id: UUID, failure: str) -> None:
    """A locked export can't be written; `failure` tells a person why and what to do."""
    tx.rows(_FAIL, {"id": export_id, "failure": failure})
    bump_revision(tx, RevisionClass.EXPORTS)


def cancel_export(tx: Transaction, export_id: UUID) -> None:
    """A locked export is ended; what there is of its file is still to be deleted."""
    tx.rows(_CANCEL, {"id": export_id})
    bump_revision(tx, RevisionClass.EXPORTS)


def expire_export(tx: Transaction, export_id: UUID) -> None:
    """A locked export's time has come; its file is still to be deleted."""
    tx.rows(_EXPIRE, {"id": export_id})
    bump_revision(tx, RevisionClass.EXPORTS)


def note_files_deleted(tx: Transaction, export_id: UUID) -> None:
    """Nothing of an ended export is in the store any more."""
    tx.rows(_FILES_DELETED, {"id": export_id})


def _export(row: Row) -> ExportRow:
    values = with_bytes(row)
    values[8] = tuple(values[8].split(","))
    return ExportRow(*values)
