"""Revision vectors: what an ETag of a query is made from. One per tenant and class of data.

Each class has 16 counters, so that writers seldom wait for one another. The vector as a whole
is the identity: a sum of it would let two states look the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from db.ids import TenantId
    from db.session import Database
    from db.transaction import Row, Transaction


class RevisionClass(StrEnum):
    """The kinds of data whose changes are told apart."""

    REPORTS = "reports"
    EXPORTS = "exports"
    ALERTS = "alerts"
    AUDIT = "audit"
    RETENTION = "retention"


@dataclass(frozen=True, slots=True)
class Revisions:
    """`vector` holds (class, slot, value), ordered by class and slot; slots never used are absent.

    `epoch` changes when the database is restored or promoted: values may then come again.
    `read_at` is the database's clock, later than all that the snapshot shows, and no part of the
    identity.
    """

    epoch: str
    vector: tuple[tuple[str, int, int], ...]
    read_at: datetime = field(compare=False)


BUMP: Final = """
INSERT INTO revisions (tenant_id, class, slot, value)
VALUES (%(tenant_id)s, %(class)s, %(slot)s, 1)
ON CONFLICT (tenant_id, class, slot) DO UPDATE SET value = revisions.value + 1
"""
_READ: Final = """
SELECT epoch.value::text, revisions.class, revisions.slot, revisions.value, clock_timestamp()
  FROM epoch LEFT JOIN revisions ON revisions.class = ANY (%(classes)s)
 ORDER BY revisions.class, revisions.slot
"""


@contextmanager
def snapshot_with_revisions(
    database: Database, tenant_id: TenantId, classes: Iterable[RevisionClass]
) -> Iterator[tuple[Transaction, Revisions]]:
    """Open a read-only transaction; the vector is read in the round trip that begins it."""
    with database.tenant_snapshot(tenant_id, _READ, _wanted(classes)) as (transaction, rows):
        yield transaction, _revisions(rows)


def read_revisions(tx: Transaction, classes: Iterable[RevisionClass]) -> Revisions:
    """Return the tenant's vector of these classes.

    Read it in the read-only transaction that also reads the data: the two are then one snapshot.
    """
    return _revisions(tx.rows(_READ, _wanted(classes)))


def peek_at_revisions(
    database: Database, tenant_id: TenantId, classes: Iterable[RevisionClass]
) -> Revisions:
    """Return the vector as of now, in one round trip; data read after it may be newer."""
    return _revisions(database.tenant_rows(tenant_id, _READ, _wanted(classes)))


def _wanted(classes: Iterable[RevisionClass]) -> dict[str, object]:
    return {"classes": sorted({name.value for name in classes})}


def _revisions(rows: list[Row]) -> Revisions:
    vector = tuple((row[1], row[2], row[3]) for row in rows if row[1] is not None)
    return Revisions(epoch=rows[0][0], vector=vector, read_at=rows[0][4])


def bump_revision(tx: Transaction, revision_class: RevisionClass) -> None:
    """Have the transaction move this class's revision on, as its last statement before COMMIT."""
    tx.bump_at_commit(revision_class)
