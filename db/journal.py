"""The journal of ingest: which request stored which reports, until `seal_journal` seals it.

Adding to it locks nothing that another request waits for: a chained entry for each report would
make every ingest of a tenant wait for the one before. `insert_report` adds its row by itself, which
is cheaper; this is for many reports at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final
from uuid import UUID

if TYPE_CHECKING:
    from db.ids import ReportId

LEAF_BYTES: Final = 48

INSERT: Final = """
INSERT INTO ingest_journal (tenant_id, report_id, key_id, request_id, leaves)
VALUES (%(tenant_id)s, %(report_id)s, %(key_id)s, %(request_id)s, %(leaves)s)
"""


def leaves_of(reports: Iterable[tuple[ReportId, bytes]]) -> bytes:
    """What is sealed of reports: 16 bytes of id and 32 of the text's SHA-256, for each."""
    return b"".join([report_id.bytes + sha256 for report_id, sha256 in reports])


def row(key_id: str, request_id: str, leaves: bytes) -> dict[str, object]:
    """The parameters of INSERT, save the tenant."""
    return {
        "report_id": UUID(bytes=leaves[:16]),
        "key_id": key_id,
        "request_id": request_id,
        "leaves": leaves,
    }
