"""Whether a tenant's audit chain is whole, entry by entry, and what checkpoints say against it.

Knows no database and no file: entries come in order, as many as there are, and none is kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from policies.audit_entries import (
    BEGINNING,
    EXPIRE,
    SEAL,
    Anchor,
    Columns,
    Entry,
    Fault,
    Finding,
    Segment,
    moment_text,
    next_hash,
    read_body,
    segment_root,
)

MOST_FINDINGS: Final = 100


@dataclass(frozen=True, slots=True)
class NamedHead:
    """The last entry of the chain as a checkpoint names it; `at` is when that was written."""

    checkpoint: int
    at: str
    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """What retention took off the beginning, as the entry `told_by` tells."""

    told_by: int
    at: str
    through: int
    hash: str
    before: str


@dataclass(slots=True)
class ChainCheck:
    """Takes a chain's entries in order; `findings` are the first hundred faults.

    `after` is the entry before the first that comes. `heads` are what checkpoints name.
    """

    tenant: str
    after: Anchor = BEGINNING
    heads: Sequence[NamedHead] = ()
    findings: list[Finding] = field(default_factory=list)
    entries: int = 0
    sealed_reports: int = 0
    drops: list[Dropped] = field(default_factory=list)
    last: Anchor = field(init=False)
    _by_seq: dict[int, list[NamedHead]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.last = self.after
        for head in self.heads:
            self._by_seq.setdefault(head.seq, []).append(head)
        self._compare_with_checkpoints(self.after)

    def found(
        self, fault: Fault, detail: str, seq: int | None, checkpoint: int | None = None
    ) -> None:
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(Finding(fault, detail, seq, checkpoint))

    def take(self, entry: Entry, segment: Segment | None = None) -> None:
        """The next entry, with the segment stored under its number."""
        if entry.seq <= self.last.seq:
            self.found(Fault.ENTRY_CHANGED, f"Entry {entry.seq} comes out of its order.", entry.seq)
            return
        follows = entry.seq == self.last.seq + 1
        if not follows:
            self._missing(self.last.seq + 1, entry.seq - 1)
        elif next_hash(self.last.hash, entry.body) != entry.hash:
            self.found(Fault.ENTRY_CHANGED, _changed(entry.seq), entry.seq)
        self.entries += 1
        self.last = Anchor(entry.seq, entry.hash)
        self._compare_with_checkpoints(self.last)
        body = read_body(entry.body)
        if body is None or body.get("tenant") != self.tenant or body.get("seq") != entry.seq:
            detail = f"The text of entry {entry.seq} is not that of this entry of this tenant."
            self.found(Fault.ENTRY_CHANGED, detail, entry.seq)
            return
        self._compare_columns(entry, body)
        self._check_segment(entry.seq, body, segment)
        if body.get("action") == EXPIRE:
            self._note_drop(entry.seq, body)

    def surplus_segment(self, seq: int) -> None:
        """A segment that no entry has sealed."""
        self.found(Fault.SEGMENT_CHANGED, f"Segment {seq} belongs to no entry that seals it.", seq)

    def ends_at(self, head: Anchor) -> None:
        """No more entries come; `head` is what is kept as the last one."""
        if head.seq > self.last.seq:
            detail = (
                f"The chain ends at entry {self.last.seq}, but its head is entry {head.seq}: "
                "its tail was cut."
            )
            self.found(Fault.TAIL_MISSING, detail, self.last.seq + 1)
        elif head != self.last:
            detail = f"The head is not the last entry, {self.last.seq}."
            self.found(Fault.HEAD_CHANGED, detail, self.last.seq)
        self._check_tail()
        self._check_drops()

    def begins_as_told(self) -> None:
        """The chain began at `after`: unless that is the very beginning, an entry must say so."""
        told = {(drop.through, drop.hash) for drop in self.drops}
        if self.after.seq > 0 and (self.after.seq, self.after.hash.hex()) not in told:
            detail = (
                f"Entries 1 to {self.after.seq} are missing, and no entry tells that they were "
                "dropped."
            )
            self.found(Fault.BEGINNING_MISSING, detail, 1)

    def _missing(self, first: int, last: int) -> None:
        named = f"Entry {first} is" if first == last else f"Entries {first} to {last} are"
        self.found(Fault.ENTRY_MISSING, f"{named} missing.", first)

    def _compare_with_checkpoints(self, anchor: Anchor) -> None:
        for head in self._by_seq.get(anchor.seq, ()):
            if head.hash != anchor.hash.hex():
                detail = (
                    f"Checkpoint {head.checkpoint} of {head.at} names another entry {anchor.seq}: "
                    "this chain was written anew after it, at this entry or before."
                )
                self.found(Fault.CHAIN_REWRITTEN, detail, anchor.seq, head.checkpoint)
                return

    def _compare_columns(self, entry: Entry, body: Mapping[str, Any]) -> None:
        if entry.columns is not None and _columns_text(entry.columns) != {
            name: body.get(name) for name in _columns_text(entry.columns)
        }:
            detail = f"The columns that entry {entry.seq} is found by differ from its text."
            self.found(Fault.COLUMNS_CHANGED, detail, entry.seq)

    def _check_segment(self, seq: int, body: Mapping[str, Any], segment: Segment | None) -> None:
        seals = body.get("action") == SEAL
        if not seals:
            if segment is not None:
                self.surplus_segment(seq)
            return
        if segment is None:
            detail = f"What entry {seq} sealed is missing."
            self.found(Fault.SEGMENT_MISSING, detail, seq)
            return
        details = body.get("details")
        told = details if isinstance(details, dict) else {}
        root = segment_root(segment)
        reports = sum(origin.reports for origin in segment.origins)
        if root is None or root.hex() != told.get("root") or reports != told.get("reports"):
            detail = f"What entry {seq} sealed was changed: its Merkle root is another."
            self.found(Fault.SEGMENT_CHANGED, detail, seq)
        self.sealed_reports += reports

    def _note_drop(self, seq: int, body: Mapping[str, Any]) -> None:
        details = body.get("details")
        told = details if isinstance(details, dict) else {}
        through, digest, before = told.get("through"), told.get("hash"), told.get("before")
        if isinstance(through, int) and isinstance(digest, str) and isinstance(before, str):
            self.drops.append(Dropped(seq, str(body.get("at")), through, digest, before))

    def _check_tail(self) -> None:
        beyond = [head for head in self.heads if head.seq > self.last.seq]
        if beyond:
            furthest = max(beyond, key=lambda head: head.seq)
            detail = (
                f"Checkpoint {furthest.checkpoint} of {furthest.at} names entry {furthest.seq}, "
                f"but the chain ends at {self.last.seq}: its tail was cut, or the database is one "
                "from before."
            )
            first = self.last.seq + 1
            self.found(Fault.TAIL_MISSING, detail, first, furthest.checkpoint)

    def _check_drops(self) -> None:
        for drop in self.drops:
            late = [
                head
                for head in self.heads
                if head.at >= drop.before and head.seq < drop.through and head.at <= drop.at
            ]
            if late:
                proof = max(late, key=lambda head: head.at)
                detail = (
                    f"Entry {drop.told_by} tells that entries up to {drop.through} were dropped as "
                    f"older than {drop.before}, but checkpoint {proof.checkpoint} of {proof.at} "
                    f"came before entry {proof.seq + 1}."
                )
                self.found(Fault.DROPPED_TOO_EARLY, detail, proof.seq + 1, proof.checkpoint)


def _columns_text(columns: Columns) -> dict[str, object]:
    return {
        "at": moment_text(columns.at),
        "action": columns.action,
        "actor": columns.actor,
        "object_type": columns.object_type,
        "object_id": columns.object_id,
        "outcome": columns.outcome,
    }


def _changed(seq: int) -> str:
    before = "its own beginning" if seq == 1 else f"entry {seq - 1}"
    return f"Entry {seq} is not what was written after {before}: one of the two was changed."
