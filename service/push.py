"""Sends report files to a collector, surviving what networks and restarts do.

A client of the public API only; one idempotency key a file makes each retry safe.
"""

import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import httpx2

from formats.registry import FORMATS

MEDIA_TYPES: Final = {
    "qc": "application/json",
    **{name: known.media_types[0] for name, known in FORMATS.items()},
}
ATTEMPTS: Final = 6
_FIRST_WAIT_SECONDS: Final = 0.5
_LONGEST_WAIT_SECONDS: Final = 30.0
_WORTH_RETRYING: Final = frozenset({409, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of one file: a report's id and severity, or why not."""

    name: str
    report_id: str | None = None
    severity: str | None = None
    duplicate_of: str | None = None
    error: str | None = None


class Pusher:
    """Posts files over one connection. `wait` sleeps; tests may not want to."""

    def __init__(self, client: httpx2.Client, wait: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._wait = wait

    def push(self, name: str, content: bytes, format: str, stream: str | None) -> Pushed:
        """Posts one file, trying again where that can help."""
        path = "/ingest/qc" if format == "qc" else f"/ingest/tool/{format}"
        query = {"stream": stream} if stream is not None else {}
        headers = {
            "Content-Type": MEDIA_TYPES[format],
            "Idempotency-Key": str(uuid.uuid4()),
        }
        error = ""
        for attempt in range(ATTEMPTS):
            retry_after: float | None = None
            try:
                response = self._client.post(path, content=content, headers=headers, params=query)
            except httpx2.TransportError as failure:
                error = f"can't reach {self._client.base_url}: {type(failure).__name__}"
            else:
                if response.status_code == 201:
                    return _pushed(name, response)
                error = _problem(response)
                if response.status_code not in _WORTH_RETRYING:
                    break
                retry_after = _retry_after(response)
            if attempt + 1 < ATTEMPTS:
                self._wait(_pause(attempt, retry_after))
        return Pushed(name, error=error)


def _pushed(name: str, response: httpx2.Response) -> Pushed:
    receipt = response.json()
    return Pushed(name, receipt["id"], receipt["severity"], receipt.get("duplicate_of"))


def _problem(response: httpx2.Response) -> str:
    try:
        problem = response.json()
        lines = [f"{response.status_code} {problem['title']}: {problem['detail']}"]
        for entry in problem.get("errors", []):
            limit = f" {entry['limit']}" if "limit" in entry else ""
            lines.append(f"  {entry['in']} {entry['pointer'] or '/'}: {entry['keyword']}{limit}")
        return "\n".join(lines)
    except (ValueError, KeyError, TypeError):
        return f"{response.status_code} {response.reason_phrase}"


def _retry_after(response: httpx2.Response) -> float | None:
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdigit() else None


def _pause(attempt: int, retry_after: float | None) -> float:
    """Seconds to wait: what the server asked for, else exponential with full jitter."""
    backoff = random.uniform(0.5, 1.0) * _FIRST_WAIT_SECONDS * 2**attempt  # noqa: S311  # no secret
    return float(min(_LONGEST_WAIT_SECONDS, max(backoff, retry_after or 0.0)))
