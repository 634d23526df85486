"""Whether every way to change a chain of audit entries is found, and named by its entry."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.audit_chain import ChainCheck, NamedHead
from policies.audit_entries import BEGINNING, Anchor, Columns, Fault, Origin, Segment
from tests.policies.chains import (
    TENANT,
    Stored,
    anchor_of,
    chain_of,
    plain,
    rewritten,
    segment_of,
)


def _check(
    chain: Sequence[Stored],
    *,
    head: Anchor | None = None,
    heads: tuple[NamedHead, ...] = (),
    after: Anchor = BEGINNING,
) -> ChainCheck:
    check = ChainCheck(TENANT, after, heads)
    for entry, segment in chain:
        check.take(entry, segment)
    last = Anchor(chain[-1][0].seq, chain[-1][0].hash) if chain else after
    check.ends_at(head or last)
    check.begins_as_told()
    return check


def _faults(check: ChainCheck) -> list[tuple[Fault, int | None]]:
    return [(finding.fault, finding.seq) for finding in check.findings]


def _chain() -> list[Stored]:
    before, after = plain("sign_report", "revoke_report"), plain("a", "b", "c")
    return chain_of([*before, segment_of(1, 3), *after, segment_of(2)])


def _named(anchor: Anchor, at: str = "2026-11-20T09:00:00.000000Z") -> NamedHead:
    return NamedHead(7, at, anchor.seq, anchor.hash.hex())


def test_whole_chain_holds() -> None:
    check = _check(_chain(), heads=(_named(anchor_of(_chain(), 5)),))
    assert (check.findings, check.entries, check.sealed_reports) == ([], 7, 6)


@given(st.integers(1, 7), st.data())
def test_any_character_of_an_entry_that_changes_names_the_entry(
    seq: int, data: st.DataObject
) -> None:
    chain = _chain()
    entry, segment = chain[seq - 1]
    place = data.draw(st.integers(0, len(entry.body) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda each: each != entry.body[place]))
    body = entry.body[:place] + other + entry.body[place + 1 :]
    chain[seq - 1] = replace(entry, body=body), segment
    assert _faults(_check(chain))[0] == (Fault.ENTRY_CHANGED, seq)


@given(st.integers(1, 7), st.integers(0, 31))
def test_any_byte_of_a_hash_that_changes_names_the_entry(seq: int, place: int) -> None:
    chain = _chain()
    head = anchor_of(chain, 7)
    entry, segment = chain[seq - 1]
    digest = bytearray(entry.hash)
    digest[place] ^= 1
    chain[seq - 1] = replace(entry, hash=bytes(digest)), segment
    assert _faults(_check(chain, head=head))[0] == (Fault.ENTRY_CHANGED, seq)


@given(st.integers(1, 6), st.integers(1, 3))
def test_entries_removed_in_the_middle_are_named(first: int, count: int) -> None:
    chain = _chain()
    last = min(first + count - 1, 6)
    left = [each for each in chain if not first <= each[0].seq <= last]
    assert (Fault.ENTRY_MISSING, first) in _faults(_check(left))


def test_tail_that_was_cut_shows_in_the_head() -> None:
    chain = _chain()
    assert _faults(_check(chain[:5], head=anchor_of(chain, 7))) == [(Fault.TAIL_MISSING, 6)]


def test_tail_that_was_cut_with_the_head_shows_in_a_checkpoint() -> None:
    chain = _chain()
    named = _named(anchor_of(chain, 7))
    assert _faults(_check(chain[:5])) == []
    check = _check(chain[:5], heads=(named,))
    assert _faults(check) == [(Fault.TAIL_MISSING, 6)]
    assert check.findings[0].checkpoint == 7


@given(st.sampled_from([1, 2, 4, 5, 6]))
def test_chain_made_anew_holds_by_itself_and_not_against_a_checkpoint(seq: int) -> None:
    chain = _chain()
    made = rewritten(chain, seq)
    assert _faults(_check(made)) == []
    named = _named(anchor_of(chain, seq))
    assert _faults(_check(made, heads=(named,))) == [(Fault.CHAIN_REWRITTEN, seq)]


def test_change_after_the_newest_checkpoint_is_not_found() -> None:
    """The detection gap: what `unprotected` counts."""
    chain = _chain()
    named = _named(anchor_of(chain, 4))
    assert _faults(_check(rewritten(chain, 5), heads=(named,))) == []


def test_entries_in_another_order_or_twice_are_found() -> None:
    chain = _chain()
    chain[1], chain[3] = chain[3], chain[1]
    assert _faults(_check(chain))
    twice = [*_chain()[:3], *_chain()[2:]]
    assert _faults(_check(twice)) == [(Fault.ENTRY_CHANGED, 3)]


def test_entries_of_another_tenant_are_none_of_this_chain() -> None:
    check = ChainCheck("other")
    for entry, segment in _chain():
        check.take(entry, segment)
    assert _faults(check) == [(Fault.ENTRY_CHANGED, seq) for seq in range(1, 8)]


@given(st.data())
def test_any_byte_of_what_was_sealed_that_changes_names_the_entry(data: st.DataObject) -> None:
    chain = _chain()
    entry, segment = chain[2]
    assert segment is not None
    place = data.draw(st.integers(0, len(segment.leaves) - 1))
    leaves = bytearray(segment.leaves)
    leaves[place] ^= 1 << data.draw(st.integers(0, 7))
    chain[2] = entry, replace(segment, leaves=bytes(leaves))
    assert _faults(_check(chain)) == [(Fault.SEGMENT_CHANGED, 3)]


@pytest.mark.parametrize(
    "other",
    [
        Origin(1, "other", "request-0"),
        Origin(1, "key-1", "other"),
        Origin(2, "key-1", "request-0"),
    ],
)
def test_origin_of_what_was_sealed_can_not_change(other: Origin) -> None:
    chain = _chain()
    entry, segment = chain[2]
    assert segment is not None
    assert segment.origins[0] == Origin(1, "key-1", "request-0")
    chain[2] = entry, replace(segment, origins=[other, *segment.origins[1:]])
    assert _faults(_check(chain)) == [(Fault.SEGMENT_CHANGED, 3)]


def test_segment_that_is_missing_or_too_many_is_named() -> None:
    chain = _chain()
    chain[2] = chain[2][0], None
    chain[3] = chain[3][0], segment_of(1)
    faults = [(Fault.SEGMENT_MISSING, 3), (Fault.SEGMENT_CHANGED, 4)]
    assert _faults(_check(chain)) == faults


_RIGHT = Columns(datetime(2026, 11, 20, 8, 0, 1, tzinfo=UTC), "a", "key-1", None, None, "done")


@pytest.mark.parametrize(
    "wrong",
    [
        replace(_RIGHT, actor="key-2"),
        replace(_RIGHT, action="b"),
        replace(_RIGHT, outcome="denied"),
        replace(_RIGHT, object_id="x"),
        replace(_RIGHT, at=datetime(2026, 11, 20, 8, 0, 2, tzinfo=UTC)),
    ],
)
def test_columns_that_differ_from_the_text_are_named(wrong: Columns) -> None:
    [(entry, _)] = chain_of([{"action": "a", "actor": "key-1", "outcome": "done"}])
    assert _faults(_check([(replace(entry, columns=_RIGHT), None)])) == []
    faults = [(Fault.COLUMNS_CHANGED, 1)]
    assert _faults(_check([(replace(entry, columns=wrong), None)])) == faults


def _dropping(through: Anchor, before: str) -> dict[str, object]:
    details = {"through": through.seq, "hash": through.hash.hex(), "before": before}
    return {"action": "expire_audit", "details": details, "outcome": "done"}


def test_dropped_beginning_is_right_where_an_entry_tells_of_it() -> None:
    chain = _chain()
    dropped = anchor_of(chain, 4)
    rest = chain[4:]
    more = chain_of([_dropping(dropped, "2026-11-01T00:00:00.000000Z")], anchor_of(chain, 7))
    check = _check([*rest, *more], after=dropped)
    assert _faults(check) == []
    assert [drop.through for drop in check.drops] == [4]
    assert _faults(_check(rest, after=dropped)) == [(Fault.BEGINNING_MISSING, 1)]


def test_beginning_dropped_before_its_time_is_named_by_a_checkpoint() -> None:
    chain = _chain()
    dropped = anchor_of(chain, 4)
    drop = _dropping(dropped, "2026-11-20T08:00:03.000000Z")
    rest = [*chain[4:], *chain_of([drop], anchor_of(chain, 7))]
    # At that time only two entries were there, so the others can't be older.
    late = NamedHead(3, "2026-11-20T08:00:03.500000Z", 2, "00" * 32)
    check = _check(rest, after=dropped, heads=(late,))
    assert _faults(check) == [(Fault.DROPPED_TOO_EARLY, 3)]


@given(st.text(max_size=200))
def test_text_that_is_no_entry_is_named_and_never_raised(body: str) -> None:
    chain = _chain()
    entry, segment = chain[3]
    chain[3] = replace(entry, body=body), segment
    assert _faults(_check(chain))[0] == (Fault.ENTRY_CHANGED, 4)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_details_of_any_kind_are_named_and_never_raised(details: object) -> None:
    steps = [{"action": action, "details": details} for action in ("seal_journal", "expire_audit")]
    chain = chain_of(steps)
    chain[0] = chain[0][0], Segment(bytes(48), [])
    assert (Fault.SEGMENT_CHANGED, 1) in _faults(_check(chain))


def test_only_the_first_hundred_faults_are_kept() -> None:
    chain = [(replace(entry, body="{}"), None) for entry, _ in chain_of(plain(*["a"] * 300))]
    check = _check(chain)
    assert len(check.findings) == 100
    assert json.loads(chain[0][0].body) == {}
