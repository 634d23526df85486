"""The ids that rows carry, and the arithmetic between an id and its moment.

Report ids are UUIDv7 (RFC 9562): their first 48 bits are milliseconds since 1970, so a window of
time is a range of ids. Their moment is the database's clock, never this machine's: a transaction
brings it along from its BEGIN, and `Transaction.new_report_ids` makes ids of it.
"""

import os
import struct
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NewType
from uuid import UUID

TenantId = NewType("TenantId", str)
ReportId = NewType("ReportId", UUID)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_MICROSECOND = timedelta(microseconds=1)
_BITS_BELOW_MILLISECONDS = 80
_TICKS_A_MILLISECOND = 4096
_VERSION_7 = 7 << 76
_VARIANT = 2 << 62
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
    return _moment(report_id.int >> _BITS_BELOW_MILLISECONDS)


# Of a batch, thousands have the same.
@lru_cache(maxsize=64)
def _moment(milliseconds: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=milliseconds)


def tick_of(moment: datetime) -> int:
    """Return a moment in ticks: 4096ths of a millisecond since 1970, as an id counts them."""
    return (moment - _EPOCH) // _MICROSECOND * _TICKS_A_MILLISECOND // 1000


def id_of_tick(tick: int) -> ReportId:
    """Return a new id of this tick; ids of different ticks sort as their ticks do.

    48 bits of milliseconds, the version, 12 bits of the millisecond's fraction (RFC 9562, 6.2,
    method 3), the variant, and 62 random bits, which keep ids of one tick apart.
    """
    return ids_of_ticks(tick, 1)[0]


def ids_of_ticks(first: int, count: int) -> list[ReportId]:
    """Return new ids, one of each tick from the first on, as `id_of_tick` describes them."""
    # One call to the system for all their random bits.
    random = struct.unpack(f"{count}Q", os.urandom(8 * count))
    return [_id(first + place, bits >> 2) for place, bits in enumerate(random)]


def _id(tick: int, random: int) -> ReportId:
    milliseconds, fraction = divmod(tick, _TICKS_A_MILLISECOND)
    time_bits = milliseconds << _BITS_BELOW_MILLISECONDS | _VERSION_7 | fraction << 64
    return ReportId(UUID(int=time_bits | _VARIANT | random))
