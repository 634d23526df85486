"""What the worker writes of all chains outside the database, and what it refuses to make good."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from db import access
from db.audit import AuditEvent, record
from db.audit_upkeep import Heads, expire_audit, heads_and_hashes
from db.ids import TenantId
from db.session import Database
from handlers.errors import NotConfigured
from policies.checkpoints import Checkpoint, CheckpointRow, Head, Kind, read_checkpoint
from policies.published_keys import by_id
from service.checkpoint_folder import CheckpointFolder
from service.checkpoints import declare_restore, drop_checkpoints, write_checkpoint
from tests.policies.chains import signed
from tests.support.database import TestDatabase
from tests.support.service import SIGNING

_A, _B = TenantId("a"), TenantId("b")


class _Written:
    """A database and its folder of checkpoints."""

    def __init__(self, database: TestDatabase, folder: CheckpointFolder) -> None:
        self.database = database
        self.folder = folder
        self.app = Database(database.url(access.APP), pool_size=2)
        self.maintenance = Database(database.url(access.MAINTENANCE), pool_size=2)

    def append(self, tenant: TenantId, count: int = 1) -> None:
        for _ in range(count):
            with self.app.tenant_transaction(tenant) as tx:
                record(tx, AuditEvent("sign_report"))

    def write(self) -> Checkpoint | None:
        number = write_checkpoint(self.maintenance, self.folder, SIGNING)
        return None if number is None else read_checkpoint(self.folder.read(number))[0]

    def row(self, tenant: TenantId) -> CheckpointRow:
        row = CheckpointRow(tenant, by_id(SIGNING.published))
        for number, content in self.folder.all():
            row.take(number, content)
        return row


@pytest.fixture
def written(own_database: TestDatabase, tmp_path: Path) -> Iterator[_Written]:
    made = _Written(own_database, CheckpointFolder(tmp_path / "checkpoints"))
    yield made
    made.app.close()
    made.maintenance.close()


def _seqs(checkpoint: Checkpoint | None) -> dict[str, int]:
    assert checkpoint is not None
    return {tenant: head.seq for tenant, head in checkpoint.heads.items()}


def test_first_checkpoint_names_every_chain_and_later_ones_those_that_grew(
    written: _Written,
) -> None:
    written.append(_A, 2)
    written.append(_B)
    first = written.write()
    assert _seqs(first) == {"a": 2, "b": 1}
    assert first is not None
    assert (first.number, first.complete, first.previous) == (1, True, None)
    written.append(_B)
    second = written.write()
    assert _seqs(second) == {"b": 2}
    assert second is not None
    assert (second.number, second.complete) == (2, False)
    assert written.row(_A).findings == []


def test_nothing_is_written_while_nothing_happens(written: _Written) -> None:
    written.append(_A)
    assert written.write() is not None
    assert written.write() is None
    assert list(written.folder.numbers_back()) == [1]


def test_each_hour_has_a_complete_one_though_nothing_happens(
    written: _Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    written.append(_A)
    written.write()

    def an_hour_later(
        database: Database, wanted: Mapping[str, int]
    ) -> tuple[Heads, dict[str, bytes | None]]:
        heads, hashes = heads_and_hashes(database, wanted)
        return replace(heads, at=heads.at + timedelta(hours=1)), hashes

    monkeypatch.setattr("service.checkpoints.heads_and_hashes", an_hour_later)
    second = written.write()
    assert _seqs(second) == {"a": 1}
    assert second is not None
    assert second.complete
    assert written.write() is None


@pytest.mark.parametrize(
    "tampering",
    [
        "DELETE FROM audit_heads WHERE tenant_id = 'a'",
        "UPDATE audit_heads SET seq = 1 WHERE tenant_id = 'a'",
        "UPDATE audit_entries SET hash = sha256(hash) WHERE tenant_id = 'a' AND seq = 3",
        "DELETE FROM audit_entries WHERE tenant_id = 'a' AND seq = 3",
    ],
)
def test_chain_that_contradicts_a_checkpoint_is_named_and_not_made_good(
    written: _Written, tampering: str
) -> None:
    written.append(_A, 3)
    written.append(_B)
    written.write()
    written.database.run(access.OWNER, tampering)
    second = written.write()
    assert second is not None
    assert (second.mismatches, _seqs(second)) == (("a",), {})
    # It is told once, and every time in the log.
    assert written.write() is None
    written.append(_B)
    assert _seqs(written.write()) == {"b": 2}
    row = written.row(_A)
    assert (row.mismatched, [head.seq for head in row.heads]) == (True, [3])
    assert declare_restore(written.maintenance, written.folder, SIGNING) == 4
    assert written.row(_A).mismatched is False


def test_chain_dropped_past_what_a_checkpoint_named_is_named(written: _Written) -> None:
    written.append(_A, 3)
    written.write()
    written.append(_A, 1)
    [(moment,)] = written.database.run(access.OWNER, "SELECT clock_timestamp()")
    assert isinstance(moment, datetime)
    assert expire_audit(written.maintenance, moment, 400) == 4
    third = written.write()
    assert third is not None
    # In 400 days no checkpoint has named entry 4, and nothing that was named is left.
    assert third.mismatches == ("a",)


def test_idle_chain_dropped_as_a_whole_goes_on_from_what_was_named(written: _Written) -> None:
    written.append(_A, 3)
    written.write()
    [(moment,)] = written.database.run(access.OWNER, "SELECT clock_timestamp()")
    assert isinstance(moment, datetime)
    assert expire_audit(written.maintenance, moment, 400) == 3
    assert _seqs(written.write()) == {"a": 4}
    # The entry of a drop alone is never dropped: that would make another, and so on.
    assert expire_audit(written.maintenance, moment + timedelta(days=1), 400) == 0


def test_file_that_is_no_checkpoint_of_ours_makes_nothing_good(written: _Written) -> None:
    """Someone who can write to the folder but has no key can't move a head."""
    written.append(_A, 3)
    written.write()
    newest, _ = read_checkpoint(written.folder.read(1))
    other = Ed25519PrivateKey.generate()
    forged = replace(newest, number=2, heads={"a": Head(1, "00" * 32)})
    written.folder.add(2, signed(forged, other))
    written.database.run(access.OWNER, "DELETE FROM audit_entries WHERE seq = 3")
    third = written.write()
    assert third is not None
    assert (third.number, third.mismatches) == (3, ("a",))
    assert [finding.checkpoint for finding in written.row(_A).findings] == [2]


def test_declared_restore_names_every_chain_and_the_new_epoch(written: _Written) -> None:
    written.append(_A, 2)
    written.write()
    assert declare_restore(written.maintenance, written.folder, SIGNING) == 2
    declared, _ = read_checkpoint(written.folder.read(2))
    [(epoch,)] = written.database.run(access.OWNER, "SELECT value::text FROM epoch")
    assert (declared.kind, declared.epoch) == (Kind.RESTORE, epoch)
    assert _seqs(declared) == {"a": 2, "system": 1}
    written.append(_A)
    assert _seqs(written.write()) == {"a": 3}
    assert written.row(_A).findings == []


def test_restored_chain_that_has_grown_again_keeps_what_it_has_in_common(
    written: _Written,
) -> None:
    for _ in range(5):
        written.append(_A)
        written.write()
    written.append(_B)
    written.write()
    written.database.run(access.OWNER, "DELETE FROM audit_entries WHERE seq > 3")
    written.database.run(
        access.OWNER,
        "UPDATE audit_heads SET seq = 3, hash = (SELECT hash FROM audit_entries"
        " WHERE tenant_id = 'a' AND seq = 3) WHERE tenant_id = 'a'",
    )
    # By now it is as long as it was, with other entries.
    written.append(_A, 4)
    number = declare_restore(written.maintenance, written.folder, SIGNING)
    declared, _ = read_checkpoint(written.folder.read(number))
    assert declared.kept == {"a": 3}
    row = written.row(_A)
    assert [(lost.first, lost.last) for lost in row.lost] == [(4, 5)]
    assert [head.seq for head in row.heads] == [1, 2, 3, 7]
    assert written.row(_B).lost == []


def test_without_a_signing_key_there_is_no_checkpoint(written: _Written) -> None:
    unsigned = replace(SIGNING, signer=None)
    with pytest.raises(NotConfigured, match="SIGNING_KEY"):
        write_checkpoint(written.maintenance, written.folder, unsigned)


def _checkpoints_at(folder: CheckpointFolder, moments: Sequence[str]) -> None:
    for place, at in enumerate(moments):
        number = 1 + place * 1000
        made = Checkpoint(number, None, at, Kind.CHECKPOINT, "epoch", True, {})
        folder.add(number, signed(made))


def test_old_checkpoints_are_dropped_by_the_thousand(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    moments = [f"2026-{month:02}-01T00:00:00.000000Z" for month in range(1, 7)]
    _checkpoints_at(folder, moments)
    assert drop_checkpoints(folder, moments[3]) == 3
    assert list(folder.numbers_back()) == [5001, 4001, 3001]
    assert drop_checkpoints(folder, "2027-01-01T00:00:00.000000Z") == 2
    assert list(folder.numbers_back()) == [5001]
