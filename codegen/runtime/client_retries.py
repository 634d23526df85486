"""When a client tries again, and how long it waits before. Pure, but for the dice."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from secrets import SystemRandom

# RFC 9110, 9.2.1: they ask for nothing to be changed.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_DICE = SystemRandom()


@dataclass(frozen=True, slots=True)
class Retrying:
    """Bounds of trying again. Only safe methods are, and requests with an idempotency key.

    Each wait lasts as long as the server's Retry-After says, and an exponential time with jitter
    more. Where that would take the call beyond `total_seconds`, the last answer stands.
    """

    attempts: int = 4
    total_seconds: float = 60.0
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 30.0
    statuses: frozenset[int] = frozenset({429, 502, 503, 504})

    def pause(self, attempt: int, elapsed: float, retry_after: float | None) -> float | None:
        """Seconds to wait after the attempt of this number, from 1; None to give up."""
        if attempt >= self.attempts:
            return None
        backoff = min(self.longest_wait_seconds, self.first_wait_seconds * 2.0 ** (attempt - 1))
        wait = (retry_after or 0.0) + backoff * _DICE.uniform(0.5, 1.0)
        return wait if elapsed + wait <= self.total_seconds else None


def seconds_to_wait(retry_after: str | None) -> float | None:
    """A Retry-After (RFC 9110, 10.2.3), seconds or a date, as seconds from now."""
    if retry_after is None:
        return None
    if retry_after.isascii() and retry_after.isdecimal():
        return float(retry_after)
    try:
        date = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - datetime.now(UTC)).total_seconds())
