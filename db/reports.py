"""Reports: insert, get, list and count, each in one statement whatever the page's size.

Row level security picks the tenant's rows; these queries never filter by tenant themselves.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple
from uuid import UUID

from db.ids import ReportId, TenantId, first_id_at, moment_of
from db.key_uses import REGISTER_KEY, KeyIdentity, key_parameters
from db.revisions import RevisionClass, bump_revision
from db.rows import with_bytes
from db.session import Database
from db.transaction import Row, Transaction

SEVERITIES: Final = ("info", "warn", "block")
# How many days' ids are listed, with today's: after its clock was set back, the database has some
# of the future.
_DAYS_LISTED: Final = timedelta(days=2)


class SealedRaw(NamedTuple):
    """A report's `raw`, encrypted under `key` for one tenant and report id."""

    key: KeyIdentity
    content: bytes


class ReportContent(NamedTuple):
    """What is stored of a report whoever sent it. `document` is its canonical JSON text without the
    value of raw; `sha256` is of the text with it.

    `redaction` is JSON text, None where nothing was taken out of the report.
    """

    severity: str
    policy_version: str | None
    source: str | None
    stream: str | None
    pass_count: int
    warn_count: int
    block_count: int
    inconsistencies: int
    sha256: bytes
    redaction: str | None
    document: str


class NewReport(NamedTuple):
    """What a report is stored with. `raw` is what its document is without.

    `original_digest` is `kid:hex`, for a tool's own output that was translated.
    """

    content: ReportContent
    original_digest: str | None
    key_id: str
    request_id: str
    raw: SealedRaw | None = None


@dataclass(frozen=True, slots=True)
class InsertedReport:
    id: ReportId
    created_at: datetime
    duplicate_of: ReportId | None


@dataclass(frozen=True, slots=True)
class ReportSummaryRow:
    id: ReportId
    created_at: datetime
    severity: str
    policy_version: str | None
    source: str | None
    stream: str | None
    pass_count: int
    warn_count: int
    block_count: int


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A whole report; `document` is the stored text, byte for byte.

    Where `raw_kid` is given, `raw_sealed` is what the document's `"raw":null` stands for.
    """

    id: ReportId
    created_at: datetime
    severity: str
    policy_version: str | None
    source: str | None
    stream: str | None
    pass_count: int
    warn_count: int
    block_count: int
    inconsistencies: int
    duplicate_of: ReportId | None
    sha256: bytes
    original_digest: str | None
    key_id: str
    request_id: str
    document: str
    raw_kid: str | None
    raw_sealed: bytes | None
    redaction: str | None


@dataclass(frozen=True, slots=True)
class ReportFilters:
    """All given must hold; no severities means any. `since` is inclusive, `until` exclusive."""

    severities: tuple[str, ...] = ()
    policy_version: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    source: str | None = None
    stream: str | None = None


_SUMMARY_COLUMNS: Final = (
    "id, created_at, severity, policy_version, source, stream, pass_count, warn_count, block_count"
)

# The digest comes first: its row lock lets two uploads of one content see each other in order.
_INSERT: Final = """
WITH digest AS (
  INSERT INTO report_digests AS known (tenant_id, sha256, report_id)
  VALUES (%(tenant_id)s, %(sha256)s, %(id)s)
  ON CONFLICT (tenant_id, sha256) DO UPDATE
    SET previous_report_id = known.report_id,
        report_id = greatest(known.report_id, EXCLUDED.report_id)
  RETURNING previous_report_id
), journal AS (
  INSERT INTO ingest_journal (tenant_id, report_id, key_id, request_id, leaves)
  VALUES (%(tenant_id)s, %(id)s, %(key_id)s, %(request_id)s, uuid_send(%(id)s) || %(sha256)s)
)
INSERT INTO reports (
  tenant_id, id, created_at, severity, policy_version, source, stream, pass_count, warn_count,
  block_count, inconsistencies, duplicate_of, sha256, original_digest, key_id, request_id, document,
  raw_kid, raw_sealed, redaction)
SELECT
  %(tenant_id)s, %(id)s, %(created_at)s, %(severity)s, %(policy_version)s, %(source)s, %(stream)s,
  %(pass_count)s, %(warn_count)s, %(block_count)s, %(inconsistencies)s, previous_report_id,
  %(sha256)s, %(original_digest)s, %(key_id)s, %(request_id)s, %(document)s, %(raw_kid)s,
  %(raw_sealed)s, %(redaction)s
FROM digest
RETURNING duplicate_of
"""
_INSERT_SEALED: Final = f"WITH key AS ({REGISTER_KEY}), {_INSERT.lstrip().removeprefix('WITH ')}"

_GET: Final = (
    f"SELECT {_SUMMARY_COLUMNS}, inconsistencies, duplicate_of, sha256, original_digest, key_id,"  # noqa: S608 - constants
    " request_id, document::text, raw_kid, raw_sealed, redaction::text FROM reports"
    " WHERE id = %(id)s"
)


def insert_report(
    tx: Transaction, new: NewReport, report_id: ReportId | None = None
) -> InsertedReport:
    """Store a report, even if its content is known already, under an id of this transaction.

    Without `report_id` one is made. `duplicate_of` is the newest report of the tenant that has the
    same sha256. Whoever deletes a report must delete its row of report_digests too, else a
    duplicate may name it. Storing several in one transaction, go by order of sha256: two such
    could else deadlock, and one of them fail with SerializationConflict.
    """
    report_id = report_id or tx.new_report_id()
    created_at = moment_of(report_id)
    content, raw = new.content, new.raw
    row = tx.row(
        _INSERT if raw is None else _INSERT_SEALED,
        {
            "tenant_id": tx.tenant_id,
            "id": report_id,
            "created_at": created_at,
            "severity": content.severity,
            "policy_version": content.policy_version,
            "source": content.source,
            "stream": content.stream,
            "pass_count": content.pass_count,
            "warn_count": content.warn_count,
            "block_count": content.block_count,
            "inconsistencies": content.inconsistencies,
            "sha256": content.sha256,
            "original_digest": new.original_digest,
            "key_id": new.key_id,
            "request_id": new.request_id,
            "redaction": content.redaction,
            "document": content.document,
            "raw_kid": None,
            "raw_sealed": None if raw is None else raw.content,
            **({} if raw is None else key_parameters(raw.key)),
        },
    )
    if row is None:
        raise AssertionError("INSERT … RETURNING answered no row")
    bump_revision(tx, RevisionClass.REPORTS)
    return InsertedReport(report_id, created_at, row[0])


def get_report(tx: Transaction, report_id: ReportId) -> ReportRow | None:
    """Return the tenant's report of this id; another tenant's is None like one that isn't."""
    row = tx.row(_GET, {"id": report_id})
    return None if row is None else _report_row(row)


def report_exists(tx: Transaction, report_id: ReportId) -> bool:
    """Whether the tenant has a report of this id."""
    return tx.row("SELECT 1 FROM reports WHERE id = %(id)s", {"id": report_id}) is not None


def horizon(moment: datetime) -> datetime:
    """Up to when reports are listed at this moment: to the end of the next day.

    It moves at midnight alone (UTC), so that an entity tag can hold it: what is listed depends on
    it and on the revisions.
    """
    midnight = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + _DAYS_LISTED


def look_up_report(
    database: Database, tenant_id: TenantId, report_id: ReportId
) -> ReportRow | None:
    """Like get_report, in one round trip and a transaction of its own."""
    rows = database.tenant_rows(tenant_id, _GET, {"id": report_id})
    return _report_row(rows[0]) if rows else None


def list_reports(
    tx: Transaction, filters: ReportFilters, *, after: UUID | None, limit: int
) -> list[ReportSummaryRow]:
    """Return at most `limit` reports that match, newest first, older than the id `after`.

    To learn whether there is a next page, ask for one more than the page shows.
    """
    sql = _list_sql(_shape(filters, after))
    rows = tx.rows(sql, {**_parameters(tx, filters), "after": after, "limit": limit})
    return [ReportSummaryRow(*row) for row in rows]


def count_reports(tx: Transaction, filters: ReportFilters, cap: int = 1000) -> tuple[int, bool]:
    """Return how many reports match, and whether that is exact: beyond `cap` it is (cap, False)."""
    sql = _count_sql(_shape(filters, None))
    row = tx.row(sql, {**_parameters(tx, filters), "limit": cap + 1})
    found: int = row[0] if row else 0
    return min(found, cap), found <= cap


@dataclass(frozen=True, slots=True)
class _Shape:
    """Which conditions a query has: all that its text depends on."""

    severities: int
    conditions: tuple[str, ...]


def _shape(filters: ReportFilters, after: UUID | None) -> _Shape:
    given = {
        "policy_version = %(policy_version)s": filters.policy_version,
        "source = %(source)s": filters.source,
        "stream = %(stream)s": filters.stream,
        "id >= %(first)s": filters.since,
        "id < %(after)s": after,
    }
    conditions = tuple(sql for sql, value in given.items() if value is not None)
    return _Shape(len(_severities(filters)), (*conditions, "id < %(end)s"))


def _severities(filters: ReportFilters) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys(filters.severities))
    return () if set(wanted) >= set(SEVERITIES) else wanted


def _parameters(tx: Transaction, filters: ReportFilters) -> dict[str, Any]:
    severities = _severities(filters)
    # Always an upper bound: planning each empty partition of the weeks ahead costs as much as a
    # page (0.6 ms with eight of them, 0.1 ms without).
    end = first_id_at(horizon(tx.began_at))
    if filters.until is not None:
        end = min(end, first_id_at(filters.until))
    return {
        "policy_version": filters.policy_version,
        "source": filters.source,
        "stream": filters.stream,
        "first": None if filters.since is None else first_id_at(filters.since),
        "end": end,
        **{f"severity_{number}": severity for number, severity in enumerate(severities)},
    }


@lru_cache(maxsize=256)
def _list_sql(shape: _Shape) -> str:
    # Each severity is an ordered range of its index; merging two bounded ranges stays fast where
    # `severity = ANY` would sort all that match, or walk past all that don't.
    choices = [f"severity = %(severity_{number})s" for number in range(shape.severities)]
    if not choices:
        return _ordered_scan(shape.conditions)
    scans = [_ordered_scan((choice, *shape.conditions)) for choice in choices]
    if len(scans) == 1:
        return scans[0]
    union = " UNION ALL ".join(f"({scan})" for scan in scans)
    return f"SELECT * FROM ({union}) AS merged ORDER BY id DESC LIMIT %(limit)s"  # noqa: S608 - constants


def _ordered_scan(conditions: tuple[str, ...]) -> str:
    return (
        f"SELECT {_SUMMARY_COLUMNS} FROM reports{_where(conditions)}"  # noqa: S608 - constants
        " ORDER BY id DESC LIMIT %(limit)s"
    )


@lru_cache(maxsize=256)
def _count_sql(shape: _Shape) -> str:
    names = ", ".join(f"%(severity_{number})s" for number in range(shape.severities))
    choice = (f"severity IN ({names})",) if names else ()
    where = _where((*choice, *shape.conditions))
    return f"SELECT count(*) FROM (SELECT FROM reports{where} LIMIT %(limit)s) AS capped"  # noqa: S608 - constants


def _where(conditions: tuple[str, ...]) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def _report_row(row: Row) -> ReportRow:
    return ReportRow(*with_bytes(row))
