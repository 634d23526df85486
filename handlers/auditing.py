"""Verifies a tenant's audit chain in parts, and hands it out as it is stored."""

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from db.audit_log import (
    AuditEntryRow,
    ChainState,
    SegmentRow,
    chain_entries,
    chain_state,
    last_entry,
    segment,
    segment_sizes,
)
from db.transaction import Transaction
from handlers.context import Context
from policies.audit_chain import ChainCheck, NamedHead
from policies.audit_entries import Anchor, Columns, Entry, Finding, Origin, Segment
from policies.checkpoints import CheckpointRow
from policies.published_keys import PublishedKey, by_id

_PAGE: Final = 1_000
# What takes a second or two, beside other requests.
_MOST_ENTRIES: Final = 20_000
_MOST_LEAF_BYTES: Final = 12_000_000
# What one answer holds; a segment's text is a good deal longer than its leaves.
_MOST_SENT_BYTES: Final = 4_000_000


class Checkpoints(Protocol):
    """Where checkpoints are kept, outside the database."""

    def recent(self) -> Sequence[tuple[int, bytes]]:
        """The newest with their numbers, oldest first: enough of them to name every head.

        Empty where there are none, or none can be read here.
        """
        ...


@dataclass(frozen=True, slots=True)
class Verification:
    """What verifying has shown; `next_after` is None where the chain's end was reached."""

    check: ChainCheck
    findings: Sequence[Finding]
    state: ChainState
    row: CheckpointRow
    next_after: int | None

    @property
    def named(self) -> NamedHead | None:
        """The head that the newest checkpoints name."""
        return self.row.heads[-1] if self.row.heads else None


def verify_chain(
    context: Context,
    checkpoints: Checkpoints | None,
    keys: Sequence[PublishedKey],
    after: int,
) -> Verification:
    """Verify what comes after an entry, as far as one answer goes."""
    tenant = context.principal.tenant_id
    row = CheckpointRow(tenant, by_id(keys))
    # Before the snapshot: a checkpoint that is newer would name what the snapshot can't show.
    for number, content in checkpoints.recent() if checkpoints else ():
        row.take(number, content)
    with context.transaction(read_only=True) as transaction:
        state = chain_state(transaction)
        row.compare_epoch(state.epoch)
        check = ChainCheck(tenant, _start(transaction, state, after), row.heads)
        next_after = _check_entries(transaction, check)
    if next_after is None:
        check.ends_at(Anchor(state.head_seq, state.head_hash))
    return Verification(check, [*check.findings, *row.findings], state, row, next_after)


def chain_part(context: Context, after: int) -> dict[str, Any]:
    """A part of the chain as the contract has it."""
    with context.transaction(read_only=True) as transaction:
        state = chain_state(transaction)
        start = _start(transaction, state, after)
        rows = chain_entries(transaction, after=start.seq, limit=_PAGE)
        entries = list(_within(transaction, start.seq, rows))
    last = entries[-1]["seq"] if entries else state.head_seq
    return {
        "tenant": context.principal.tenant_id,
        "epoch": state.epoch,
        "head": {"seq": state.head_seq, "hash": state.head_hash.hex()},
        "after": {"seq": start.seq, "hash": start.hash.hex()},
        "entries": entries,
        "next_after": last if last < state.head_seq else None,
    }


def _start(transaction: Transaction, state: ChainState, after: int) -> Anchor:
    """The entry `after`, or the last one before it: past the end there is nothing."""
    beginning = Anchor(state.dropped_through, state.dropped_hash)
    if after <= beginning.seq:
        return beginning
    found = last_entry(transaction, after)
    return beginning if found is None else Anchor(*found)


def _check_entries(transaction: Transaction, check: ChainCheck) -> int | None:
    """Where to go on, None at the end."""
    leaf_bytes = 0
    while check.entries < _MOST_ENTRIES and leaf_bytes < _MOST_LEAF_BYTES:
        begun = check.last.seq
        rows = chain_entries(transaction, after=begun, limit=_PAGE)
        if not rows:
            return None
        sizes = segment_sizes(transaction, after=begun, through=rows[-1].seq)
        for row in rows:
            if leaf_bytes >= _MOST_LEAF_BYTES:
                break
            stored = segment(transaction, row.seq) if row.seq in sizes else None
            leaf_bytes += sizes.get(row.seq, 0)
            check.take(_entry(row), _segment(stored) if stored else None)
        else:
            for seq in sorted(sizes.keys() - {row.seq for row in rows}):
                check.surplus_segment(seq)
    return check.last.seq


def _within(
    transaction: Transaction, after: int, rows: Sequence[AuditEntryRow]
) -> Iterator[dict[str, Any]]:
    if not rows:
        return
    sizes = segment_sizes(transaction, after=after, through=rows[-1].seq)
    sent = 0
    for row in rows:
        sent += len(row.body) + 4 * sizes.get(row.seq, 0)
        if sent > _MOST_SENT_BYTES and row is not rows[0]:
            return
        stored = segment(transaction, row.seq) if row.seq in sizes else None
        yield {
            "seq": row.seq,
            "hash": row.hash.hex(),
            "body": row.body,
            "segment": None if stored is None else _segment_as_told(stored),
        }


def _segment_as_told(stored: SegmentRow) -> Mapping[str, Any]:
    return {
        "leaves": b64encode(stored.leaves).decode("ascii"),
        "origins": [
            {"reports": reports, "key_id": key_id, "request_id": request_id}
            for reports, key_id, request_id in stored.origins
        ],
    }


def _segment(stored: SegmentRow) -> Segment:
    return Segment(stored.leaves, [Origin(*origin) for origin in stored.origins])


def _entry(row: AuditEntryRow) -> Entry:
    columns = Columns(row.at, row.action, row.actor, row.object_type, row.object_id, row.outcome)
    return Entry(row.seq, row.hash, row.body, columns)
