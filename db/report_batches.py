"""Stores reports by the thousand: each array of values travels as one literal, not as constants.

COPY would be faster, but PostgreSQL refuses it where row level security applies.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from db.ids import ReportId, moment_of
from db.journal import leaves_of
from db.key_uses import REGISTER_KEY, key_parameters
from db.reports import ReportContent, SealedRaw
from db.revisions import RevisionClass, bump_revision
from db.transaction import Transaction

# Well within the statement's time, and few enough to hold twice in memory.
_DIGESTS_A_STATEMENT: Final = 2_500

# Rows are locked in the order in which they come.
_SETTLE: Final = """
WITH settled AS (
  INSERT INTO report_digests AS known (tenant_id, sha256, report_id)
  SELECT %(tenant_id)s, sha256, id
    FROM unnest(%(sha256)s::bytea[], %(ids)s::uuid[]) AS newest (sha256, id) ORDER BY sha256
  ON CONFLICT (tenant_id, sha256) DO UPDATE
    SET previous_report_id = known.report_id,
        report_id = greatest(known.report_id, EXCLUDED.report_id)
  RETURNING sha256, previous_report_id
)
SELECT sha256, previous_report_id FROM settled WHERE previous_report_id IS NOT NULL
"""
# Documents hold no line feed, and as lines they need no quoting of their many quotation marks. Each
# digest is looked up by itself: for a join, PostgreSQL might read the whole table.
_INSERT: Final = r"""
stored AS (
  INSERT INTO reports (
    tenant_id, id, created_at, severity, policy_version, source, stream, pass_count, warn_count,
    block_count, inconsistencies, duplicate_of, sha256, original_digest, key_id, request_id,
    document, raw_kid, raw_sealed, redaction)
  SELECT
    %(tenant_id)s, id, created_at, severity, policy_version, source, stream, pass_count,
    warn_count, block_count, inconsistencies,
    greatest(earlier, (SELECT known.{newest} FROM report_digests AS known
                        WHERE known.sha256 = line.sha256)),
    sha256, NULL, %(key_id)s, %(request_id)s, document::json,
    CASE WHEN raw_sealed IS NOT NULL THEN %(raw_kid)s END, raw_sealed, redaction
  FROM ROWS FROM (
    unnest(
      %(ids)s::uuid[], %(created_at)s::timestamptz[], %(severity)s::text[],
      %(policy_version)s::text[], %(source)s::text[], %(stream)s::text[],
      %(pass_count)s::integer[], %(warn_count)s::integer[], %(block_count)s::integer[],
      %(inconsistencies)s::integer[], %(earlier)s::uuid[], %(sha256)s::bytea[],
      %(raw_sealed)s::bytea[], %(redaction)s::json[]),
    string_to_table(%(documents)s, E'\n')
  ) AS line (
    id, created_at, severity, policy_version, source, stream, pass_count, warn_count, block_count,
    inconsistencies, earlier, sha256, raw_sealed, redaction, document)
  RETURNING id, duplicate_of
)
SELECT id, duplicate_of FROM stored WHERE duplicate_of IS NOT NULL
"""
_REGISTER: Final = f"key AS ({REGISTER_KEY}), "

Settlement = Sequence[Mapping[str, object]]
"""Parameters of the statements that settle digests."""


class IdentifiedReport(NamedTuple):
    """A report with the id it is to have, and the newest one before it in the same batch that has
    the same content.
    """

    id: ReportId
    earlier: ReportId | None
    content: ReportContent
    raw: SealedRaw | None


@dataclass(frozen=True, slots=True)
class Insertion:
    """Reports of one request, as one statement stores them; `leaves` is for the journal."""

    sql: str
    parameters: Mapping[str, object]
    key_id: str
    request_id: str
    leaves: bytes


def settlement(newest: Mapping[bytes, ReportId]) -> Settlement:
    """What `settle_digests` takes, of each digest's newest report; asks the database nothing."""
    ordered = sorted(newest)
    parts = [
        ordered[start : start + _DIGESTS_A_STATEMENT]
        for start in range(0, len(ordered), _DIGESTS_A_STATEMENT)
    ]
    return [
        {"sha256": _bytes_array(part), "ids": _plain_array([newest[each].hex for each in part])}
        for part in parts
    ]


def settle_digests(tx: Transaction, digests: Settlement) -> dict[bytes, ReportId]:
    """Make these the newest reports of their contents; return those that were, where there were.

    Locks each digest until the transaction ends, in order of sha256: two that do so once each, or
    one of them and uploads of single reports, can't deadlock.
    """
    previous: dict[bytes, ReportId] = {}
    for part in digests:
        for digest, report_id in tx.rows(_SETTLE, {**part, "tenant_id": tx.tenant_id}):
            previous[bytes(digest)] = ReportId(report_id)
    return previous


def insertion(
    reports: Sequence[IdentifiedReport], *, key_id: str, request_id: str, settled: bool
) -> Insertion:
    """The statement for these, of one request; asks the database nothing.

    `settled` tells whether `settle_digests` has been called for them; if not, it must be called
    after, and what it returns must be what these reports have been told. None may be of a tool's
    output. All that are sealed must be under one key.
    """
    key = next((each.raw.key for each in reports if each.raw is not None), None)
    newest = "previous_report_id" if settled else "report_id"
    return Insertion(
        f"WITH {'' if key is None else _REGISTER}{_INSERT.replace('{newest}', newest)}",
        {
            **_columns(reports),
            "key_id": key_id,
            "request_id": request_id,
            "raw_kid": None,
            **({} if key is None else key_parameters(key)),
        },
        key_id,
        request_id,
        leaves_of([(each.id, each.content.sha256) for each in reports]),
    )


def insert_reports(tx: Transaction, insertion: Insertion) -> dict[ReportId, ReportId]:
    """Store reports; return what each is a duplicate of, if of any."""
    rows = tx.rows(insertion.sql, {**insertion.parameters, "tenant_id": tx.tenant_id})
    bump_revision(tx, RevisionClass.REPORTS)
    tx.journal_at_commit(insertion.key_id, insertion.request_id, insertion.leaves)
    return {ReportId(report_id): ReportId(duplicate_of) for report_id, duplicate_of in rows}


def _columns(reports: Sequence[IdentifiedReport]) -> dict[str, str]:
    ids = [each.id for each in reports]
    contents = [each.content for each in reports]
    return {
        "ids": _plain_array([each.hex for each in ids]),
        "created_at": _plain_array([moment_of(each).isoformat() for each in ids]),
        "severity": _plain_array([each.severity for each in contents]),
        "policy_version": _text_array([each.policy_version for each in contents]),
        "source": _text_array([each.source for each in contents]),
        "stream": _text_array([each.stream for each in contents]),
        "pass_count": _plain_array([each.pass_count for each in contents]),
        "warn_count": _plain_array([each.warn_count for each in contents]),
        "block_count": _plain_array([each.block_count for each in contents]),
        "inconsistencies": _plain_array([each.inconsistencies for each in contents]),
        "earlier": _plain_array([each.earlier for each in reports]),
        "sha256": _bytes_array([each.sha256 for each in contents]),
        "raw_sealed": _bytes_array([each.raw and each.raw.content for each in reports]),
        "redaction": _text_array([each.redaction for each in contents]),
        "documents": "\n".join([each.document for each in contents]),
    }


def _plain_array(values: Iterable[object]) -> str:
    """An array literal of what needs no quotes: numbers, uuids, our own words."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def _bytes_array(values: Iterable[bytes | None]) -> str:
    quoted = ["NULL" if value is None else f'"\\\\x{value.hex()}"' for value in values]
    return "{" + ",".join(quoted) + "}"


def _text_array(values: Iterable[str | None]) -> str:
    return "{" + ",".join(["NULL" if value is None else _quoted(value) for value in values]) + "}"


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
