"""Leases: ranges of reports that retention leaves alone while something reads them.

A lease has an end, so that one whose taker was killed keeps nothing for ever; whoever still reads
renews it well before. Row level security picks the tenant's rows.
"""

from typing import Final
from uuid import UUID

from db.advisory_locks import KEEP_REPORTS
from db.session import Database
from db.transaction import Transaction

_TAKE: Final = f"""
{KEEP_REPORTS};
INSERT INTO report_leases (tenant_id, lease_id, what, first_id, last_id, expires_at)
VALUES (%(tenant_id)s, %(lease_id)s, %(what)s, %(first_id)s, %(last_id)s,
        clock_timestamp() + make_interval(secs => %(seconds)s))
"""  # noqa: S608 - constants
# Under the lock, as a deletion that found it expired a moment ago may not have been committed yet.
_RENEW: Final = f"""
{KEEP_REPORTS};
UPDATE report_leases SET expires_at = clock_timestamp() + make_interval(secs => %(seconds)s)
 WHERE lease_id = %(lease_id)s AND expires_at > clock_timestamp()
"""  # noqa: S608 - constants
_RELEASE: Final = "DELETE FROM report_leases WHERE lease_id = %(lease_id)s"
_EXPIRED: Final = (
    "DELETE FROM report_leases WHERE expires_at < clock_timestamp() - interval '1 day'"
)


def take_lease(
    tx: Transaction, lease_id: UUID, what: str, first_id: UUID, last_id: UUID, for_seconds: float
) -> None:
    """Keep retention from the tenant's reports of these ids, both ends included, for so long.

    `what` says whose lease it is, such as `export`. What is already deleted is not brought back:
    look at the reports in a later statement. Raises LockUnavailable if a deletion that goes on
    takes longer than locks may be waited for.
    """
    parameters = {
        "tenant_id": tx.tenant_id,
        "lease_id": lease_id,
        "what": what,
        "first_id": first_id,
        "last_id": last_id,
        "seconds": for_seconds,
    }
    tx.rows(_TAKE, parameters)


def renew_lease(tx: Transaction, lease_id: UUID, for_seconds: float) -> bool:
    """Have the lease end that long from now; False if it ended already, so that some may be gone.

    Raises LockUnavailable, as `take_lease` does.
    """
    parameters = {"tenant_id": tx.tenant_id, "lease_id": lease_id, "seconds": for_seconds}
    return tx.changed_rows(_RENEW, parameters) == 1


def release_lease(tx: Transaction, lease_id: UUID) -> None:
    """End the lease now; one that is not there is no mistake."""
    tx.rows(_RELEASE, {"lease_id": lease_id})


def delete_expired_leases(database: Database) -> int:
    """Delete leases that ended a day ago, of all tenants; needs a collector_maint login."""
    with database.system_transaction() as tx:
        return tx.changed_rows(_EXPIRED)
