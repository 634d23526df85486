"""Sends report files to a collector, surviving what networks and restarts do.

A client of the public API only. Each request's idempotency key is made of what it sends, so that
neither a retry nor the same push once more, after this process was killed, stores anything twice.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, cast

from formats.registry import FORMATS
from generated.client import (
    Client,
    ClientError,
    EncodedJson,
    Retrying,
)
from generated.client.ingest import IngestQc201, IngestToolOutput201
from generated.models import IngestReceipt, RefusedLine, StoredLine, ToolFormat
from service.answers import problem_told, why

MEDIA_TYPES: Final = {
    "qc": "application/json",
    **{name: known.media_types[0] for name, known in FORMATS.items()},
}
# 409 is the answer while an earlier attempt, whose answer was lost, is still under way.
RETRYING: Final = Retrying(
    attempts=6, total_seconds=300.0, statuses=frozenset({409, 429, 500, 502, 503, 504})
)
_ToolMediaType = Literal[
    "application/sarif+json",
    "application/json",
    "application/vnd.cyclonedx+json",
    "application/xml",
]


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


class Pusher:
    """Posts reports. `url` is what messages call the collector; `run` tells pushes of the same
    files apart."""

    def __init__(self, client: Client, url: str, run: str) -> None:
        self._client = client
        self._url = url
        self._run = run
        self._sent: Counter[str] = Counter()

    def push(self, name: str, content: bytes, format: str, stream: str | None) -> Pushed:
        """Posts one file."""
        media_type = MEDIA_TYPES[format]
        key = self._idempotency_key([format, stream, media_type], content)
        stored: IngestQc201 | IngestToolOutput201
        try:
            if format == "qc":
                stored = self._client.ingest_qc(idempotency_key=key, body=EncodedJson(content))
            else:
                stored = self._client.ingest_tool_output(
                    format=cast(ToolFormat, format),
                    stream=stream,
                    idempotency_key=key,
                    body=content,
                    content_type=cast(_ToolMediaType, media_type),
                )
        except ClientError as error:
            return Pushed(name, error=self._why(error))
        return _stored(name, stored.body, stored.idempotency_replayed)

    def push_batch(self, lines: Sequence[NamedLine]) -> list[Pushed]:
        """Posts QC reports in one request."""
        body = [EncodedJson(line.content) for line in lines]
        key = self._idempotency_key(["batch"], b"\n".join(line.content for line in lines))
        try:
            answer = self._client.ingest_batch(idempotency_key=key, body=body)
        except ClientError as error:
            return [Pushed(line.name, error=self._why(error)) for line in lines]
        outcomes = {each.line: each for each in answer.body.outcomes}
        return [
            _outcome(line.name, outcomes[number], answer.idempotency_replayed)
            for number, line in enumerate(lines, 1)
        ]

    def _idempotency_key(self, parts: list[str | None], content: bytes) -> str:
        """The same for the same request of the same run, and no other.

        Two equal files of one push are two reports, today as when it is repeated.
        """
        found = hashlib.sha256(json.dumps([self._run, *parts]).encode() + b"\0")
        found.update(content)
        digest = found.hexdigest()
        self._sent[digest] += 1
        return f"push-{digest}-{self._sent[digest]}"

    def _why(self, error: ClientError) -> str:
        return why(error, self._url)


def _outcome(name: str, outcome: StoredLine | RefusedLine, replayed: str | None) -> Pushed:
    if isinstance(outcome, StoredLine):
        return _stored(name, outcome, replayed)
    problem = outcome.problem
    entries = [each.model_dump(by_alias=True) for each in problem.errors or ()]
    return Pushed(name, error=problem_told(problem.status, problem.title, problem.detail, entries))


def _stored(name: str, stored: IngestReceipt | StoredLine, replayed: str | None) -> Pushed:
    earlier = stored.duplicate_of
    return Pushed(
        name,
        str(stored.id),
        stored.severity,
        None if earlier is None else str(earlier),
        is_replay=replayed == "true",
    )
