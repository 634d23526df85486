"""Signed checkpoints of all audit chains: what they say, and whether a row of them is whole.

Each names the hash of the one before, so that none can be taken out unseen but the newest. Reads no
file and asks no clock.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final, NamedTuple

from policies.audit_chain import NamedHead
from policies.audit_entries import Fault, Finding, whole_number
from policies.dsse import Envelope, EnvelopeError, Verdict, check_signatures, envelope_text
from policies.dsse import parse_envelope as parse
from policies.published_keys import PublishedKey

PAYLOAD_TYPE: Final = "application/vnd.collector.audit-checkpoint+json"
VERSION: Final = 1


class Kind(StrEnum):
    """A restore is what an operator declares: from it on the heads may be older than before."""

    CHECKPOINT = "checkpoint"
    RESTORE = "restore"


class Head(NamedTuple):
    """The last entry of a tenant's chain; `hash` in hexadecimal."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """`heads` are of all tenants if `complete`, else of those whose chains grew since the last one.

    `previous` is the SHA-256 of the checkpoint before, as it is kept. `mismatches` are the tenants
    whose chains were found to contradict earlier checkpoints, which go on holding for them; an
    empty name stands for the database's epoch. `kept` is for a restore: the tenants whose chains
    it has set back, and the last entry that a checkpoint named and that is still there.
    """

    number: int
    previous: str | None
    at: str
    kind: Kind
    epoch: str
    complete: bool
    heads: Mapping[str, Head]
    mismatches: tuple[str, ...] = ()
    kept: Mapping[str, int] = field(default_factory=dict)


class CheckpointError(ValueError):
    """What is no checkpoint as this program writes it; the message repeats nothing of it."""


def payload_of(checkpoint: Checkpoint) -> bytes:
    """The JSON text that is signed: the same bytes for the same checkpoint."""
    return _dumped(
        {
            "version": VERSION,
            "number": checkpoint.number,
            "previous": checkpoint.previous,
            "at": checkpoint.at,
            "kind": checkpoint.kind.value,
            "epoch": checkpoint.epoch,
            "complete": checkpoint.complete,
            "heads": {
                tenant: {"seq": head.seq, "hash": head.hash}
                for tenant, head in sorted(checkpoint.heads.items())
            },
            "mismatches": sorted(checkpoint.mismatches),
            "kept": dict(sorted(checkpoint.kept.items())),
        }
    )


def read_checkpoint(content: bytes) -> tuple[Checkpoint, Envelope]:
    """A checkpoint as it is kept. Raises CheckpointError unless it is exactly as it was written.

    Whose signature it bears is not looked at.
    """
    try:
        envelope = parse(content)
    except EnvelopeError as error:
        raise CheckpointError(str(error)) from None
    if envelope_text(envelope) != content:
        raise CheckpointError("its envelope is not as it is written")
    if envelope.payload_type != PAYLOAD_TYPE:
        raise CheckpointError("its payload is of another type")
    checkpoint = _read_payload(envelope.payload)
    if payload_of(checkpoint) != envelope.payload:
        raise CheckpointError("its payload is not as it is written")
    return checkpoint, envelope


def _read_payload(payload: bytes) -> Checkpoint:
    try:
        document = json.loads(payload)
        if document["version"] != VERSION:
            raise CheckpointError("its version is not known")
        return Checkpoint(
            number=whole_number(document["number"]),
            previous=None if document["previous"] is None else str(document["previous"]),
            at=_moment(document["at"]),
            kind=Kind(document["kind"]),
            epoch=str(document["epoch"]),
            complete=bool(document["complete"]),
            heads={
                tenant: Head(whole_number(head["seq"]), str(head["hash"]))
                for tenant, head in document["heads"].items()
            },
            mismatches=tuple(document["mismatches"]),
            kept={tenant: whole_number(seq) for tenant, seq in document["kept"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError("its payload is no checkpoint") from error


@dataclass(frozen=True, slots=True)
class Lost:
    """Entries of a tenant that a declared restore has undone."""

    at: str
    checkpoint: int
    first: int
    last: int


@dataclass(slots=True)
class CheckpointRow:
    """Takes checkpoints in order; `heads` are then those of the tenant that must be in its chain.

    `keys` are by key id. Findings name what isn't whole; a checkpoint that can't be believed says
    nothing of heads.
    """

    tenant: str
    keys: Mapping[str, PublishedKey]
    heads: list[NamedHead] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    mismatched: bool = False
    taken: int = 0
    first: Checkpoint | None = None
    newest: Checkpoint | None = None
    _last_number: int | None = None
    _last_digest: str | None = None

    def take(self, number: int, content: bytes) -> None:
        """The next checkpoint, `number` being what it is kept under."""
        self.taken += 1
        self._compare_numbers(number)
        digest = sha256(content).hexdigest()
        before, self._last_number, self._last_digest = self._last_digest, number, digest
        try:
            checkpoint, envelope = read_checkpoint(content)
        except CheckpointError as error:
            self._found(Fault.CHECKPOINT_CHANGED, number, f"was changed: {error}.")
            return
        if checkpoint.number != number:
            self._found(Fault.CHECKPOINT_CHANGED, number, f"calls itself {checkpoint.number}.")
            return
        if not self._is_signed(number, checkpoint, envelope):
            return
        if before is not None and checkpoint.previous != before:
            detail = "does not follow the one before: one of the two was changed."
            self._found(Fault.CHECKPOINT_CHANGED, number, detail)
        self._believe(checkpoint)

    def compare_epoch(self, epoch: str) -> None:
        """`epoch` is the database's: a restore that nobody declared shows in it, if in nothing."""
        if self.newest is not None and self.newest.epoch != epoch:
            detail = "is of another epoch than the database: declare a restore, if there was one."
            self._found(Fault.EPOCH_CHANGED, self.newest.number, detail)

    def _compare_numbers(self, number: int) -> None:
        if self._last_number is None or number == self._last_number + 1:
            return
        first = self._last_number + 1
        missing = (
            "is missing." if first == number - 1 else f"and those to {number - 1} are missing."
        )
        self._found(Fault.CHECKPOINT_MISSING, first, missing)
        self._last_digest = None

    def _is_signed(self, number: int, checkpoint: Checkpoint, envelope: Envelope) -> bool:
        verdict = _signature_verdict(checkpoint, envelope, self.keys)
        if verdict is Verdict.WRONG:
            self._found(Fault.CHECKPOINT_CHANGED, number, "was changed: its signature is wrong.")
        elif verdict is Verdict.UNKNOWN_KEY:
            detail = "is signed by no key that is trusted for its time."
            self._found(Fault.CHECKPOINT_UNSIGNED, number, detail)
        return verdict is Verdict.RIGHT

    def _believe(self, checkpoint: Checkpoint) -> None:
        self.first = self.first or checkpoint
        self.newest = checkpoint
        head = checkpoint.heads.get(self.tenant)
        if checkpoint.kind is Kind.RESTORE:
            self._restore(checkpoint)
        self.mismatched = self.tenant in checkpoint.mismatches or "" in checkpoint.mismatches
        if head is not None and not self._is_known(head):
            named = NamedHead(checkpoint.number, checkpoint.at, head.seq, head.hash)
            self.heads.append(named)

    def _is_known(self, head: Head) -> bool:
        """A complete checkpoint names heads again that haven't moved."""
        if not self.heads:
            return False
        return (self.heads[-1].seq, self.heads[-1].hash) == (head.seq, head.hash)

    def _restore(self, checkpoint: Checkpoint) -> None:
        kept = checkpoint.kept.get(self.tenant)
        if kept is None:
            return
        beyond = [head.seq for head in self.heads if head.seq > kept]
        if beyond:
            self.lost.append(Lost(checkpoint.at, checkpoint.number, kept + 1, max(beyond)))
        self.heads = [head for head in self.heads if head.seq <= kept]

    def _found(self, fault: Fault, number: int, detail: str) -> None:
        self.findings.append(Finding(fault, f"Checkpoint {number} {detail}", None, number))


def believed(number: int, content: bytes, keys: Mapping[str, PublishedKey]) -> Checkpoint | None:
    """The checkpoint that is kept under a number, None if it is none that one of `keys` signed."""
    try:
        checkpoint, envelope = read_checkpoint(content)
    except CheckpointError:
        return None
    is_right = _signature_verdict(checkpoint, envelope, keys) is Verdict.RIGHT
    return checkpoint if is_right and checkpoint.number == number else None


def _signature_verdict(
    checkpoint: Checkpoint, envelope: Envelope, keys: Mapping[str, PublishedKey]
) -> Verdict:
    public = {key_id: key.public_key for key_id, key in keys.items()}
    verdicts = check_signatures(envelope, public)
    if any(verdict is Verdict.WRONG for _, verdict in verdicts):
        return Verdict.WRONG
    moment = datetime.fromisoformat(checkpoint.at)
    right = [keys[key_id] for key_id, verdict in verdicts if verdict is Verdict.RIGHT]
    return Verdict.RIGHT if any(key.covers(moment) for key in right) else Verdict.UNKNOWN_KEY


def accepted_heads(checkpoints: Iterable[Checkpoint]) -> dict[str, Head]:
    """Every tenant's head by checkpoints in order, the first of which is complete."""
    heads: dict[str, Head] = {}
    for checkpoint in checkpoints:
        if checkpoint.complete:
            heads = {}
        heads.update(checkpoint.heads)
    return heads


def _moment(value: Any) -> str:
    if datetime.fromisoformat(value).tzinfo is None:
        raise ValueError("a moment without its time zone")
    return str(value)


def _dumped(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=True).encode("ascii")
