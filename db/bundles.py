"""What is frozen of a report's bundle: written once, by whoever signs the report first.

Row level security picks the tenant's rows. Whoever deletes a report must delete its row here too:
the page in it tells what stood in the report.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from db.advisory_locks import KEEP_REPORTS, lock_number
from db.ids import ReportId, TenantId
from db.rows import with_bytes
from db.session import Database
from db.transaction import Transaction


@dataclass(frozen=True, slots=True)
class FrozenBundle:
    """`size` and `sha256` are of the whole archive, the rest is what it is made of."""

    signed_at: datetime
    signing_key_id: str
    markdown: bytes
    manifest: bytes
    attestation: bytes
    size: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class SigningState:
    """What stands when nobody else signs a report; `now` is the database's clock then."""

    now: datetime
    exists: bool
    is_signed: bool


@dataclass(frozen=True, slots=True)
class BundleSummary:
    """What there is to tell of a bundle; all None for a report that was never signed."""

    signed_at: datetime | None
    signing_key_id: str | None
    manifest: bytes | None
    manifest_sha256: bytes | None
    size: int | None
    sha256: bytes | None


# The last statement needs a snapshot younger than the locks; what is frozen of a report must not
# outlive it.
_LOCK: Final = f"""
SELECT pg_advisory_xact_lock(%(lock)s);
{KEEP_REPORTS};
SELECT clock_timestamp(), reports.id IS NOT NULL, bundle.report_id IS NOT NULL
  FROM (SELECT 1) AS always
  LEFT JOIN reports ON reports.id = %(report_id)s
  LEFT JOIN report_bundles AS bundle ON bundle.report_id = %(report_id)s
"""  # noqa: S608 - constants
_GET: Final = (
    "SELECT signed_at, signing_key_id, markdown, manifest, attestation, size, sha256"
    " FROM report_bundles WHERE report_id = %(report_id)s"
)
_FREEZE: Final = """
INSERT INTO report_bundles (tenant_id, report_id, signed_at, signing_key_id, markdown, manifest,
                            attestation, size, sha256)
VALUES (%(tenant_id)s, %(report_id)s, %(signed_at)s, %(signing_key_id)s, %(markdown)s,
        %(manifest)s, %(attestation)s, %(size)s, %(sha256)s)
"""
_SUMMARY: Final = """
SELECT signed_at, signing_key_id, manifest, sha256(manifest), size, bundle.sha256
  FROM reports LEFT JOIN report_bundles AS bundle ON bundle.report_id = reports.id
 WHERE reports.id = %(report_id)s
"""


def lock_signing(tx: Transaction, report_id: ReportId) -> SigningState:
    """Wait until nobody else signs this report, and keep them waiting until the commit.

    Until then no report is deleted either. Raises LockUnavailable.
    """
    lock = lock_number("sign", tx.tenant_id, str(report_id))
    row = tx.row(_LOCK, {"lock": lock, "tenant_id": tx.tenant_id, "report_id": report_id})
    if row is None:
        raise AssertionError("a query without conditions answered no row")
    return SigningState(*row)


def get_bundle(tx: Transaction, report_id: ReportId) -> FrozenBundle | None:
    row = tx.row(_GET, {"report_id": report_id})
    return None if row is None else FrozenBundle(*with_bytes(row))


def freeze_bundle(tx: Transaction, report_id: ReportId, bundle: FrozenBundle) -> None:
    """Keep what the first signing has made; only under `lock_signing`."""
    tx.rows(
        _FREEZE,
        {
            "tenant_id": tx.tenant_id,
            "report_id": report_id,
            "signed_at": bundle.signed_at,
            "signing_key_id": bundle.signing_key_id,
            "markdown": bundle.markdown,
            "manifest": bundle.manifest,
            "attestation": bundle.attestation,
            "size": bundle.size,
            "sha256": bundle.sha256,
        },
    )


def look_up_summary(
    database: Database, tenant_id: TenantId, report_id: ReportId
) -> BundleSummary | None:
    """What is known of the bundle of a report; None where there is no such report."""
    rows = database.tenant_rows(tenant_id, _SUMMARY, {"report_id": report_id})
    return BundleSummary(*with_bytes(rows[0])) if rows else None
