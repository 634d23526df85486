"""Sends report files to a collector, surviving what networks and restarts do.

A client of the public API only. Each request's idempotency key is made of what it sends, so that
neither a retry nor the same push once more, after this process was killed, stores anything twice.
"""

import gzip
import hashlib
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

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
# Below, compressing saves less than it takes to say so.
_WORTH_COMPRESSING: Final = 16 * 1024
# A server may take what expands too far for a bomb.
_HIGHEST_RATIO: Final = 50
_COMPRESSION_REFUSED: Final = frozenset({413, 415})


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of one report: its id and severity, or why not.

    `is_replay` tells that it had been stored before, by the same request.
    """

    name: str
    report_id: str | None = None
    severity: str | None = None
    duplicate_of: str | None = None
    error: str | None = None
    is_replay: bool = False


@dataclass(frozen=True, slots=True)
class NamedLine:
    """A report as one line of JSON, and what to call it."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class _Request:
    path: str
    query: Mapping[str, str]
    media_type: str
    content: bytes

    def digest(self, run: str) -> str:
        """The same for the same request of the same run, and no other."""
        parts = [run, self.path, dict(self.query), self.media_type]
        digest = hashlib.sha256(json.dumps(parts).encode() + b"\0")
        digest.update(self.content)
        return digest.hexdigest()


class Pusher:
    """Posts reports over one connection.

    `run` tells pushes of the same files apart. `wait` sleeps; tests may not want to.
    """

    def __init__(
        self, client: httpx2.Client, run: str, wait: Callable[[float], None] = time.sleep
    ) -> None:
        self._client = client
        self._run = run
        self._wait = wait
        self._sent: Counter[str] = Counter()

    def push(self, name: str, content: bytes, format: str, stream: str | None) -> Pushed:
        """Posts one file, trying again where that can help."""
        path = "/ingest/qc" if format == "qc" else f"/ingest/tool/{format}"
        query = {"stream": stream} if stream is not None else {}
        answer = self._send(_Request(path, query, MEDIA_TYPES[format], content))
        if isinstance(answer, str):
            return Pushed(name, error=answer)
        return _stored(name, answer.json(), _is_replay(answer))

    def push_batch(self, lines: Sequence[NamedLine]) -> list[Pushed]:
        """Posts QC reports in one request, trying again where that can help."""
        body = b"\n".join(line.content for line in lines)
        answer = self._send(_Request("/ingest/qc/batch", {}, "application/x-ndjson", body))
        if isinstance(answer, str):
            return [Pushed(line.name, error=answer) for line in lines]
        outcomes = {each["line"]: each for each in answer.json()["outcomes"]}
        return [
            _outcome(line.name, outcomes[number], _is_replay(answer))
            for number, line in enumerate(lines, 1)
        ]

    def _send(self, request: _Request) -> httpx2.Response | str:
        """The answer to a request that succeeded, or why it did not."""
        headers = {
            "Content-Type": request.media_type,
            "Idempotency-Key": self._idempotency_key(request),
        }
        compressed = _compressed(request.content)
        error = ""
        for attempt in range(ATTEMPTS):
            retry_after: float | None = None
            try:
                response = self._post(request, headers, compressed)
                if compressed is not None and response.status_code in _COMPRESSION_REFUSED:
                    compressed = None
                    response = self._post(request, headers, compressed)
            except httpx2.TransportError as failure:
                error = f"can't reach {self._client.base_url}: {type(failure).__name__}"
            else:
                if response.is_success:
                    return response
                error = _problem(_json_of(response), response)
                if response.status_code not in _WORTH_RETRYING:
                    break
                retry_after = _retry_after(response)
            if attempt + 1 < ATTEMPTS:
                self._wait(_pause(attempt, retry_after))
        return error

    def _idempotency_key(self, request: _Request) -> str:
        """Two equal files of one push are two reports, today as when it is repeated."""
        digest = request.digest(self._run)
        self._sent[digest] += 1
        return f"push-{digest}-{self._sent[digest]}"

    def _post(
        self, request: _Request, headers: Mapping[str, str], compressed: bytes | None
    ) -> httpx2.Response:
        coding = {} if compressed is None else {"Content-Encoding": "gzip"}
        return self._client.post(
            request.path,
            content=request.content if compressed is None else compressed,
            headers={**headers, **coding},
            params=dict(request.query),
        )


def _compressed(content: bytes) -> bytes | None:
    """The content as gzip, where that is worth it."""
    if len(content) < _WORTH_COMPRESSING:
        return None
    packed = gzip.compress(content, compresslevel=6, mtime=0)
    is_worth_it = len(packed) < len(content) <= len(packed) * _HIGHEST_RATIO
    return packed if is_worth_it else None


def _is_replay(response: httpx2.Response) -> bool:
    return response.headers.get("Idempotency-Replayed") == "true"


def _stored(name: str, receipt: Mapping[str, Any], is_replay: bool) -> Pushed:
    return Pushed(
        name,
        receipt["id"],
        receipt["severity"],
        receipt.get("duplicate_of"),
        is_replay=is_replay,
    )


def _outcome(name: str, outcome: Mapping[str, Any], is_replay: bool) -> Pushed:
    if "problem" in outcome:
        return Pushed(name, error=_explained(outcome["problem"]))
    return _stored(name, outcome, is_replay)


def _json_of(response: httpx2.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _problem(found: Any, response: httpx2.Response) -> str:
    try:
        return _explained(found)
    except (KeyError, TypeError):
        return f"{response.status_code} {response.reason_phrase}"


def _explained(problem: Any) -> str:
    lines = [f"{problem['status']} {problem['title']}: {problem['detail']}"]
    for entry in problem.get("errors", []):
        limit = f" {entry['limit']}" if "limit" in entry else ""
        lines.append(f"  {entry['in']} {entry['pointer'] or '/'}: {entry['keyword']}{limit}")
    return "\n".join(lines)


def _retry_after(response: httpx2.Response) -> float | None:
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdigit() else None


def _pause(attempt: int, retry_after: float | None) -> float:
    """Seconds to wait: what the server asked for, else exponential with full jitter."""
    backoff = random.uniform(0.5, 1.0) * _FIRST_WAIT_SECONDS * 2**attempt  # noqa: S311  # no secret
    return float(min(_LONGEST_WAIT_SECONDS, max(backoff, retry_after or 0.0)))
