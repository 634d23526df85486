"""Grants of links: who was given one, to what, until when. Tokens are never here, only digests.

Row level security picks the tenant's rows. Grants outlive what they lead to: history stays.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from db.ids import id_of_tick, tick_of
from db.rows import with_bytes
from db.transaction import Row, Transaction


@dataclass(frozen=True, slots=True)
class GrantRow:
    """`role` is the one that `key_id` had; the times are whole seconds, save `revoked_at`."""

    id: UUID
    purpose: str
    object_id: UUID
    key_id: str
    role: str
    issued_at: datetime
    expires_at: datetime
    token_sha256: bytes
    revoked_at: datetime | None = None
    revoked_by: str | None = None


_COLUMNS: Final = (
    "id, purpose, object_id, key_id, role, issued_at, expires_at, token_sha256, revoked_at,"
    " revoked_by"
)
_INSERT: Final = """
INSERT INTO link_grants (tenant_id, id, purpose, object_id, key_id, role, issued_at, expires_at,
                         token_sha256)
VALUES (%(tenant_id)s, %(id)s, %(purpose)s, %(object_id)s, %(key_id)s, %(role)s, %(issued_at)s,
        %(expires_at)s, %(token_sha256)s)
"""
_GET: Final = f"SELECT {_COLUMNS} FROM link_grants WHERE id = %(id)s"  # noqa: S608 - constants
_LIVE: Final = (
    f"SELECT {_COLUMNS} FROM link_grants"  # noqa: S608 - constants
    " WHERE object_id = %(object_id)s AND purpose = %(purpose)s AND key_id = %(key_id)s"
    " AND revoked_at IS NULL AND expires_at > %(now)s ORDER BY id DESC LIMIT 1"
)
_HISTORY: Final = (
    f"SELECT {_COLUMNS} FROM link_grants"  # noqa: S608 - constants
    " WHERE object_id = %(object_id)s AND purpose = %(purpose)s"
    " AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid) ORDER BY id DESC LIMIT %(limit)s"
)
_REVOKE: Final = """
UPDATE link_grants SET revoked_at = clock_timestamp(), revoked_by = %(key_id)s
 WHERE object_id = %(object_id)s AND purpose = %(purpose)s
   AND revoked_at IS NULL AND expires_at > clock_timestamp()
"""


def new_grant_id(issued_at: datetime) -> UUID:
    """A UUIDv7 of this moment, so that grants sort by it."""
    return id_of_tick(tick_of(issued_at))


def insert_grant(tx: Transaction, grant: GrantRow) -> None:
    tx.rows(
        _INSERT,
        {
            "tenant_id": tx.tenant_id,
            "id": grant.id,
            "purpose": grant.purpose,
            "object_id": grant.object_id,
            "key_id": grant.key_id,
            "role": grant.role,
            "issued_at": grant.issued_at,
            "expires_at": grant.expires_at,
            "token_sha256": grant.token_sha256,
        },
    )


def get_grant(tx: Transaction, grant_id: UUID) -> GrantRow | None:
    row = tx.row(_GET, {"id": grant_id})
    return None if row is None else _grant(row)


def live_grant(
    tx: Transaction, purpose: str, object_id: UUID, key_id: str, now: datetime
) -> GrantRow | None:
    """The newest grant of this key to this object that is neither revoked nor expired."""
    row = tx.row(_LIVE, {"purpose": purpose, "object_id": object_id, "key_id": key_id, "now": now})
    return None if row is None else _grant(row)


def list_grants(
    tx: Transaction, purpose: str, object_id: UUID, *, before: UUID | None, limit: int
) -> list[GrantRow]:
    """Grants to this object, newest first, older than the id `before`."""
    parameters = {"purpose": purpose, "object_id": object_id, "before": before, "limit": limit}
    return [_grant(row) for row in tx.rows(_HISTORY, parameters)]


def revoke_grants(tx: Transaction, purpose: str, object_id: UUID, key_id: str) -> int:
    """Revoke what still lives of the grants to this object, whoever has them; return how many."""
    return tx.changed_rows(_REVOKE, {"purpose": purpose, "object_id": object_id, "key_id": key_id})


def _grant(row: Row) -> GrantRow:
    return GrantRow(*with_bytes(row))
