"""The ids that rows carry, and the arithmetic between an id and its moment.

Report ids are UUIDv7 (RFC 9562): their first 48 bits are milliseconds since 1970, so a window of
time is a range of ids. Ids are made by the database alone, never here.
"""

from datetime import UTC, datetime, timedelta
from typing import NewType
from uuid import UUID

TenantId = NewType("TenantId", str)
ReportId = NewType("ReportId", UUID)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_BITS_BELOW_MILLISECONDS = 80
_LAST_MILLISECOND = 2**48 - 1


def first_id_at(moment: datetime) -> UUID:
    """Return the smallest uuid of the first millisecond that is not before `moment`.

    With it `created_at >= moment` is `id >= first_id_at(moment)` and `created_at < moment` is
    `id < first_id_at(moment)`, exactly, whatever fraction of a millisecond `moment` has.
    """
    if moment.tzinfo is None:
        raise ValueError("A moment needs a time zone; pass an aware datetime, such as one in UTC.")
    milliseconds = -((_EPOCH - moment) // _MILLISECOND)
    return UUID(int=min(max(milliseconds, 0), _LAST_MILLISECOND) << _BITS_BELOW_MILLISECONDS)


def moment_of(report_id: UUID) -> datetime:
    """Return the moment an id was made at, to the millisecond: the row's `created_at`."""
    return _EPOCH + timedelta(milliseconds=report_id.int >> _BITS_BELOW_MILLISECONDS)
