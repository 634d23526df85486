"""Times as a person types them: a date, a time, or how long ago. Knows no clock: now is given."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_AGO: Final = re.compile(r"([0-9]{1,6})(m|h|d|w)", re.ASCII)
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_FORMS: Final = "a date (2026-11-01), a time (2026-11-01T08:00Z) or how long ago (90m, 24h, 7d, 2w)"


class MomentError(ValueError):
    """What is no such time; the message names the forms there are."""


def moment(text: str, now: datetime) -> datetime:
    """The time meant, in UTC. Raises MomentError.

    A date is its beginning. Without a zone UTC is meant. `now`, `today` and `yesterday` are known.
    """
    wanted = text.strip().lower()
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    named = {"now": now, "today": midnight, "yesterday": midnight - timedelta(days=1)}
    try:
        if wanted in named:
            return named[wanted].astimezone(UTC)
        if ago := _AGO.fullmatch(wanted):
            return now.astimezone(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        return _in_utc(datetime.fromisoformat(wanted.upper()))
    except (ValueError, OverflowError):
        raise MomentError(f"not a time that is understood; give {_FORMS}") from None


def _in_utc(found: datetime) -> datetime:
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
