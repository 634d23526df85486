"""Reads the audit log of a tenant: pages of entries that match, and the chain as it is stored.

Row level security picks the tenant's rows; these queries never filter by tenant themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from db.ids import moment_of
from db.rows import with_bytes
from db.transaction import Parameters, Transaction


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """All given must hold. `since` is inclusive, `until` exclusive."""

    action: str | None = None
    actor: str | None = None
    object_id: str | None = None
    outcome: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditEntryRow:
    """One entry: `hash` is of the hash before it and `body`, whose parts the rest repeats."""

    seq: int
    hash: bytes
    body: str
    at: datetime
    action: str
    actor: str | None
    object_type: str | None
    object_id: str | None
    outcome: str


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """What an entry sealed; `origins` has (reports, key id, request id) of each request."""

    leaves: bytes
    origins: Sequence[tuple[int, str, str]]


@dataclass(frozen=True, slots=True)
class ChainState:
    """Where the chain is: its head, the entry before the first that is kept, and the epoch.

    `unsealed_requests` wait in the journal, the first since `unsealed_since`.
    """

    head_seq: int
    head_hash: bytes
    epoch: str
    dropped_through: int
    dropped_hash: bytes
    unsealed_requests: int
    unsealed_since: datetime | None


_COLUMNS: Final = "seq, hash, body, at, action, actor, object_type, object_id, outcome"
_STATE: Final = """
SELECT coalesce(head.seq, 0), coalesce(head.hash, decode(repeat('00', 32), 'hex')),
       epoch.value::text, (told.body::json #>> '{details,through}')::bigint,
       decode(told.body::json #>> '{details,hash}', 'hex'), waiting.requests,
       (SELECT report_id FROM ingest_journal ORDER BY report_id LIMIT 1)
  FROM epoch
  LEFT JOIN audit_heads AS head ON true
  LEFT JOIN LATERAL (
    SELECT body FROM audit_entries WHERE action = 'expire_audit'
     ORDER BY seq DESC LIMIT 1) AS told ON true
  CROSS JOIN (SELECT count(*) AS requests FROM ingest_journal) AS waiting
"""
_CHAIN: Final = (
    f"SELECT {_COLUMNS} FROM audit_entries WHERE seq > %(after)s ORDER BY seq LIMIT %(limit)s"  # noqa: S608 - constants
)
_LAST: Final = """
SELECT seq, hash FROM audit_entries WHERE seq <= %(seq)s ORDER BY seq DESC LIMIT 1
"""
_SEGMENT_SIZES: Final = """
SELECT seq, octet_length(leaves) FROM audit_segments
 WHERE seq > %(after)s AND seq <= %(through)s ORDER BY seq
"""
_SEGMENT: Final = "SELECT leaves, origins FROM audit_segments WHERE seq = %(seq)s"


def list_entries(
    tx: Transaction, filters: AuditFilters, *, before: int | None, limit: int
) -> list[AuditEntryRow]:
    """Return at most `limit` entries that match, newest first, older than the number `before`."""
    sql = f"SELECT {_COLUMNS} FROM audit_entries{_where(_shape(filters, before))}"  # noqa: S608 - constants
    parameters = {**_parameters(filters), "before": before, "limit": limit}
    return _entries(tx, f"{sql} ORDER BY seq DESC LIMIT %(limit)s", parameters)


def count_entries(tx: Transaction, filters: AuditFilters, cap: int = 1000) -> tuple[int, bool]:
    """Return how many match, and whether that is exact: beyond `cap` it is (cap, False)."""
    where = _where(_shape(filters, None))
    sql = f"SELECT count(*) FROM (SELECT FROM audit_entries{where} LIMIT %(limit)s) AS capped"  # noqa: S608 - constants
    row = tx.row(sql, {**_parameters(filters), "limit": cap + 1})
    found: int = row[0] if row else 0
    return min(found, cap), found <= cap


def chain_state(tx: Transaction) -> ChainState:
    """Where the transaction's tenant's chain is."""
    row = tx.row(_STATE)
    if row is None:
        raise LookupError("The epoch's row is missing; run `collector migrate`.")
    first: UUID | None = row[6]
    return ChainState(
        head_seq=row[0],
        head_hash=bytes(row[1]),
        epoch=row[2],
        dropped_through=row[3] or 0,
        dropped_hash=bytes(32) if row[4] is None else bytes(row[4]),
        unsealed_requests=row[5],
        unsealed_since=None if first is None else moment_of(first),
    )


def chain_entries(tx: Transaction, *, after: int, limit: int) -> list[AuditEntryRow]:
    """Return the next entries of the chain, oldest first."""
    return _entries(tx, _CHAIN, {"after": after, "limit": limit})


def last_entry(tx: Transaction, seq: int) -> tuple[int, bytes] | None:
    """Return number and hash of this entry, or of the last one before it that is there."""
    row = tx.row(_LAST, {"seq": seq})
    return None if row is None else (row[0], bytes(row[1]))


def segment_sizes(tx: Transaction, *, after: int, through: int) -> dict[int, int]:
    """Return the numbers of these entries' segments, and how many bytes of leaves each has."""
    rows = tx.rows(_SEGMENT_SIZES, {"after": after, "through": through})
    return {row[0]: row[1] for row in rows}


def segment(tx: Transaction, seq: int) -> SegmentRow | None:
    row = tx.row(_SEGMENT, {"seq": seq})
    if row is None:
        return None
    return SegmentRow(bytes(row[0]), [tuple(origin) for origin in row[1]])


def _entries(tx: Transaction, sql: str, parameters: Parameters) -> list[AuditEntryRow]:
    return [AuditEntryRow(*with_bytes(row)) for row in tx.rows(sql, parameters)]


def _shape(filters: AuditFilters, before: int | None) -> tuple[str, ...]:
    """Which conditions a query has: all that its text depends on."""
    given = {
        "action = %(action)s": filters.action,
        "actor = %(actor)s": filters.actor,
        "object_id = %(object_id)s": filters.object_id,
        "outcome = %(outcome)s": filters.outcome,
        "at >= %(since)s": filters.since,
        "at < %(until)s": filters.until,
        "seq < %(before)s": before,
    }
    return tuple(sql for sql, value in given.items() if value is not None)


def _where(conditions: tuple[str, ...]) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def _parameters(filters: AuditFilters) -> dict[str, object]:
    return {
        "action": filters.action,
        "actor": filters.actor,
        "object_id": filters.object_id,
        "outcome": filters.outcome,
        "since": filters.since,
        "until": filters.until,
    }
