"""Bucket arithmetic of the timeline: which instants a window covers, and in what steps.

Reads no clock: `now` is handed in. Counts nothing itself; it only fills gaps with zeros.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

MAX_WINDOW_HOURS: Final = 720
MAX_BUCKETS: Final = 1_000
PREFERRED_BUCKETS: Final = 100

# Bucket lengths, in minutes, that people read a clock or calendar by.
_USUAL_BUCKETS: Final = (1, 2, 5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720, 1_440)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class WindowError(ValueError):
    """A window or bucket that can't be had; `detail` is safe to send to an API client."""

    def __init__(self, detail: str, *, limit: int, actual: int) -> None:
        super().__init__(detail)
        self.detail = detail
        self.limit = limit
        self.actual = actual


@dataclass(frozen=True, slots=True)
class Window:
    """Half-open time from `start` to `end`, in UTC, a whole number of buckets long."""

    start: datetime
    end: datetime
    bucket: timedelta

    @property
    def bucket_count(self) -> int:
        """How many buckets the window has."""
        return (self.end - self.start) // self.bucket

    def starts(self) -> list[datetime]:
        """The beginning of each bucket, oldest first."""
        return [self.start + number * self.bucket for number in range(self.bucket_count)]


@dataclass(frozen=True, slots=True)
class Bucket:
    """Reports per severity from `start` on, for one bucket's length."""

    start: datetime
    info: int
    warn: int
    block: int

    @property
    def total(self) -> int:
        """Reports of any severity."""
        return self.info + self.warn + self.block


class CountedBucket(Protocol):
    """A counted bucket as a query returns it."""

    @property
    def start(self) -> datetime: ...

    @property
    def info(self) -> int: ...

    @property
    def warn(self) -> int: ...

    @property
    def block(self) -> int: ...


def resolve_window(now: datetime, window_h: int, bucket_m: int | None = None) -> Window:
    """Return the window of `window_h` hours whose last bucket contains `now`.

    Buckets begin at multiples of their length since 1970-01-01T00:00Z, so that two requests in
    the same bucket get the same window. Without `bucket_m` the shortest usual length is taken
    that divides the window into at most 100 buckets, else the longest usual one that divides it.
    """
    if now.tzinfo is None:
        raise ValueError("now must be aware of its time zone")
    _require_range("window_h", window_h, MAX_WINDOW_HOURS)
    minutes = window_h * 60
    bucket = timedelta(minutes=_usual_bucket(minutes) if bucket_m is None else bucket_m)
    if bucket_m is not None:
        _require_bucket(bucket_m, minutes)
    elapsed = (now.astimezone(UTC) - _EPOCH) // bucket
    end = _EPOCH + (elapsed + 1) * bucket
    return Window(end - timedelta(hours=window_h), end, bucket)


def zero_fill(window: Window, rows: Iterable[CountedBucket]) -> list[Bucket]:
    """Return every bucket of the window, oldest first, those without a row counted as zero.

    Raises ValueError for a row that begins no bucket of the window or comes twice: the query
    was made for another window, and its counts would be lost.
    """
    found: dict[datetime, Bucket] = {}
    for row in rows:
        start = row.start.astimezone(UTC)
        if start in found:
            raise ValueError("two rows begin the same bucket")
        found[start] = Bucket(start, row.info, row.warn, row.block)
    filled = [found.pop(start, Bucket(start, 0, 0, 0)) for start in window.starts()]
    if found:
        raise ValueError("a row begins no bucket of the window")
    return filled


def _usual_bucket(window_minutes: int) -> int:
    dividing = [length for length in _USUAL_BUCKETS if window_minutes % length == 0]
    preferred = [length for length in dividing if window_minutes // length <= PREFERRED_BUCKETS]
    return preferred[0] if preferred else dividing[-1]


def _require_bucket(bucket_m: int, window_minutes: int) -> None:
    _require_range("bucket_m", bucket_m, window_minutes)
    if window_minutes % bucket_m:
        raise WindowError(
            f"bucket_m must divide the window of {window_minutes} minutes without a remainder.",
            limit=window_minutes,
            actual=bucket_m,
        )
    buckets = window_minutes // bucket_m
    if buckets > MAX_BUCKETS:
        raise WindowError(
            f"The window would have {buckets} buckets; at most {MAX_BUCKETS} are served. "
            "Take a larger bucket_m or a shorter window_h.",
            limit=MAX_BUCKETS,
            actual=buckets,
        )


def _require_range(name: str, value: int, limit: int) -> None:
    if not 1 <= value <= limit:
        raise WindowError(f"{name} must be from 1 to {limit}.", limit=limit, actual=value)
