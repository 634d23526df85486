"""What the audit log is made of: entries in a chain of hashes, and segments that some of them seal.

The database writes them in SQL; this reads them again and says what of it is not so.
"""

import json
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

from policies.merkle import leaf_hash, root_of

GENESIS: Final = bytes(32)
"""What stands for the hash before the first entry."""

LEAF_BYTES: Final = 48
SEAL: Final = "seal_journal"
EXPIRE: Final = "expire_audit"


class Fault(StrEnum):
    """What a finding is of; part of the contract."""

    ENTRY_CHANGED = "entry_changed"
    ENTRY_MISSING = "entry_missing"
    COLUMNS_CHANGED = "columns_changed"
    SEGMENT_CHANGED = "segment_changed"
    SEGMENT_MISSING = "segment_missing"
    TAIL_MISSING = "tail_missing"
    HEAD_CHANGED = "head_changed"
    BEGINNING_MISSING = "beginning_missing"
    DROPPED_TOO_EARLY = "dropped_too_early"
    CHAIN_REWRITTEN = "chain_rewritten"
    CHECKPOINT_CHANGED = "checkpoint_changed"
    CHECKPOINT_MISSING = "checkpoint_missing"
    CHECKPOINT_UNSIGNED = "checkpoint_unsigned"
    EPOCH_CHANGED = "epoch_changed"
    EXPORT_CHANGED = "export_changed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be. `seq` names an entry, `checkpoint` a checkpoint."""

    fault: Fault
    detail: str
    seq: int | None = None
    checkpoint: int | None = None


@dataclass(frozen=True, slots=True)
class Anchor:
    """An entry by its number and hash; the zeroth stands before the first."""

    seq: int
    hash: bytes


BEGINNING: Final = Anchor(0, GENESIS)


@dataclass(frozen=True, slots=True)
class Columns:
    """What stands beside an entry's text to find it by."""

    at: datetime
    action: str
    actor: str | None
    object_type: str | None
    object_id: str | None
    outcome: str


@dataclass(frozen=True, slots=True)
class Entry:
    """`hash` is of the hash before it and `body`, a JSON text, as it stands."""

    seq: int
    hash: bytes
    body: str
    columns: Columns | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """How many leaves one request added, and whose it was."""

    reports: int
    key_id: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Segment:
    """What one entry sealed: 48 bytes a report (its id, and the SHA-256 of its text)."""

    leaves: bytes
    origins: Sequence[Origin]


def next_hash(before: bytes, body: str) -> bytes:
    return sha256(before + body.encode()).digest()


def segment_root(segment: Segment) -> bytes | None:
    """The Merkle root of a segment; None if its origins don't add up to its leaves."""
    count, rest = divmod(len(segment.leaves), LEAF_BYTES)
    if rest or count != sum(origin.reports for origin in segment.origins):
        return None
    return root_of(list(_leaf_hashes(segment)))


def _leaf_hashes(segment: Segment) -> Iterator[bytes]:
    start = 0
    for origin in segment.origins:
        whose = origin.key_id.encode() + b"\0" + origin.request_id.encode()
        for _ in range(origin.reports):
            yield leaf_hash(segment.leaves[start : start + LEAF_BYTES] + whose)
            start += LEAF_BYTES


def segment_as_json(segment: Segment) -> dict[str, Any]:
    return {
        "leaves": b64encode(segment.leaves).decode("ascii"),
        "origins": [[each.reports, each.key_id, each.request_id] for each in segment.origins],
    }


def segment_from_json(document: Mapping[str, Any]) -> Segment:
    """Raises ValueError for what `segment_as_json` doesn't write."""
    try:
        leaves = b64decode(document["leaves"], validate=True)
        origins = [Origin(*_typed(each)) for each in document["origins"]]
    except (KeyError, TypeError, Base64Error) as error:
        raise ValueError("not a segment") from error
    segment = Segment(leaves, origins)
    if segment_as_json(segment) != document:
        raise ValueError("not a segment as it is written")
    return segment


def _typed(origin: Sequence[Any]) -> tuple[int, str, str]:
    reports, key_id, request_id = origin
    if type(reports) is not int or reports < 1:
        raise ValueError("an origin without reports")
    if not isinstance(key_id, str) or not isinstance(request_id, str):
        raise TypeError("an origin without its names")
    return reports, key_id, request_id


def read_body(body: str) -> dict[str, Any] | None:
    """The members of an entry's text, None if it is no JSON object."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def whole_number(value: Any) -> int:
    """A number that counts, as JSON has it. Raises ValueError for anything else."""
    if type(value) is not int or value < 0:
        raise ValueError("not a whole number")
    return value


def moment_text(moment: datetime) -> str:
    """A moment in UTC as entries write it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
