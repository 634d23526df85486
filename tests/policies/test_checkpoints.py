"""A row of signed checkpoints: what each says, and that no byte or file of it can change unseen."""

from dataclasses import replace
from datetime import datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.audit_entries import Anchor, Fault
from policies.checkpoints import CheckpointRow, Head, Kind, Lost, accepted_heads, read_checkpoint
from tests.policies.chains import EPOCH, KEYS, TENANT, CheckpointMaker, signed

_HEADS = [Anchor(seq, bytes([seq]) * 32) for seq in range(10)]


def _row(kept: list[tuple[int, bytes]]) -> CheckpointRow:
    row = CheckpointRow(TENANT, KEYS)
    for number, content in kept:
        row.take(number, content)
    return row


def _three() -> CheckpointMaker:
    maker = CheckpointMaker()
    maker.write({TENANT: _HEADS[2], "other": _HEADS[9]})
    maker.write({"other": _HEADS[8]})
    maker.write({TENANT: _HEADS[5]})
    return maker


def test_row_names_the_heads_of_its_tenant() -> None:
    row = _row(_three().kept)
    assert row.findings == []
    assert [(head.checkpoint, head.seq) for head in row.heads] == [(1, 2), (3, 5)]
    assert row.newest is not None
    assert (row.newest.number, row.taken) == (3, 3)


def test_head_that_a_complete_checkpoint_names_again_is_one() -> None:
    maker = _three()
    maker.write({TENANT: _HEADS[5]}, complete=True)
    assert [head.seq for head in _row(maker.kept).heads] == [2, 5]


@settings(max_examples=300)
@given(st.data())
def test_any_byte_of_a_checkpoint_that_changes_names_the_checkpoint(data: st.DataObject) -> None:
    kept = _three().kept
    number, content = data.draw(st.sampled_from(kept))
    place = data.draw(st.integers(0, len(content) - 1))
    changed = bytearray(content)
    changed[place] ^= data.draw(st.integers(1, 255))
    kept[number - 1] = number, bytes(changed)
    findings = _row(kept).findings
    assert findings[0].checkpoint == number
    assert findings[0].fault in (Fault.CHECKPOINT_CHANGED, Fault.CHECKPOINT_UNSIGNED)


@given(st.data())
def test_checkpoint_that_is_longer_or_shorter_is_named(data: st.DataObject) -> None:
    kept = _three().kept
    number, content = data.draw(st.sampled_from(kept))
    cut = content[: data.draw(st.integers(0, len(content) - 1))]
    kept[number - 1] = number, data.draw(st.sampled_from([cut, content + b" ", content + b"\n"]))
    assert _row(kept).findings[0].checkpoint == number


def test_checkpoint_that_is_missing_in_the_middle_is_named() -> None:
    kept = _three().kept
    del kept[1]
    [finding] = _row(kept).findings
    assert (finding.fault, finding.checkpoint) == (Fault.CHECKPOINT_MISSING, 2)


def test_checkpoint_under_the_number_of_another_is_named() -> None:
    kept = _three().kept
    kept[1] = 2, kept[0][1]
    assert (Fault.CHECKPOINT_CHANGED, 2) in [
        (finding.fault, finding.checkpoint) for finding in _row(kept).findings
    ]


def test_checkpoint_put_in_its_place_by_the_same_key_is_named_by_the_next() -> None:
    kept = _three().kept
    checkpoint, _ = read_checkpoint(kept[1][1])
    kept[1] = 2, signed(replace(checkpoint, heads={TENANT: Head(1, "ff" * 32)}))
    [finding] = _row(kept).findings
    assert (finding.fault, finding.checkpoint) == (Fault.CHECKPOINT_CHANGED, 3)


def test_checkpoint_by_a_key_that_is_not_trusted_says_nothing_of_heads() -> None:
    maker = CheckpointMaker(Ed25519PrivateKey.generate())
    maker.write({TENANT: _HEADS[2]})
    row = _row(maker.kept)
    assert [finding.fault for finding in row.findings] == [Fault.CHECKPOINT_UNSIGNED]
    assert (row.heads, row.newest) == ([], None)


def test_checkpoint_signed_outside_the_time_of_its_key_is_named() -> None:
    maker = _three()
    [key] = KEYS.values()
    checkpoint, _ = read_checkpoint(maker.kept[0][1])
    ended = replace(key, valid_until=datetime.fromisoformat(checkpoint.at))
    row = CheckpointRow(TENANT, {key.key_id: ended})
    row.take(*maker.kept[0])
    assert [finding.fault for finding in row.findings] == [Fault.CHECKPOINT_UNSIGNED]


def test_row_may_begin_with_any_checkpoint() -> None:
    assert _row(_three().kept[1:]).findings == []


def test_declared_restore_makes_what_it_undid_lost_and_no_fault() -> None:
    maker = _three()
    maker.write(
        {TENANT: _HEADS[2]},
        kind=Kind.RESTORE,
        complete=True,
        epoch="another",
        kept={TENANT: 2},
    )
    maker.write({TENANT: _HEADS[3]}, epoch="another")
    row = _row(maker.kept)
    assert row.findings == []
    assert [(head.checkpoint, head.seq) for head in row.heads] == [(1, 2), (5, 3)]
    assert [(lost.first, lost.last, lost.checkpoint) for lost in row.lost] == [(3, 5, 4)]
    assert isinstance(row.lost[0], Lost)


def test_chain_that_a_declared_restore_has_not_set_back_has_lost_nothing() -> None:
    maker = _three()
    maker.write({TENANT: _HEADS[5]}, kind=Kind.RESTORE, complete=True, kept={"other": 1})
    row = _row(maker.kept)
    assert ([head.seq for head in row.heads], row.lost) == ([2, 5], [])


def test_database_of_another_epoch_is_named() -> None:
    row = _row(_three().kept)
    row.compare_epoch(EPOCH)
    assert row.findings == []
    row.compare_epoch("another")
    assert [finding.fault for finding in row.findings] == [Fault.EPOCH_CHANGED]


def test_heads_are_those_of_the_last_complete_checkpoint_and_what_moved_since() -> None:
    checkpoints = [read_checkpoint(content)[0] for _, content in _three().kept]
    heads = accepted_heads(checkpoints)
    assert {tenant: head.seq for tenant, head in heads.items()} == {TENANT: 5, "other": 8}


@given(st.binary(max_size=300))
def test_what_is_no_checkpoint_is_named_and_never_raised(content: bytes) -> None:
    assert [finding.fault for finding in _row([(1, content)]).findings] == [
        Fault.CHECKPOINT_CHANGED
    ]


@pytest.mark.parametrize("at", ["", "yesterday", "2026-11-20T08:00:00"])
def test_signed_checkpoint_without_a_moment_is_named(at: str) -> None:
    maker = CheckpointMaker()
    maker.write({}, at=at or "x")
    [finding] = _row(maker.kept).findings
    assert finding.fault is Fault.CHECKPOINT_CHANGED
