"""Audit chains and checkpoints made as the database and the worker make them, for tests."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from policies.audit_entries import (
    BEGINNING,
    Anchor,
    Entry,
    Origin,
    Segment,
    next_hash,
    segment_root,
)
from policies.checkpoints import PAYLOAD_TYPE, Checkpoint, Head, Kind, payload_of
from policies.dsse import Envelope, Signature, envelope_text, pre_authentication_encoding
from policies.published_keys import PublishedKey, by_id

TENANT: Final = "demo"
EPOCH: Final = "0b6ffb6e-6a0e-4f6a-9b57-6d4a3c1c8f11"
KEY: Final = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEYS: Final = by_id([PublishedKey(KEY.public_key())])

Stored = tuple[Entry, Segment | None]


def segment_of(*reports: int) -> Segment:
    """A segment of as many requests as numbers are given, each with so many reports."""
    count = sum(reports)
    leaves = b"".join(sha256(b"%d" % place).digest() + bytes(16) for place in range(count))
    origins = [Origin(each, "key-1", f"request-{place}") for place, each in enumerate(reports)]
    return Segment(leaves, origins)


def chain_of(
    steps: Sequence[Mapping[str, Any] | Segment], after: Anchor = BEGINNING
) -> list[Stored]:
    """A chain of these events, in which a segment stands for the entry that seals it."""
    stored: list[Stored] = []
    last = after
    for step in steps:
        segment = step if isinstance(step, Segment) else None
        event = step if isinstance(step, Mapping) else _sealing(step)
        seq = last.seq + 1
        at = f"2026-11-20T08:{seq // 60 % 60:02}:{seq % 60:02}.000000Z"
        body = json.dumps({"version": 1, "tenant": TENANT, "seq": seq, "at": at, **event})
        last = Anchor(seq, next_hash(last.hash, body))
        stored.append((Entry(seq, last.hash, body), segment))
    return stored


def _sealing(segment: Segment) -> dict[str, Any]:
    root = segment_root(segment)
    assert root is not None
    reports = sum(origin.reports for origin in segment.origins)
    return {"action": "seal_journal", "details": {"reports": reports, "root": root.hex()}}


def plain(*actions: str) -> list[Mapping[str, Any]]:
    return [{"action": action, "outcome": "done"} for action in actions]


def anchor_of(chain: Sequence[Stored], seq: int) -> Anchor:
    [entry] = [entry for entry, _ in chain if entry.seq == seq]
    return Anchor(entry.seq, entry.hash)


class CheckpointMaker:
    """Writes checkpoints one after the other; `kept` is what a folder would hold."""

    def __init__(self, key: Ed25519PrivateKey = KEY) -> None:
        self.kept: list[tuple[int, bytes]] = []
        self._key = key

    def write(
        self,
        heads: Mapping[str, Anchor],
        *,
        kind: Kind = Kind.CHECKPOINT,
        complete: bool = False,
        epoch: str = EPOCH,
        at: str | None = None,
        kept: Mapping[str, int] | None = None,
    ) -> None:
        number = len(self.kept) + 1
        checkpoint = Checkpoint(
            number=number,
            previous=sha256(self.kept[-1][1]).hexdigest() if self.kept else None,
            at=at or f"2026-11-20T09:{number // 60:02}:{number % 60:02}.000000Z",
            kind=kind,
            epoch=epoch,
            complete=complete or number == 1,
            heads={tenant: Head(head.seq, head.hash.hex()) for tenant, head in heads.items()},
            kept=kept or {},
        )
        self.kept.append((number, signed(checkpoint, self._key)))


def signed(checkpoint: Checkpoint, key: Ed25519PrivateKey = KEY) -> bytes:
    payload = payload_of(checkpoint)
    message = pre_authentication_encoding(PAYLOAD_TYPE, payload)
    signature = Signature(PublishedKey(key.public_key()).key_id, key.sign(message))
    return envelope_text(Envelope(PAYLOAD_TYPE, payload, (signature,)))


def rewritten(chain: Sequence[Stored], seq: int) -> list[Stored]:
    """The chain with one entry changed, and all hashes from there on made anew."""
    last = BEGINNING
    made: list[Stored] = []
    for entry, segment in chain:
        body = entry.body.replace('"done"', '"failed"') if entry.seq == seq else entry.body
        last = Anchor(entry.seq, next_hash(last.hash, body))
        made.append((replace(entry, hash=last.hash, body=body), segment))
    return made
