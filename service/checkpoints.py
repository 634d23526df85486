"""Writes the signed checkpoints of all audit chains, outside the database.

A chain that contradicts an earlier checkpoint gets no new one that would make it good: the earlier
goes on holding, and the checkpoint names the tenant, until an operator declares a restore.
"""

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import structlog
from typing_extensions import override

from db.audit_upkeep import Heads, heads_and_hashes
from db.maintenance import replace_epoch
from db.session import Database
from handlers.auditing import Checkpoints
from handlers.signing import Signer, Signing, signed_envelope
from policies.audit_entries import moment_text
from policies.checkpoints import (
    PAYLOAD_TYPE,
    Checkpoint,
    CheckpointError,
    Head,
    Kind,
    accepted_heads,
    believed,
    payload_of,
    read_checkpoint,
)
from policies.published_keys import by_id
from service.checkpoint_folder import CheckpointFolder

_EPOCH: Final = ""
_HOUR: Final = len("2026-11-20T08")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the folder says: the newest number and what it is of, and every head it holds true."""

    number: int
    previous: str | None
    newest: Checkpoint | None
    complete_at: str
    heads: Mapping[str, Head]


def write_checkpoint(database: Database, folder: CheckpointFolder, signing: Signing) -> int | None:
    """Write a checkpoint if a chain has grown or a new hour has begun; return its number.

    None too if another process was first. Chains that contradict earlier checkpoints are named in
    it, and in the log. Needs a collector_maint login. Raises NotConfigured without a signing key,
    DatabaseError, OSError.
    """
    signer = signing.require_signer("Checkpoints")
    known = _known(folder, signing)
    expected = {tenant: head.seq for tenant, head in known.heads.items()}
    heads, hashes = heads_and_hashes(database, expected)
    mismatches = _mismatches(known, heads, hashes)
    for tenant in mismatches:
        _log.error("audit_mismatch", tenant=tenant or None, epoch=tenant == _EPOCH)
    now = {
        tenant: Head(head.seq, head.hash.hex())
        for tenant, head in heads.by_tenant.items()
        if tenant not in mismatches
    }
    moved = {tenant: head for tenant, head in now.items() if known.heads.get(tenant) != head}
    at = moment_text(heads.at)
    complete = at[:_HOUR] != known.complete_at[:_HOUR]
    before = known.newest.mismatches if known.newest else ()
    if not complete and not moved and mismatches == before:
        return None
    checkpoint = Checkpoint(
        number=known.number + 1,
        previous=known.previous,
        at=at,
        kind=Kind.CHECKPOINT,
        epoch=known.newest.epoch if known.newest else heads.epoch,
        complete=complete,
        heads={**known.heads, **now} if complete else moved,
        mismatches=mismatches,
    )
    return _kept(folder, signer, checkpoint)


def declare_restore(database: Database, folder: CheckpointFolder, signing: Signing) -> int:
    """Give the database a new epoch, and sign a record that its chains go on from where they are.

    Return its number. For after a restore or a promotion: what earlier checkpoints name beyond is
    then told as lost, no longer as a fault. Raises as `write_checkpoint` does.
    """
    signer = signing.require_signer("The record of a restore")
    replace_epoch(database)
    while True:
        known = _known(folder, signing)
        expected = {tenant: head.seq for tenant, head in known.heads.items()}
        heads, hashes = heads_and_hashes(database, expected)
        set_back = set(_mismatches(known, heads, hashes)) - {_EPOCH}
        checkpoint = Checkpoint(
            number=known.number + 1,
            previous=known.previous,
            at=moment_text(heads.at),
            kind=Kind.RESTORE,
            epoch=heads.epoch,
            complete=True,
            heads={
                tenant: Head(head.seq, head.hash.hex()) for tenant, head in heads.by_tenant.items()
            },
            kept={
                tenant: _last_kept(database, tenant, named)
                for tenant, named in _named_heads(folder, signing, set_back).items()
            },
        )
        number = _kept(folder, signer, checkpoint)
        if number is not None:
            return number


def _named_heads(
    folder: CheckpointFolder, signing: Signing, tenants: Collection[str]
) -> dict[str, list[Head]]:
    """Every head of these tenants that a checkpoint has named, oldest first."""
    named: dict[str, list[Head]] = {tenant: [] for tenant in tenants}
    if not tenants:
        return named
    keys = by_id(signing.published)
    for number, content in folder.all():
        checkpoint = believed(number, content, keys)
        for tenant in tenants if checkpoint else ():
            if checkpoint and tenant in checkpoint.heads:
                named[tenant].append(checkpoint.heads[tenant])
    return named


def _last_kept(database: Database, tenant: str, named: Sequence[Head]) -> int:
    """The last of these entries that is still in the chain, which holds all before it, too."""

    def is_lost(head: Head) -> bool:
        _, hashes = heads_and_hashes(database, {tenant: head.seq})
        digest = hashes.get(tenant)
        return digest is None or digest.hex() != head.hash

    kept = bisect_left(named, True, key=is_lost)
    return named[kept - 1].seq if kept else 0


def drop_checkpoints(folder: CheckpointFolder, before: str) -> int:
    """Remove the oldest checkpoints, where a thousand were written before this moment of UTC.

    Return how many. The newest stay, however old.
    """
    first_kept = 0
    for number, content in folder.all():
        try:
            checkpoint, _ = read_checkpoint(content)
        except CheckpointError:
            # It was changed, which verification tells; its neighbours say how old it is.
            continue
        first_kept = number
        if checkpoint.at >= before:
            break
    return folder.drop_before(first_kept)


class KeptCheckpoints(Checkpoints):
    """The checkpoints of a folder, for verifying the newest part of a chain."""

    def __init__(self, folder: CheckpointFolder, signing: Signing) -> None:
        self._folder = folder
        self._signing = signing

    @override
    def recent(self) -> Sequence[tuple[int, bytes]]:
        try:
            return recent_checkpoints(self._folder, self._signing)
        except OSError as error:
            # The answer then says that no checkpoint was looked at.
            _log.error("checkpoints_unreadable", reason=error.strerror)
            return ()


def recent_checkpoints(folder: CheckpointFolder, signing: Signing) -> list[tuple[int, bytes]]:
    """The newest checkpoints, oldest first, from a complete one on: they name every head."""
    return [(number, content) for number, content, _ in _recent(folder, signing)]


def _recent(
    folder: CheckpointFolder, signing: Signing
) -> list[tuple[int, bytes, Checkpoint | None]]:
    """The same, each with what it says if it can be believed."""
    recent: list[tuple[int, bytes, Checkpoint | None]] = []
    keys = by_id(signing.published)
    for number in folder.numbers_back():
        content = folder.read(number)
        checkpoint = believed(number, content, keys)
        recent.append((number, content, checkpoint))
        if checkpoint is not None and checkpoint.complete:
            break
    return recent[::-1]


def _known(folder: CheckpointFolder, signing: Signing) -> _Known:
    recent = _recent(folder, signing)
    checkpoints = [checkpoint for _, _, checkpoint in recent if checkpoint is not None]
    complete = [each.at for each in checkpoints if each.complete]
    number, content, _ = recent[-1] if recent else (0, b"", None)
    return _Known(
        number=number,
        previous=sha256(content).hexdigest() if recent else None,
        newest=checkpoints[-1] if checkpoints else None,
        complete_at=complete[-1] if complete else "",
        heads=accepted_heads(checkpoints),
    )


def _mismatches(known: _Known, heads: Heads, hashes: Mapping[str, bytes | None]) -> tuple[str, ...]:
    """The tenants whose chains no longer hold what a checkpoint named, by name."""
    found = {
        tenant
        for tenant, head in known.heads.items()
        if tenant not in heads.by_tenant
        or heads.by_tenant[tenant].seq < head.seq
        or (digest := hashes.get(tenant)) is None
        or digest.hex() != head.hash
    }
    if known.newest is not None and known.newest.epoch != heads.epoch:
        found.add(_EPOCH)
    return tuple(sorted(found))


def _kept(folder: CheckpointFolder, signer: Signer, checkpoint: Checkpoint) -> int | None:
    content = signed_envelope(signer, PAYLOAD_TYPE, payload_of(checkpoint))
    if not folder.add(checkpoint.number, content):
        return None
    _log.info(
        "checkpoint_written",
        number=checkpoint.number,
        kind=checkpoint.kind.value,
        heads=len(checkpoint.heads),
        mismatches=len(checkpoint.mismatches),
    )
    return checkpoint.number
