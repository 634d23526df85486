"""Windows and buckets: every instant counted once, however the window is cut."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.timeline import (
    MAX_BUCKETS,
    PREFERRED_BUCKETS,
    Bucket,
    Window,
    WindowError,
    resolve_window,
    zero_fill,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOON = datetime(2026, 3, 4, 12, 7, 30, tzinfo=UTC)

_zones = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
_instants = st.datetimes(datetime(1960, 1, 1), datetime(2100, 1, 1), timezones=_zones)


@dataclass(frozen=True, slots=True)
class Row:
    """A counted bucket as a query returns it."""

    start: datetime
    info: int = 0
    warn: int = 0
    block: int = 0


@st.composite
def _requests(draw: st.DrawFn) -> tuple[datetime, int, int]:
    """A time, a window in hours, and a bucket in minutes that is allowed for it."""
    window_h = draw(st.integers(1, 720))
    minutes = window_h * 60
    allowed = [m for m in range(1, minutes + 1) if minutes % m == 0 and minutes // m <= MAX_BUCKETS]
    return draw(_instants), window_h, draw(st.sampled_from(allowed))


def test_last_bucket_contains_now_and_buckets_stand_on_the_clock() -> None:
    window = resolve_window(_NOON, 24, 30)
    assert window == Window(
        start=datetime(2026, 3, 3, 12, 30, tzinfo=UTC),
        end=datetime(2026, 3, 4, 12, 30, tzinfo=UTC),
        bucket=timedelta(minutes=30),
    )
    assert window.bucket_count == 48


def test_now_on_a_boundary_begins_the_last_bucket() -> None:
    boundary = datetime(2026, 3, 4, 12, tzinfo=UTC)
    assert resolve_window(boundary, 1, 30).starts()[-1] == boundary
    before = boundary - timedelta(microseconds=1)
    assert resolve_window(before, 1, 30).end == boundary


@given(_requests())
def test_buckets_are_contiguous_aligned_and_fill_the_window(
    request_: tuple[datetime, int, int],
) -> None:
    now, window_h, bucket_m = request_
    window = resolve_window(now, window_h, bucket_m)
    starts = window.starts()
    assert window.end - window.start == timedelta(hours=window_h)
    assert len(starts) == window.bucket_count == window_h * 60 // bucket_m <= MAX_BUCKETS
    assert starts[0] == window.start
    assert starts[-1] + window.bucket == window.end
    assert all(b - a == window.bucket for a, b in pairwise(starts))
    assert all((start - _EPOCH) % window.bucket == timedelta(0) for start in starts)
    assert starts[-1] <= now < window.end
    assert window.start.tzinfo is UTC


@given(_requests(), st.floats(0, 1, exclude_max=True))
def test_each_instant_of_the_window_belongs_to_exactly_one_bucket(
    request_: tuple[datetime, int, int], share: float
) -> None:
    window = resolve_window(*request_)
    instant = window.start + (window.end - window.start) * share
    holders = [start for start in window.starts() if start <= instant < start + window.bucket]
    assert len(holders) == (instant < window.end)


@given(_instants, st.integers(1, 720))
def test_every_window_has_a_default_bucket(now: datetime, window_h: int) -> None:
    window = resolve_window(now, window_h)
    assert window.bucket_count * window.bucket == timedelta(hours=window_h)
    assert window.bucket_count <= MAX_BUCKETS


@pytest.mark.parametrize(
    ("window_h", "minutes"),
    [
        (1, 1),
        (2, 2),
        (3, 2),
        (6, 5),
        (12, 10),
        (24, 15),
        (48, 30),
        (50, 30),
        (168, 120),
        (720, 480),
    ],
)
def test_default_bucket_is_the_shortest_usual_one_that_makes_no_more_than_a_hundred(
    window_h: int, minutes: int
) -> None:
    window = resolve_window(_NOON, window_h)
    assert window.bucket == timedelta(minutes=minutes)
    assert window.bucket_count <= PREFERRED_BUCKETS


def test_default_bucket_of_an_odd_window_is_the_longest_usual_one_that_divides_it() -> None:
    assert resolve_window(_NOON, 719).bucket == timedelta(hours=1)
    assert resolve_window(_NOON, 202).bucket == timedelta(hours=2)


@pytest.mark.parametrize(
    ("window_h", "bucket_m", "limit", "actual"),
    [
        (0, None, 720, 0),
        (721, None, 720, 721),
        (-1, 1, 720, -1),
        (24, 0, 1_440, 0),
        (24, -5, 1_440, -5),
        (24, 1_441, 1_440, 1_441),
        (24, 7, 1_440, 7),
        (24, 1, 1_000, 1_440),
        (720, 30, 1_000, 1_440),
    ],
)
def test_window_that_cannot_be_cut_is_refused_with_limit_and_size(
    window_h: int, bucket_m: int | None, limit: int, actual: int
) -> None:
    with pytest.raises(WindowError) as raised:
        resolve_window(_NOON, window_h, bucket_m)
    assert (raised.value.limit, raised.value.actual) == (limit, actual)
    assert raised.value.detail == str(raised.value)


def test_thousand_buckets_are_served() -> None:
    assert resolve_window(_NOON, 50, 3).bucket_count == MAX_BUCKETS


def test_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        resolve_window(_NOON.replace(tzinfo=None), 24)


def test_requests_of_one_bucket_get_the_same_window_and_of_the_next_another() -> None:
    first = resolve_window(_NOON, 24, 30)
    assert resolve_window(_NOON + timedelta(minutes=22), 24, 30) == first
    assert resolve_window(_NOON + timedelta(minutes=23), 24, 30) != first


def test_gaps_are_filled_with_zeros_and_rows_kept() -> None:
    window = resolve_window(_NOON, 2, 60)
    elsewhere = timezone(timedelta(hours=5))
    row = Row(window.start.astimezone(elsewhere), info=1, warn=2, block=3)
    assert zero_fill(window, [row]) == [
        Bucket(datetime(2026, 3, 4, 11, tzinfo=UTC), 1, 2, 3),
        Bucket(datetime(2026, 3, 4, 12, tzinfo=UTC), 0, 0, 0),
    ]
    assert zero_fill(window, [row])[0].total == 6


@given(_requests(), st.data())
def test_filling_loses_no_count(request_: tuple[datetime, int, int], data: st.DataObject) -> None:
    window = resolve_window(*request_)
    chosen = data.draw(st.lists(st.sampled_from(window.starts()), unique=True, max_size=20))
    rows = [Row(start, 1, number, 2) for number, start in enumerate(chosen)]
    filled = zero_fill(window, rows)
    assert [bucket.start for bucket in filled] == window.starts()
    assert sum(bucket.total for bucket in filled) == sum(3 + number for number in range(len(rows)))


@pytest.mark.parametrize("offset", [timedelta(minutes=1), timedelta(hours=-1), timedelta(hours=2)])
def test_row_that_begins_no_bucket_is_refused(offset: timedelta) -> None:
    window = resolve_window(_NOON, 2, 60)
    with pytest.raises(ValueError, match="begins no bucket"):
        zero_fill(window, [Row(window.start + offset)])


def test_two_rows_of_one_bucket_are_refused() -> None:
    window = resolve_window(_NOON, 2, 60)
    with pytest.raises(ValueError, match="same bucket"):
        zero_fill(window, [Row(window.start), Row(window.start)])
