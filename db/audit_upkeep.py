"""The system's own work on audit chains, of all tenants at once; needs a collector_maint login."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from db.errors import DatabaseError
from db.ids import TenantId
from db.session import Database

_TENANTS: Final = "SELECT DISTINCT tenant_id FROM ingest_journal ORDER BY tenant_id"
_SEAL: Final = "SELECT collector_seal_journal(%(tenant)s, %(about)s)"
_HEADS: Final = """
SELECT tenant_id, seq, hash FROM audit_heads WHERE seq > 0 ORDER BY tenant_id
"""
_EPOCH: Final = "SELECT value::text FROM epoch"
# An entry that was dropped as the last of its like lives on in the entry that tells of it.
_HASHES: Final = """
SELECT asked.tenant_id, coalesce(entry.hash, decode(dropped.hash, 'hex'))
  FROM unnest(%(tenants)s::text[], %(seqs)s::bigint[]) AS asked (tenant_id, seq)
  LEFT JOIN audit_entries AS entry
    ON entry.tenant_id = asked.tenant_id AND entry.seq = asked.seq
  LEFT JOIN LATERAL (
    SELECT told.body::json #>> '{details,hash}' AS hash
      FROM audit_entries AS told
     WHERE told.tenant_id = asked.tenant_id AND told.action = 'expire_audit'
       AND entry.hash IS NULL
       AND (told.body::json #>> '{details,through}')::bigint = asked.seq
     ORDER BY told.seq DESC LIMIT 1) AS dropped ON true
"""
_EXPIRE: Final = "SELECT collector_expire_audit(%(tenant)s, %(before)s, %(retain_days)s)"

# About a megabyte of leaves: what is read at once to verify it.
LEAVES_A_SEGMENT: Final = 20_000


@dataclass(frozen=True, slots=True)
class HeadRow:
    """The last entry of a tenant's chain, as its head says."""

    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Heads:
    """Every chain's head in one snapshot, taken at `at` by the database's clock."""

    at: datetime
    epoch: str
    by_tenant: Mapping[str, HeadRow]


def seal_journal(database: Database, *, about: int = LEAVES_A_SEGMENT) -> int:
    """Seal what the journal holds of every tenant, each segment a transaction; return how many
    reports.

    Safe beside others that do the same, and when killed. A tenant's failure doesn't keep the others
    from being sealed; the last one is raised after them.
    """
    with database.system_transaction(read_only=True) as tx:
        tenants = [TenantId(row[0]) for row in tx.rows(_TENANTS)]
    sealed, failure = 0, None
    for tenant in tenants:
        try:
            sealed += _seal_tenant(database, tenant, about)
        except DatabaseError as error:
            failure = error
    if failure is not None:
        raise failure
    return sealed


def _seal_tenant(database: Database, tenant: TenantId, about: int) -> int:
    total = 0
    while True:
        with database.system_transaction() as tx:
            row = tx.row(_SEAL, {"tenant": tenant, "about": about})
        reports = row[0] if row else 0
        total += reports
        # What came meanwhile is for the next time: on a busy tenant there is always some.
        if reports < about:
            return total


def heads_and_hashes(
    database: Database, wanted: Mapping[str, int]
) -> tuple[Heads, dict[str, bytes | None]]:
    """Every head, and the hash of the entry `wanted[tenant]` of each chain where there is one.

    Both are of one snapshot.
    """
    with database.system_transaction(read_only=True) as tx:
        rows = tx.rows(_HEADS)
        epoch = tx.row(_EPOCH)
        asked = {"tenants": list(wanted), "seqs": list(wanted.values())}
        hashes = tx.rows(_HASHES, asked)
        at = tx.began_at
    if epoch is None:
        raise LookupError("The epoch's row is missing; run `collector migrate`.")
    by_tenant = {row[0]: HeadRow(row[1], bytes(row[2])) for row in rows}
    found = {tenant: None if digest is None else bytes(digest) for tenant, digest in hashes}
    return Heads(at, epoch[0], by_tenant), found


def expire_audit(database: Database, before: datetime, retain_days: int) -> int:
    """Drop entries from before this moment, and the segments they sealed; return how many entries.

    What is dropped is the beginning of a chain, a transaction each; an entry tells of it, and holds
    the hash that the rest goes on from.
    """
    with database.system_transaction(read_only=True) as tx:
        tenants = [row[0] for row in tx.rows(_HEADS)]
    dropped = 0
    for tenant in tenants:
        asked = {"tenant": tenant, "before": before, "retain_days": retain_days}
        with database.system_transaction() as tx:
            row = tx.row(_EXPIRE, asked)
        dropped += row[0] if row else 0
    return dropped
