"""The arithmetic between ids and moments, here and in the database."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from db import access
from db.ids import first_id_at, id_of_tick, ids_of_ticks, moment_of, tick_of
from tests.support.database import TestDatabase

_MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1)).map(
    lambda naive: naive.replace(tzinfo=UTC)
)


@given(_MOMENTS, _MOMENTS)
def test_ids_are_ordered_as_their_moments(one: datetime, other: datetime) -> None:
    if one <= other:
        assert first_id_at(one) <= first_id_at(other)


@given(_MOMENTS)
def test_the_first_id_of_a_moment_is_of_the_first_millisecond_not_before_it(
    moment: datetime,
) -> None:
    assert timedelta(0) <= moment_of(first_id_at(moment)) - moment < timedelta(milliseconds=1)


@settings(max_examples=10)
@given(st.lists(_MOMENTS, min_size=1, max_size=50))
def test_the_database_agrees(shared_database: TestDatabase, moments: list[datetime]) -> None:
    rows = shared_database.run(
        access.OWNER,
        "SELECT moment, collector_first_uuid(moment)::text, made::text,"
        " collector_uuid7_time(made), date_trunc('milliseconds', moment)"
        " FROM unnest(%s::timestamptz[]) AS moment,"
        " LATERAL (SELECT collector_uuid7(moment) AS made) AS ids",
        (moments,),
    )
    for (moment, first, made, read_back, truncated), sent in zip(rows, moments, strict=True):
        assert moment == sent
        assert first == str(first_id_at(sent))
        assert read_back == truncated
        assert isinstance(made, str)
        assert (made[14], made[19] in "89ab") == ("7", True)


def test_ids_of_one_millisecond_are_ordered_by_its_fraction(shared_database: TestDatabase) -> None:
    rows = shared_database.run(
        access.OWNER,
        "SELECT collector_uuid7('2026-01-01 00:00:00.123'::timestamptz + n * interval '1 us')::text"
        " FROM generate_series(0, 999) AS n ORDER BY n",
    )
    assert rows == sorted(rows)


@settings(max_examples=10)
@given(st.lists(_MOMENTS, min_size=1, max_size=50))
def test_ids_made_here_and_in_the_database_tell_the_same_time(
    shared_database: TestDatabase, moments: list[datetime]
) -> None:
    rows = shared_database.run(
        access.OWNER,
        "SELECT collector_uuid7(moment)::text FROM unnest(%s::timestamptz[]) AS moment",
        (moments,),
    )
    for moment, (made_there,) in zip(moments, rows, strict=True):
        made_here = id_of_tick(tick_of(moment))
        # All but the variant and the random bits.
        assert str(made_here)[:18] == str(made_there)[:18]
        assert made_here.variant == UUID(str(made_there)).variant
        assert moment_of(made_here) == moment_of(UUID(str(made_there)))


@given(st.integers(0, 2**60 - 2))
def test_the_next_tick_s_id_is_greater_and_ids_of_one_tick_differ(tick: int) -> None:
    assert id_of_tick(tick) < id_of_tick(tick + 1)
    assert id_of_tick(tick) != id_of_tick(tick)
    assert id_of_tick(tick).version == 7


@given(st.integers(min_value=0, max_value=(2**48 - 1) * 4096), st.integers(0, 300))
def test_ids_of_many_ticks_are_those_of_each_tick_but_for_their_random_bits(
    first: int, count: int
) -> None:
    ids = ids_of_ticks(first, count)
    assert [each.int >> 62 for each in ids] == [
        id_of_tick(tick).int >> 62 for tick in range(first, first + count)
    ]
    assert len({each.int & (2**62 - 1) for each in ids}) == count
