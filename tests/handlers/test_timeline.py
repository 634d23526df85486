"""The timeline: every report once, in buckets that end with the present one."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from tests.support.client import Callers


def test_new_report_shows_in_the_last_bucket_of_the_next_answer(callers: Callers) -> None:
    for number, status in enumerate(("pass", "warn", "fail", "fail"), start=1):
        callers.operator.ingest({"status": {"api": status}})
        buckets = callers.viewer.api.get_timeline().body.buckets
        assert sum(bucket.total for bucket in buckets) == number
    # The bucket may end between two of the reports.
    last = buckets[-2:]
    assert sum(bucket.info for bucket in last) == sum(bucket.warn for bucket in last) == 1
    assert sum(bucket.block for bucket in last) == 2


@pytest.mark.parametrize(
    ("query", "minutes", "count"),
    [
        ({}, 15, 96),
        ({"window_h": 1}, 1, 60),
        ({"window_h": 720}, 480, 90),
        ({"window_h": 1, "bucket_m": 60}, 60, 1),
        ({"window_h": 720, "bucket_m": 43200}, 43200, 1),
        ({"window_h": 16, "bucket_m": 1}, 1, 960),
    ],
    ids=str,
)
def test_buckets_fill_the_window_up_to_now(
    query: dict[str, int], minutes: int, count: int, callers: Callers
) -> None:
    before = datetime.now(UTC)
    timeline = callers.viewer.api.get_timeline(**query).body
    assert timeline.bucket_m == minutes
    starts = [bucket.start for bucket in timeline.buckets]
    length = timedelta(minutes=minutes)
    assert len(starts) == count
    assert {later - earlier for earlier, later in pairwise(starts)} <= {length}
    assert starts[-1] <= datetime.now(UTC)
    assert starts[-1] + length > before
    assert starts[0].timestamp() % length.total_seconds() == 0
    assert all(bucket.total == 0 for bucket in timeline.buckets)


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"window_h": "0"}, "/window_h"),
        ({"window_h": "721"}, "/window_h"),
        ({"window_h": "24.0"}, "/window_h"),
        ({"bucket_m": "0"}, "/bucket_m"),
        ({"bucket_m": "43201"}, "/bucket_m"),
        ({"bucket_m": "7"}, "/bucket_m"),
        ({"bucket_m": "1441"}, "/bucket_m"),
        ({"window_h": "720", "bucket_m": "1"}, "/bucket_m"),
    ],
    ids=str,
)
def test_window_or_bucket_that_does_not_fit_is_invalid(
    query: dict[str, str], pointer: str, callers: Callers
) -> None:
    answer = callers.viewer.get("/timeline", query)
    assert (answer.status, answer.problem_type) == (422, "invalid-input")
    assert answer.error["pointer"] == pointer
