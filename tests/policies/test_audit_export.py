"""An exported chain: what was written reads back, and no byte of it changes unseen."""

import json
from hashlib import sha256

from hypothesis import given, settings
from hypothesis import strategies as st

from policies.audit_entries import BEGINNING, Anchor, Fault
from policies.audit_export import ExportHead, ExportVerdict, export_lines, verify_export
from policies.checkpoints import CheckpointRow, Kind
from tests.policies.chains import (
    EPOCH,
    KEYS,
    TENANT,
    CheckpointMaker,
    Stored,
    anchor_of,
    chain_of,
    plain,
    rewritten,
    segment_of,
)


def _chain() -> list[Stored]:
    return chain_of([*plain("sign_report", "révoqué"), segment_of(1, 2), *plain("a", "b")])


def _export(chain: list[Stored], head: Anchor | None = None) -> bytes:
    last = head or Anchor(chain[-1][0].seq, chain[-1][0].hash)
    return b"".join(export_lines(ExportHead(TENANT, EPOCH, BEGINNING, last), chain))


def _verify(content: bytes, maker: CheckpointMaker | None = None) -> ExportVerdict:
    def row(tenant: str) -> CheckpointRow | None:
        if maker is None:
            return None
        made = CheckpointRow(tenant, KEYS)
        for number, kept in maker.kept:
            made.take(number, kept)
        return made

    return verify_export(content.splitlines(keepends=True), row)


def _checkpoints(chain: list[Stored], *seqs: int) -> CheckpointMaker:
    maker = CheckpointMaker()
    for seq in seqs:
        maker.write({TENANT: anchor_of(chain, seq)})
    return maker


def test_export_of_a_whole_chain_holds() -> None:
    verdict = _verify(_export(_chain()), _checkpoints(_chain(), 2, 5))
    assert verdict.findings == ()
    assert verdict.check is not None
    assert (verdict.check.entries, verdict.check.sealed_reports) == (5, 3)
    assert verdict.head == ExportHead(TENANT, EPOCH, BEGINNING, anchor_of(_chain(), 5))


@settings(max_examples=400)
@given(st.data())
def test_any_byte_that_changes_is_found_and_named_by_its_line(data: st.DataObject) -> None:
    content = bytearray(_export(_chain()))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    lines_before = bytes(content[:place]).count(b"\n")
    findings = _verify(bytes(content)).findings
    assert findings
    # A line break that changes makes one line of two, or two of one.
    named = [finding.detail for finding in findings]
    entry = lines_before
    mentions = (f"ine {lines_before + 1}", f"ntry {entry}", f"line {lines_before + 2}", "end line")
    assert any(word in detail for word in mentions for detail in named), named


@given(st.data())
def test_part_of_a_file_is_never_taken_for_the_whole(data: st.DataObject) -> None:
    content = _export(_chain())
    assert _verify(content[: data.draw(st.integers(0, len(content) - 1))]).findings


@given(st.integers(0, 6))
def test_line_that_is_taken_out_is_found(line: int) -> None:
    lines = _export(_chain()).splitlines(keepends=True)
    del lines[line]
    assert _verify(b"".join(lines)).findings


def test_line_after_the_end_is_found() -> None:
    content = _export(_chain())
    assert _verify(content + content).findings


def _resealed(lines: list[bytes]) -> bytes:
    """The file with an end that fits: what someone makes who knows the format."""
    body = b"".join(lines)
    end = {"kind": "end", "lines": len(lines), "sha256": sha256(body).hexdigest()}
    return body + json.dumps(end, separators=(",", ":")).encode() + b"\n"


def test_entry_taken_out_by_someone_who_knows_the_format_is_named() -> None:
    lines = _export(_chain()).splitlines(keepends=True)[:-1]
    del lines[2]
    [first, *_] = _verify(_resealed(lines)).findings
    assert (first.fault, first.seq) == (Fault.ENTRY_MISSING, 2)


def test_chain_written_anew_is_named_by_the_checkpoint_that_knew_it_otherwise() -> None:
    chain = _chain()
    maker = _checkpoints(chain, 2, 4)
    verdict = _verify(_export(rewritten(chain, 2)), maker)
    assert [(each.fault, each.seq, each.checkpoint) for each in verdict.findings] == [
        (Fault.CHAIN_REWRITTEN, 2, 1),
        (Fault.CHAIN_REWRITTEN, 4, 2),
    ]
    assert _verify(_export(rewritten(chain, 2))).findings == ()


def test_export_from_before_a_checkpoint_is_named() -> None:
    chain = _chain()
    verdict = _verify(_export(chain[:3]), _checkpoints(chain, 2, 5))
    assert [(each.fault, each.checkpoint) for each in verdict.findings] == [(Fault.TAIL_MISSING, 2)]


def test_what_a_declared_restore_has_lost_is_told_and_no_fault() -> None:
    chain = _chain()
    maker = _checkpoints(chain, 2, 5)
    maker.write({TENANT: anchor_of(chain, 3)}, kind=Kind.RESTORE, complete=True, kept={TENANT: 2})
    verdict = _verify(_export(chain[:3]), maker)
    assert verdict.findings == ()
    assert verdict.row is not None
    assert [(lost.first, lost.last) for lost in verdict.row.lost] == [(3, 5)]


def test_entries_past_the_head_are_left_out() -> None:
    chain = _chain()
    content = _export(chain, head=anchor_of(chain, 4))
    verdict = _verify(content)
    assert verdict.findings == ()
    assert verdict.check is not None
    assert verdict.check.entries == 4


@given(st.binary(max_size=200))
def test_what_is_no_export_is_named_and_never_raised(content: bytes) -> None:
    assert _verify(content).findings
