"""Stores a batch of reports in one transaction, in memory that doesn't grow with the batch.

While PostgreSQL stores some lines, the next are read and prepared. The digests, which tell
duplicates and on which uploads of one content wait for each other, are locked last and in order of
their sha256: for an instant, and without a deadlock. Should other uploads have moved one of them
meanwhile, all is undone, and done again with the digests locked first.
"""

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import orjson

from db.ids import ReportId
from db.report_batches import (
    IdentifiedReport,
    Insertion,
    Settlement,
    insert_reports,
    insertion,
    settle_digests,
    settlement,
)
from db.reports import ReportContent
from db.transaction import Transaction
from generated.models import QcReport
from generated.runtime.json_lines import JsonLines
from handlers.batch_reader import BatchReader, Outcome, ReadyLine
from handlers.context import Context
from handlers.errors import BatchRefused
from handlers.preparation import Preparation, PreparedReport
from handlers.sealing import RawSealer, seal_raw

_REFERENCE: Final = "batch"


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
        reader = BatchReader(preparation, context.own_secret, sealer, lines)
        writer = _Writer(context, transaction, sealer)
        if not _store(reader, writer, atomic):
            transaction.return_to_savepoint()
            reader = BatchReader(preparation, context.own_secret, sealer, lines)
            writer = writer.after_settling()
            _store(reader, writer, atomic)
    context.reference = _REFERENCE
    context.answer = _receipt(reader.outcomes)
    return context.answer


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Lines that are stored together, and the statement that does it."""

    lines: list[ReadyLine]
    ids: list[ReportId]
    insertion: Insertion


class _Writer:
    """Stores chunks, one after the other; in one thread at a time, as its transaction wants it."""

    def __init__(
        self,
        context: Context,
        transaction: Transaction,
        sealer: RawSealer | None,
        ids: list[ReportId] | None = None,
    ) -> None:
        self._context = context
        self._transaction = transaction
        self._sealer = sealer
        self._is_settled = ids is not None
        self._ids = ids or []
        self._stored: list[bytes] = []
        self._newest: dict[bytes, ReportId] = {}
        self._told: dict[bytes, ReportId | None] = {}

    def chunk(self, lines: list[ReadyLine]) -> _Chunk:
        """Asks the database nothing, so that it can be done while another chunk is stored."""
        ids = self._ids_of(len(lines))
        reports = [
            self._identified(report_id, line.prepared)
            for report_id, line in zip(ids, lines, strict=True)
        ]
        statement = insertion(
            reports,
            key_id=self._context.principal.key_id,
            request_id=self._context.request_id,
            settled=self._is_settled,
        )
        return _Chunk(lines, ids, statement)

    def store(self, chunk: _Chunk) -> dict[ReportId, ReportId]:
        """What each report is a duplicate of, if of any."""
        return insert_reports(self._transaction, chunk.insertion)

    def tell(self, chunk: _Chunk, duplicates: Mapping[ReportId, ReportId]) -> None:
        for line, report_id in zip(chunk.lines, chunk.ids, strict=True):
            duplicate_of = duplicates.get(report_id)
            self._told.setdefault(line.prepared.content.sha256, duplicate_of)
            line.outcome.update(_stored_outcome(line.prepared.content, report_id, duplicate_of))

    def _ids_of(self, count: int) -> list[ReportId]:
        if not self._is_settled:
            return self._transaction.new_report_ids(count)
        stored = len(self._stored)
        return self._ids[stored : stored + count]

    def _identified(self, report_id: ReportId, prepared: PreparedReport) -> IdentifiedReport:
        raw = seal_raw(self._sealer, self._transaction.tenant_id, report_id, prepared.raw)
        sha256 = prepared.content.sha256
        earlier = self._newest.get(sha256)
        self._newest[sha256] = report_id
        self._stored.append(sha256)
        return IdentifiedReport(report_id, earlier, prepared.content, raw)

    def settlement(self) -> Settlement:
        """Of the digests of all chunks so far; asks the database nothing either."""
        return () if self._is_settled else settlement(self._newest)

    def settle(self, digests: Settlement) -> bool:
        """Takes the digests; False if others moved one since these reports were told of it."""
        if self._is_settled:
            return True
        previous = settle_digests(self._transaction, digests)
        return all(previous.get(sha256) == told for sha256, told in self._told.items())

    def after_settling(self) -> "_Writer":
        """One that writes the same reports again, their digests locked from the beginning."""
        ids = self._transaction.new_report_ids(len(self._stored))
        newest = dict(zip(self._stored, ids, strict=True))
        settle_digests(self._transaction, settlement(newest))
        return _Writer(self._context, self._transaction, self._sealer, ids)


def _store(reader: BatchReader, writer: _Writer, atomic: bool) -> bool:
    """False if all must be done again, its digests settled first."""
    # The other thread does nothing but wait for PostgreSQL. Two that both compute would take turns
    # at the interpreter lock, which costs more than there is to gain.
    with ThreadPoolExecutor(1, "batch-writer") as pool:
        under_way: tuple[_Chunk, Future[dict[ReportId, ReportId]]] | None = None
        for lines in reader.chunks():
            if atomic and reader.refused:
                continue
            chunk = writer.chunk(lines)
            if under_way is not None:
                writer.tell(under_way[0], under_way[1].result())
            under_way = chunk, pool.submit(writer.store, chunk)
        digests = writer.settlement()
        if under_way is not None:
            writer.tell(under_way[0], under_way[1].result())
    if atomic and reader.refused:
        raise BatchRefused(reader.refused, [_unstored(outcome) for outcome in reader.outcomes])
    return writer.settle(digests)


def _stored_outcome(
    content: ReportContent, report_id: ReportId, duplicate_of: ReportId | None
) -> Outcome:
    outcome: Outcome = {
        "outcome": "created" if duplicate_of is None else "duplicate",
        "id": report_id,
        "severity": content.severity,
        "inconsistencies": content.inconsistencies,
    }
    if duplicate_of is not None:
        outcome["duplicate_of"] = duplicate_of
    if content.redaction is not None:
        outcome["redaction"] = orjson.Fragment(content.redaction)
    return outcome


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
