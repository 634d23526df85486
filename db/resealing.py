"""What encrypting reports anew needs, of all tenants: a walk over them, and changes of raw alone.

Needs a collector_maint login, which may change nothing else of a report. Takes and gives
ciphertext; raw that an earlier version stored in clear is found within the document, and taken out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from db.ids import ReportId, TenantId
from db.key_uses import REGISTER_KEY, key_parameters
from db.reports import SealedRaw
from db.transaction import Parameters, Transaction


@dataclass(frozen=True, slots=True)
class Place:
    """Which report; places are ordered as the walk goes."""

    tenant_id: TenantId
    report_id: ReportId


BEFORE_ALL: Final = Place(TenantId(""), ReportId(UUID(int=0)))


@dataclass(frozen=True, slots=True)
class RawState:
    """How a report's raw is stored: under `kid`, or in clear, or neither where it has none.

    `size` is roughly what reading it takes, in bytes.
    """

    place: Place
    kid: str | None
    in_clear: bool
    size: int


@dataclass(frozen=True, slots=True)
class StoredRaw:
    """A report's raw as it is stored: `content` under `kid`, or in clear within `document`."""

    place: Place
    kid: str | None
    content: bytes | None
    document: str | None


# In a canonical document the first `"raw":{` is raw's: what is sorted before it has no such member,
# quotes within strings are escaped, and a check named raw has no object for a value.
_CLEAR: Final = '"raw":{'
_WALK: Final = f"""
SELECT tenant_id, id, raw_kid, in_clear,
       CASE WHEN in_clear THEN octet_length(document::text)
            ELSE coalesce(octet_length(raw_sealed), 0) END
  FROM reports
 CROSS JOIN LATERAL (
   SELECT raw_kid IS NULL AND strpos(document::text, '{_CLEAR}') > 0 AS in_clear) AS seen
 WHERE (tenant_id, id) > (%(tenant)s, %(report)s)
 ORDER BY tenant_id, id LIMIT %(limit)s
"""  # noqa: S608 - a constant
# By one tenant's ids: a join with pairs of tenant and id could be planned as a read of the table.
_CHOSEN: Final = "tenant_id = %(tenant)s AND id = ANY (%(reports)s::uuid[])"
# In order, so that two walks wait for one another instead of each for the other.
_READ: Final = f"""
SELECT tenant_id, id, raw_kid, raw_sealed, CASE WHEN raw_kid IS NULL THEN document::text END
  FROM reports WHERE {_CHOSEN} ORDER BY id FOR NO KEY UPDATE
"""  # noqa: S608 - constants
_RESEAL: Final = f"""
WITH key AS ({REGISTER_KEY})
UPDATE reports SET raw_kid = %(raw_kid)s, raw_sealed = fresh
  FROM unnest(%(reports)s::uuid[], %(contents)s::bytea[]) AS sealed (of_report, fresh)
 WHERE {_CHOSEN} AND id = of_report
"""  # noqa: S608 - constants
_SEAL_CLEAR: Final = f"""
WITH key AS ({REGISTER_KEY})
SELECT count(*) FILTER (
         WHERE collector_seal_raw(%(tenant)s, of_report, raw_text, %(raw_kid)s, fresh))
  FROM unnest(%(reports)s::uuid[], %(texts)s::text[], %(contents)s::bytea[])
    AS sealed (of_report, raw_text, fresh)
"""  # noqa: S608 - constants


def walk(tx: Transaction, after: Place, limit: int) -> list[RawState]:
    """Return the next reports after a place, in order; none means that the walk is done."""
    rows = tx.rows(_WALK, {"tenant": after.tenant_id, "report": after.report_id, "limit": limit})
    return [RawState(Place(row[0], row[1]), *row[2:]) for row in rows]


def read_for_resealing(tx: Transaction, places: Sequence[Place]) -> list[StoredRaw]:
    """Return what is stored at these places, all of one tenant; keep others from changing it."""
    return [
        StoredRaw(Place(row[0], row[1]), row[2], None if row[3] is None else bytes(row[3]), row[4])
        for row in tx.rows(_READ, _of(places))
    ]


def store_resealed(tx: Transaction, sealed: Sequence[tuple[Place, SealedRaw]]) -> int:
    """Put raw of one tenant's reports, sealed anew, in the place of what was read.

    Return how many changed.
    """
    if not sealed:
        return 0
    return tx.changed_rows(_RESEAL, _sealed_parameters(sealed))


def store_sealed_clear(
    tx: Transaction, sealed: Sequence[tuple[Place, SealedRaw]], texts: Sequence[str]
) -> int:
    """Put sealed raw in the place of its `texts` within the documents; return how many changed."""
    if not sealed:
        return 0
    row = tx.row(_SEAL_CLEAR, {**_sealed_parameters(sealed), "texts": list(texts)})
    changed: int = row[0] if row else 0
    return changed


def clear_raw_begins(document: str) -> int | None:
    """Return where raw's value begins in a document that holds it in clear, else None."""
    found = document.find(_CLEAR)
    return None if found < 0 else found + len(_CLEAR) - 1


def _sealed_parameters(sealed: Sequence[tuple[Place, SealedRaw]]) -> Parameters:
    key = sealed[0][1].key
    contents = [raw.content for _, raw in sealed]
    return {**_of([place for place, _ in sealed]), **key_parameters(key), "contents": contents}


def _of(places: Sequence[Place]) -> dict[str, object]:
    return {
        "tenant": places[0].tenant_id,
        "reports": [place.report_id for place in places],
    }
