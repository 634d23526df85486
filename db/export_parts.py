"""The ledger of an export's parts: what of it is in the store, written after the bytes are there.

A worker that takes over an export goes on behind the last part that stands here.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from db.rows import with_bytes
from db.transaction import Transaction


@dataclass(frozen=True, slots=True)
class PartRow:
    """`number` counts from 1. `last_id` is the last report in it, None where none is."""

    number: int
    last_id: UUID | None
    records: int
    size: int
    sha256: bytes


_LIST: Final = """
SELECT number, last_id, records, size, sha256 FROM export_parts
 WHERE export_id = %(export_id)s ORDER BY number
"""
_INSERT: Final = """
INSERT INTO export_parts (tenant_id, export_id, number, last_id, records, size, sha256)
VALUES (%(tenant_id)s, %(export_id)s, %(number)s, %(last_id)s, %(records)s, %(size)s, %(sha256)s)
"""
_DELETE: Final = "DELETE FROM export_parts WHERE export_id = %(export_id)s AND number >= %(number)s"


def list_parts(tx: Transaction, export_id: UUID) -> list[PartRow]:
    """All parts, in order."""
    rows = tx.rows(_LIST, {"export_id": export_id})
    return [PartRow(*with_bytes(row)) for row in rows]


def insert_part(tx: Transaction, export_id: UUID, part: PartRow) -> None:
    """Enter a part whose bytes are in the store, of a locked export."""
    tx.rows(
        _INSERT,
        {
            "tenant_id": tx.tenant_id,
            "export_id": export_id,
            "number": part.number,
            "last_id": part.last_id,
            "records": part.records,
            "size": part.size,
            "sha256": part.sha256,
        },
    )


def delete_parts(tx: Transaction, export_id: UUID, *, since: int = 1) -> None:
    """Strike the parts of this number and later, of a locked export: they are to be made again."""
    tx.rows(_DELETE, {"export_id": export_id, "number": since})
