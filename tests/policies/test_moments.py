"""Times as people type them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.moments import MomentError, moment

_NOW = datetime(2026, 11, 20, 12, 30, 15, 250000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-11-01", "2026-11-01T00:00:00+00:00"),
        ("2026-11-01T08:00", "2026-11-01T08:00:00+00:00"),
        ("2026-11-01 08:00:01", "2026-11-01T08:00:01+00:00"),
        ("2026-11-01T08:00:00Z", "2026-11-01T08:00:00+00:00"),
        ("2026-11-01t08:00:00.5z", "2026-11-01T08:00:00.500000+00:00"),
        ("2026-11-01T08:00:00+02:00", "2026-11-01T06:00:00+00:00"),
        ("now", "2026-11-20T12:30:15.250000+00:00"),
        ("today", "2026-11-20T00:00:00+00:00"),
        ("Yesterday", "2026-11-19T00:00:00+00:00"),
        ("90m", "2026-11-20T11:00:15.250000+00:00"),
        ("24h", "2026-11-19T12:30:15.250000+00:00"),
        (" 7d ", "2026-11-13T12:30:15.250000+00:00"),
        ("2w", "2026-11-06T12:30:15.250000+00:00"),
    ],
)
def test_form_that_is_understood(text: str, meant: str) -> None:
    assert moment(text, _NOW).isoformat() == meant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "7",
        "7 d",
        "-7d",
        "7y",
        "1.5h",
        "2026-13-01",
        "2026-11-31",
        "08:00",
        "999999w",
        "0001-01-01T00:00+14:00",
        "\u0667d",
    ],
)
def test_anything_else_is_told_what_there_is(text: str) -> None:
    with pytest.raises(MomentError, match=r"a date \(2026-11-01\), a time"):
        moment(text, _NOW)


@given(st.datetimes(timezones=st.timezones() | st.just(UTC)))
def test_time_written_in_full_is_the_same_time_in_utc(given_time: datetime) -> None:
    try:
        expected = given_time.astimezone(UTC)
    except OverflowError:
        return
    # ISO 8601 as Python reads it knows no more than microseconds of an offset.
    assert moment(given_time.isoformat(), _NOW) == expected
    assert moment(given_time.isoformat(), _NOW).tzinfo is UTC


@given(st.integers(0, 9999), st.sampled_from("mhdw"))
def test_how_long_ago_is_counted_from_now(count: int, unit: str) -> None:
    seconds = {"m": 60, "h": 3600, "d": 86400, "w": 604800}[unit]
    assert _NOW - moment(f"{count}{unit}", _NOW) == timedelta(seconds=count * seconds)


@given(st.text(max_size=20))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    try:
        assert moment(text, _NOW).tzinfo is UTC
    except MomentError:
        return
