"""What a use case needs of encryption at rest; which keys and which cipher, `service` knows.

A report's text holds `"raw":null` where the value of `raw` was: no other member of a report may be
null, and quotes within strings are escaped, so the token stands there once or not at all.
"""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from db.ids import ReportId, TenantId
from db.reports import ReportRow, SealedRaw
from handlers.errors import NotConfigured, RawUnreadable

RAW_TOKEN: Final = b'"raw":'
_NULL: Final = RAW_TOKEN + b"null"


class RawSealer(Protocol):
    """Encrypts `raw` for one tenant and report id: opened for another, it fails."""

    def seal(self, tenant_id: TenantId, report_id: ReportId, raw: bytes) -> SealedRaw: ...

    def open(self, tenant_id: TenantId, report_id: ReportId, kid: str, content: bytes) -> bytes:
        """Raises RawUnreadable."""
        ...


def without_raw(report: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**report, "raw": None} if "raw" in report else report


def with_raw(text: bytes, raw: bytes) -> bytes:
    """The text of a report with the value of `raw` in its place again."""
    return text.replace(_NULL, RAW_TOKEN + raw, 1)


def seal_raw(
    sealer: RawSealer | None, tenant_id: TenantId, report_id: ReportId, raw: bytes | None
) -> SealedRaw | None:
    """What is stored of `raw`; None for a report without. Raises NotConfigured without a key."""
    if raw is None:
        return None
    return require_sealer(sealer).seal(tenant_id, report_id, raw)


def require_sealer(sealer: RawSealer | None) -> RawSealer:
    if sealer is None:
        raise NotConfigured("A report with raw can't be taken: ENCRYPTION_KEYS is not set.")
    return sealer


def opened_text(sealer: RawSealer | None, tenant_id: TenantId, row: ReportRow) -> bytes:
    """The canonical text of a stored report. Raises RawUnreadable."""
    text = row.document.encode()
    if row.raw_kid is None or row.raw_sealed is None:
        return text
    if sealer is None:
        raise RawUnreadable(row.id, row.raw_kid, "ENCRYPTION_KEYS is not set")
    return with_raw(text, sealer.open(tenant_id, row.id, row.raw_kid, row.raw_sealed))
