"""What commands say of an answer that is an error, or that didn't come."""

from collections.abc import Iterable, Mapping
from typing import Any

from generated.client import ClientError, ConnectionLost, ProblemAnswer


def why(error: ClientError, url: str) -> str:
    """What went wrong, for a person; `url` is what messages call the collector."""
    if isinstance(error, ConnectionLost):
        return f"can't reach {url}: {error.reason}"
    if isinstance(error, ProblemAnswer):
        return problem_told(error.status, error.title, error.detail, error.errors)
    return str(error)


def problem_told(status: int, title: str, detail: str, errors: Iterable[Mapping[str, Any]]) -> str:
    """A problem in lines: what it is, and where in the input."""
    if not detail:
        return f"{status} {title}"
    lines = [f"{status} {title}: {detail}"]
    for entry in errors:
        limit = "" if entry.get("limit") is None else f" {entry['limit']}"
        lines.append(
            f"  {entry.get('in')} {entry.get('pointer') or '/'}: {entry.get('keyword')}{limit}"
        )
    return "\n".join(lines)


def reports(count: int) -> str:
    """So many reports, in words."""
    return f"{count:,} report{'' if count == 1 else 's'}"
