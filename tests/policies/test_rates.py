"""Rates: what they mean, what is left, and that waiting as told is enough and not too much."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.rates import (
    Rate,
    Window,
    available,
    cost_of_body,
    effective_seconds,
    parse_rate,
    seconds_until,
    spent,
)

RATES = st.builds(Rate, st.integers(1, 100_000), st.sampled_from([1, 60, 3600]))


@st.composite
def situations(draw: st.DrawFn) -> tuple[Rate, Window]:
    """A rate and what may have been spent of it at some moment of a window."""
    rate = draw(RATES)
    left = draw(st.floats(0.001, 1)) * rate.seconds
    amounts = st.integers(0, rate.amount)
    return rate, Window(draw(amounts), left, draw(amounts), left)


def later(rate: Rate, window: Window, seconds: float) -> Window:
    """The window as it stands so much later, if nothing is spent meanwhile."""
    previous, current, left = window.previous, window.current, window.turns_in - seconds
    while left <= 0:
        previous, current, left = current, 0, left + rate.seconds
    return Window(previous, left, current, left)


@given(situations(), st.data())
def test_what_was_refused_fits_after_the_seconds_that_were_said(
    situation: tuple[Rate, Window], data: st.DataObject
) -> None:
    rate, window = situation
    cost = data.draw(st.integers(1, rate.amount))
    wait = seconds_until(rate, window, cost)
    assert spent(rate, later(rate, window, wait)) + cost <= rate.amount


@settings(max_examples=500)
@given(situations(), st.data())
def test_nobody_is_told_to_wait_over_a_second_too_long(
    situation: tuple[Rate, Window], data: st.DataObject
) -> None:
    rate, window = situation
    cost = data.draw(st.integers(1, rate.amount))
    wait = seconds_until(rate, window, cost)
    if wait > 1:
        assert spent(rate, later(rate, window, wait - 1.001)) + cost > rate.amount


@given(situations())
def test_spreading_what_is_left_as_told_keeps_to_the_rate(situation: tuple[Rate, Window]) -> None:
    rate, window = situation
    seconds = effective_seconds(rate, window)
    assert seconds >= 1
    assert available(rate, window) * rate.seconds <= rate.amount * seconds


@given(situations())
def test_what_is_left_fits_now_and_one_more_does_not(situation: tuple[Rate, Window]) -> None:
    rate, window = situation
    left = available(rate, window)
    assert left == 0 or seconds_until(rate, window, left) == 0
    assert left == rate.amount or seconds_until(rate, window, left + 1) > 0


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("600/minute", Rate(600, 60)),
        (" 1/second ", Rate(1, 1)),
        ("999999999/hour", Rate(999_999_999, 3600)),
        ("off", None),
    ],
)
def test_rates_are_a_number_and_a_time(text: str, rate: Rate | None) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize(
    "text", ["", "0/minute", "-1/minute", "600", "600/day", "1e3/minute", "٣/minute", "1/minute x"]
)
def test_what_is_no_rate_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match=r"^write a number and .*: 6000/minute; or off$"):
        parse_rate(text)


@pytest.mark.parametrize(
    ("size", "is_encoded", "cost"),
    [
        (0, False, 0),
        (65_535, False, 0),
        (65_536, False, 1),
        (10 << 20, False, 160),
        (8192, True, 1),
    ],
)
def test_a_body_costs_by_its_size_and_a_compressed_one_more(
    size: int, is_encoded: bool, cost: int
) -> None:
    assert cost_of_body(size, is_encoded=is_encoded) == cost
