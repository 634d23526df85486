"""An audit chain as a file: one JSON text a line, which is verified without us or our database.

A head line, a line an entry in their order, and an end line with the SHA-256 of all before it.
Every line is exactly what this writes, so that no byte of it can change unseen.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from policies.audit_chain import ChainCheck
from policies.audit_entries import (
    Anchor,
    Entry,
    Fault,
    Finding,
    Segment,
    segment_as_json,
    segment_from_json,
    whole_number,
)
from policies.checkpoints import CheckpointRow

VERSION: Final = 1
_BREAK: Final = b"\n"


@dataclass(frozen=True, slots=True)
class ExportHead:
    """Whose chain it is, where it begins (`after`) and where it ended when it was exported."""

    tenant: str
    epoch: str
    after: Anchor
    head: Anchor


def export_lines(
    head: ExportHead, entries: Iterable[tuple[Entry, Segment | None]]
) -> Iterator[bytes]:
    """The lines of an export, the last one its end; entries past the head are left out."""
    digest = sha256()
    count = 0
    for line in _content(head, entries):
        digest.update(line)
        count += 1
        yield line
    yield _line({"kind": "end", "lines": count, "sha256": digest.hexdigest()})


def _content(head: ExportHead, entries: Iterable[tuple[Entry, Segment | None]]) -> Iterator[bytes]:
    yield _line(_head_as_json(head))
    for entry, segment in entries:
        if entry.seq > head.head.seq:
            return
        document = {
            "kind": "entry",
            "seq": entry.seq,
            "hash": entry.hash.hex(),
            "body": entry.body,
        }
        yield _line(document if segment is None else {**document, **segment_as_json(segment)})


@dataclass(frozen=True, slots=True)
class ExportVerdict:
    """What an export has shown; without `head`, its first line could not be read.

    `row` is of the checkpoints it was held against, None where there are none.
    """

    head: ExportHead | None
    check: ChainCheck | None
    row: CheckpointRow | None
    findings: tuple[Finding, ...]


def verify_export(
    lines: Iterable[bytes], checkpoints_of: Callable[[str], CheckpointRow | None]
) -> ExportVerdict:
    """Verify the lines of a file, each with its line break.

    `checkpoints_of` gives the row of all checkpoints for a tenant.
    """
    reading = _Reading()
    numbered = enumerate(lines, start=1)
    first = next(numbered, None)
    head = reading.head(first[1] if first else b"")
    if head is None:
        return ExportVerdict(None, None, None, tuple(reading.findings))
    row = checkpoints_of(head.tenant)
    if row is not None:
        row.compare_epoch(head.epoch)
    check = ChainCheck(head.tenant, head.after, row.heads if row else ())
    for number, line in numbered:
        reading.line(number, line, check)
    reading.end()
    check.ends_at(head.head)
    check.begins_as_told()
    found = (*reading.findings, *check.findings, *(row.findings if row else ()))
    return ExportVerdict(head, check, row, found)


class _Reading:
    """What is read of a file so far."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self._digest = sha256()
        self._lines = 0
        self._ended = False

    def head(self, line: bytes) -> ExportHead | None:
        document = _document(line)
        self._count(line)
        head = None if document is None else _head(document)
        if head is None or _line(_head_as_json(head)) != line:
            self._found("Line 1 is not the head of an audit export as it was written.")
            return None
        return head

    def line(self, number: int, line: bytes, check: ChainCheck) -> None:
        if self._ended:
            self._found(f"Line {number} comes after the end.")
            return
        document = _document(line)
        kind = None if document is None else document.get("kind")
        if document is not None and kind == "end":
            self._take_end(number, line, document)
            return
        entry = None if document is None or kind != "entry" else _entry(document)
        if document is None or entry is None or _line(document) != line:
            after = check.last.seq
            self._found(f"Line {number}, after entry {after}, is not as it was written.", after + 1)
        else:
            check.take(*entry)
        self._count(line)

    def end(self) -> None:
        if not self._ended:
            self._found("The file was cut: its end line is missing.")

    def _take_end(self, number: int, line: bytes, document: Mapping[str, Any]) -> None:
        self._ended = True
        told = {"kind": "end", "lines": self._lines, "sha256": self._digest.hexdigest()}
        if document != told or _line(told) != line:
            self._found(f"The end, line {number}, is not that of the lines before it.")

    def _count(self, line: bytes) -> None:
        self._digest.update(line)
        self._lines += 1

    def _found(self, detail: str, seq: int | None = None) -> None:
        if len(self.findings) < 100:
            self.findings.append(Finding(Fault.EXPORT_CHANGED, detail, seq))


def _entry(document: Mapping[str, Any]) -> tuple[Entry, Segment | None] | None:
    try:
        sealed = {name: document[name] for name in ("leaves", "origins") if name in document}
        segment = segment_from_json(sealed) if sealed else None
        digest = bytes.fromhex(document["hash"])
        entry = Entry(whole_number(document["seq"]), digest, str(document["body"]))
        entry.body.encode()
    except (KeyError, TypeError, ValueError):
        return None
    known = {"kind", "seq", "hash", "body", *sealed}
    return (entry, segment) if set(document) == known and digest.hex() == document["hash"] else None


def _head(document: Mapping[str, Any]) -> ExportHead | None:
    try:
        return ExportHead(
            str(document["tenant"]),
            str(document["epoch"]),
            _anchor(document["after"]),
            _anchor(document["head"]),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _head_as_json(head: ExportHead) -> dict[str, Any]:
    document = {
        "kind": "audit_export",
        "version": VERSION,
        "tenant": head.tenant,
        "epoch": head.epoch,
        "after": _anchor_as_json(head.after),
        "head": _anchor_as_json(head.head),
    }
    # Entries are hashed already; this lets a change of the head be told from one elsewhere.
    return {**document, "sha256": sha256(_line(document)).hexdigest()}


def _anchor(document: Mapping[str, Any]) -> Anchor:
    return Anchor(whole_number(document["seq"]), bytes.fromhex(document["hash"]))


def _anchor_as_json(anchor: Anchor) -> dict[str, Any]:
    return {"seq": anchor.seq, "hash": anchor.hash.hex()}


def _document(line: bytes) -> dict[str, Any] | None:
    if not line.endswith(_BREAK):
        return None
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _line(document: Mapping[str, Any]) -> bytes:
    # Two keys of one name or an order of their own are no longer there once this is written again.
    return json.dumps(document, separators=(",", ":")).encode("ascii") + _BREAK
