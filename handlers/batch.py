"""Stores a batch of reports in one transaction, in memory that doesn't grow with the batch.

While PostgreSQL stores some lines, the next are read and prepared. The digests, which tell
duplicates and on which uploads of one content wait for each other, are locked last and in order of
their sha256: for an instant, and without a deadlock. Should other uploads have moved one of them
meanwhile, all is undone, and done again with the digests locked first.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from db.ids import ReportId
from db.report_batches import IdentifiedReport, insert_reports, settle_digests
from db.transaction import Transaction
from generated.models import QcReport
from generated.runtime.json_lines import JsonLine, JsonLines
from generated.runtime.problems import InputError, Problem, invalid_input
from handlers.context import Context
from handlers.errors import BatchRefused, InvalidValue
from handlers.new_reports import new_report
from handlers.preparation import Preparation, PreparedReport
from handlers.sealing import RawSealer, require_sealer, seal_raw

_REFERENCE: Final = "batch"
# What is stored by one statement: a fraction of a second of work.
_REPORTS_A_STATEMENT: Final = 1000
_BYTES_A_STATEMENT: Final = 1024 * 1024

Outcome = dict[str, Any]


def store_batch(
    context: Context,
    preparation: Preparation,
    sealer: RawSealer | None,
    lines: JsonLines[QcReport],
    *,
    atomic: bool,
) -> bytes:
    """The answer: what became of each line. Raises BatchRefused if atomic and a line is bad."""
    with context.transaction() as transaction:
        transaction.set_savepoint()
        reader = _Reader(preparation, context.own_secret, sealer, lines)
        writer = _Writer(context, transaction, sealer)
        _store(reader, writer, atomic)
        if not writer.settle():
            transaction.return_to_savepoint()
            reader = _Reader(preparation, context.own_secret, sealer, lines)
            writer = writer.after_settling()
            _store(reader, writer, atomic)
    context.reference = _REFERENCE
    context.answer = _receipt(reader.outcomes)
    return context.answer


@dataclass(frozen=True, slots=True)
class _Ready:
    """A line ready to be stored; its outcome is filled in once it is."""

    prepared: PreparedReport
    outcome: Outcome


@dataclass(slots=True)
class _Reader:
    """Reads and prepares lines; begins an outcome for each."""

    preparation: Preparation
    own_secret: str | None
    sealer: RawSealer | None
    lines: JsonLines[QcReport]
    outcomes: list[Outcome] = field(default_factory=list)
    refused: int = 0

    def chunks(self) -> Iterator[list[_Ready]]:
        chunk: list[_Ready] = []
        size = 0
        for line in self.lines:
            ready = self._ready(line)
            if ready is None:
                continue
            chunk.append(ready)
            size += len(ready.prepared.document) + len(ready.prepared.raw or b"")
            if len(chunk) >= _REPORTS_A_STATEMENT or size >= _BYTES_A_STATEMENT:
                yield chunk
                chunk, size = [], 0
        if chunk:
            yield chunk

    def _ready(self, line: JsonLine) -> _Ready | None:
        outcome: Outcome = {"line": line.number}
        self.outcomes.append(outcome)
        if line.problem is not None:
            self._refuse(outcome, line.problem)
            return None
        try:
            prepared = self.preparation.prepare(line.value, self.own_secret)
        except InvalidValue as error:
            entry = InputError(error.location, error.pointer, error.keyword, error.limit)
            self._refuse(outcome, invalid_input([entry], error.detail))
            return None
        if prepared.raw is not None:
            require_sealer(self.sealer)
        return _Ready(prepared, outcome)

    def _refuse(self, outcome: Outcome, problem: Problem) -> None:
        self.refused += 1
        outcome.update(outcome="refused", problem=problem.as_json())


class _Writer:
    """Stores chunks, one after the other; in one thread at a time, as its transaction wants it."""

    def __init__(
        self,
        context: Context,
        transaction: Transaction,
        sealer: RawSealer | None,
        ids: Sequence[ReportId] | None = None,
    ) -> None:
        self._context = context
        self._transaction = transaction
        self._sealer = sealer
        self._is_settled = ids is not None
        self._ids = iter(ids) if ids is not None else _new_ids(transaction)
        self._stored: list[bytes] = []
        self._newest: dict[bytes, ReportId] = {}
        self._told: dict[bytes, ReportId | None] = {}

    def write(self, chunk: list[_Ready]) -> None:
        reports = [self._identified(ready.prepared) for ready in chunk]
        duplicates = insert_reports(self._transaction, reports, settled=self._is_settled)
        for ready, report in zip(chunk, reports, strict=True):
            duplicate_of = duplicates.get(report.id)
            self._told.setdefault(ready.prepared.sha256, duplicate_of)
            ready.outcome.update(_stored_outcome(ready.prepared, report.id, duplicate_of))

    def _identified(self, prepared: PreparedReport) -> IdentifiedReport:
        report_id = next(self._ids)
        raw = seal_raw(self._sealer, self._transaction.tenant_id, report_id, prepared.raw)
        earlier = self._newest.get(prepared.sha256)
        self._newest[prepared.sha256] = report_id
        self._stored.append(prepared.sha256)
        return IdentifiedReport(report_id, earlier, new_report(self._context, prepared, None, raw))

    def settle(self) -> bool:
        """Takes the digests; False if others moved one since these reports were told of it."""
        if self._is_settled:
            return True
        previous = settle_digests(self._transaction, self._newest)
        return all(previous.get(sha256) == told for sha256, told in self._told.items())

    def after_settling(self) -> "_Writer":
        """One that writes the same reports again, their digests locked from the beginning."""
        ids = [self._transaction.new_report_id() for _ in self._stored]
        settle_digests(self._transaction, dict(zip(self._stored, ids, strict=True)))
        return _Writer(self._context, self._transaction, self._sealer, ids)


def _new_ids(transaction: Transaction) -> Iterator[ReportId]:
    while True:
        yield transaction.new_report_id()


def _store(reader: _Reader, writer: _Writer, atomic: bool) -> None:
    with ThreadPoolExecutor(1, "batch-writer") as pool:
        writing: Future[None] | None = None
        for chunk in reader.chunks():
            if writing is not None:
                writing.result()
            if not (atomic and reader.refused):
                writing = pool.submit(writer.write, chunk)
        if writing is not None:
            writing.result()
    if atomic and reader.refused:
        raise BatchRefused(reader.refused, [_unstored(outcome) for outcome in reader.outcomes])


def _stored_outcome(
    prepared: PreparedReport, report_id: ReportId, duplicate_of: ReportId | None
) -> Outcome:
    optional: Outcome = {} if duplicate_of is None else {"duplicate_of": duplicate_of}
    if prepared.redaction is not None:
        optional["redaction"] = orjson.Fragment(prepared.redaction)
    return {
        "outcome": "created" if duplicate_of is None else "duplicate",
        "id": report_id,
        "severity": prepared.decision.severity,
        **optional,
        "inconsistencies": prepared.decision.inconsistencies,
    }


def _unstored(outcome: Outcome) -> Outcome:
    is_refused = outcome.get("outcome") == "refused"
    return outcome if is_refused else {"line": outcome["line"], "outcome": "valid"}


def _receipt(outcomes: list[Outcome]) -> bytes:
    counts = dict.fromkeys(("created", "duplicate", "refused"), 0)
    for outcome in outcomes:
        counts[outcome["outcome"]] += 1
    return orjson.dumps(
        {
            "created": counts["created"],
            "duplicates": counts["duplicate"],
            "refused": counts["refused"],
            "outcomes": outcomes,
        }
    )
