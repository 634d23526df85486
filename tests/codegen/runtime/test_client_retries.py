"""How long the client waits, and what a Retry-After says."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.runtime.client_retries import Retrying, seconds_to_wait

SECONDS = st.floats(0, 1000)


@given(st.integers(1, 30), SECONDS, st.none() | SECONDS)
def test_a_wait_is_as_long_as_was_asked_and_ends_in_time(
    attempt: int, elapsed: float, retry_after: float | None
) -> None:
    bounds = Retrying(attempts=20, total_seconds=600)
    pause = bounds.pause(attempt, elapsed, retry_after)
    if pause is None:
        asked = (retry_after or 0) + bounds.longest_wait_seconds
        assert attempt >= bounds.attempts or elapsed + asked > bounds.total_seconds
    else:
        assert pause > (retry_after or 0)
        assert pause <= (retry_after or 0) + bounds.longest_wait_seconds
        assert elapsed + pause <= bounds.total_seconds


def test_waits_grow_and_differ() -> None:
    bounds = Retrying(attempts=100, total_seconds=10_000)
    first = {bounds.pause(1, 0, None) for _ in range(20)}
    later = {bounds.pause(4, 0, None) for _ in range(20)}
    assert len(first) > 1
    assert max(pause for pause in first if pause) < min(pause for pause in later if pause)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, None), ("0", 0), ("120", 120), ("", None), ("soon", None), ("1.5", None), ("-1", None)],
)
def test_a_retry_after_in_seconds(header: str | None, seconds: float | None) -> None:
    assert seconds_to_wait(header) == seconds


def test_a_retry_after_as_a_date() -> None:
    for seconds, low, high in ((60, 50, 60), (-60, 0, 0)):
        date = datetime.now(UTC) + timedelta(seconds=seconds)
        wait = seconds_to_wait(format_datetime(date, usegmt=True))
        assert wait is not None
        assert low <= wait <= high
