"""What callers may ask in a time: rates, what a request costs, how long to wait. Pure.

Counted by sliding windows: two numbers for each caller, of the window before and of this one. The
one before counts by the share of it that still lies within one window's length from now.
"""

import re
from dataclasses import dataclass
from math import ceil, floor
from typing import Final

# No longer one: who has spent it all may have to wait for two, and for a day nobody would.
_SECONDS: Final = {"second": 1, "minute": 60, "hour": 3600}
_RATE: Final = re.compile(r"([1-9][0-9]{0,8})/(second|minute|hour)", re.ASCII)
OFF: Final = "off"

# What a write costs beyond one unit: bytes for one more. Reports shrink to a tenth or so when
# compressed, and what they cost is the work of unfolding and storing them.
_BYTES_A_UNIT: Final = 64 * 1024
_ENCODED_BYTES_A_UNIT: Final = 8 * 1024


@dataclass(frozen=True, slots=True)
class Rate:
    """`amount` units in any `seconds`."""

    amount: int
    seconds: int


def parse_rate(text: str) -> Rate | None:
    """A rate such as `6000/minute`; None for `off`. Raises ValueError, which repeats no value."""
    if text.strip() == OFF:
        return None
    found = _RATE.fullmatch(text.strip())
    if found is None:
        raise ValueError("write a number and second, minute or hour: 6000/minute; or off")
    return Rate(int(found[1]), _SECONDS[found[2]])


def cost_of_body(size: int, *, is_encoded: bool) -> int:
    """What `size` bytes cost beyond the unit that every request costs."""
    return size // (_ENCODED_BYTES_A_UNIT if is_encoded else _BYTES_A_UNIT)


@dataclass(frozen=True, slots=True)
class Window:
    """What one caller has spent. Times are in seconds.

    `previous_left` is for how long the window before still counts, `turns_in` when this one
    becomes the one before.
    """

    previous: int
    previous_left: float
    current: int
    turns_in: float


def spent(rate: Rate, window: Window) -> int:
    return floor(window.previous * window.previous_left / rate.seconds) + window.current


def available(rate: Rate, window: Window) -> int:
    return max(0, rate.amount - spent(rate, window))


def seconds_until(rate: Rate, window: Window, cost: int) -> int:
    """Whole seconds until `cost` fits, if nothing else is spent meanwhile; 0 if it fits now.

    `cost` is at most the rate's amount.
    """
    if spent(rate, window) + cost <= rate.amount:
        return 0
    room = rate.amount - cost
    if window.current <= room:
        wait = window.previous_left - _left_at(rate, window.previous, room - window.current)
    else:
        wait = window.turns_in + rate.seconds - _left_at(rate, window.current, room)
    return max(1, floor(wait) + 1)


def _left_at(rate: Rate, count: int, room: int) -> float:
    """How much of a window of `count` may still count so that it comes to `room` at most."""
    return (room + 1) * rate.seconds / count


def effective_seconds(rate: Rate, window: Window) -> int:
    """How long the available units should last: at the rate's own pace, until there is one more.

    No caller who spreads them so goes faster than the rate (draft-ietf-httpapi-ratelimit-headers,
    6): `available / effective_seconds` is at most `amount / seconds`.
    """
    left = available(rate, window)
    if left == 0:
        return seconds_until(rate, window, 1)
    return ceil(left * rate.seconds / rate.amount)
