"""What becomes of exports that nobody looks after any more; finds them, of all tenants.

Needs a collector_maint login. What is to become of them, their own tenant's transactions write.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from db.ids import TenantId
from db.session import Database


@dataclass(frozen=True, slots=True)
class LooseExport:
    """An export whose job is gone while it is at work (`status` says so), whose time has come, or
    that is at an end and may have left files. `failure` is why its job failed, where that is known.
    """

    tenant_id: TenantId
    id: UUID
    status: str
    failure: str | None


_LOOSE: Final = """
SELECT exports.tenant_id, exports.id, exports.status, outcome.failure
  FROM exports
  LEFT JOIN procrastinate.procrastinate_jobs AS job ON job.id = exports.job_id
  LEFT JOIN job_outcomes AS outcome ON outcome.job_id = exports.job_id
 WHERE exports.files_deleted_at IS NULL
   AND CASE WHEN exports.status IN ('queued', 'running')
              THEN job.id IS NULL OR job.status NOT IN ('todo', 'doing')
            WHEN exports.status = 'done' THEN exports.expires_at <= clock_timestamp()
            ELSE true END
 ORDER BY exports.id LIMIT %(limit)s
"""
_KEPT: Final = """
SELECT id FROM exports WHERE id = ANY (%(ids)s) AND status IN ('queued', 'running', 'done')
"""


def loose_exports(database: Database, limit: int = 1_000) -> list[LooseExport]:
    with database.system_transaction(read_only=True) as tx:
        return [LooseExport(*row) for row in tx.rows(_LOOSE, {"limit": limit})]


def exports_with_files(database: Database, export_ids: Collection[UUID]) -> set[UUID]:
    """Those of these exports that may have files: at work, or done."""
    with database.system_transaction(read_only=True) as tx:
        return {row[0] for row in tx.rows(_KEPT, {"ids": list(export_ids)})}
