"""Reads `deprecated` and `x-sunset`: whether something may go, and whether its date moved.

A date of removal that was announced and has passed makes a removal less than breaking. Without
a date nobody was told when, so `deprecated` alone excuses nothing.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

Removal = Literal["unannounced", "too-early", "after-sunset"]


def sunset_of(value: Mapping[str, Any]) -> date | None:
    """The day in `x-sunset`, an RFC 3339 date or date-time; None if there is no such day."""
    text = value.get("x-sunset")
    if value.get("deprecated") is not True or not isinstance(text, str):
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def removal(value: Mapping[str, Any], today: date) -> Removal:
    """How the old contract prepared the removal of an operation, a parameter or a property."""
    sunset = sunset_of(value)
    if sunset is None:
        return "unannounced"
    return "after-sunset" if sunset <= today else "too-early"


def sunset_rule(old: Mapping[str, Any], new: Mapping[str, Any]) -> str | None:
    """The rule for an announced day that changed, while what it is about stayed deprecated."""
    before, after = sunset_of(old), sunset_of(new)
    if before == after or new.get("deprecated") is not True or old.get("deprecated") is not True:
        return None
    if before is not None and (after is None or after < before):
        return "sunset-moved-up"
    return "sunset-put-off"
