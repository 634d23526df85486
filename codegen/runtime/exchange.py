"""One request and its answer, as the boundary of a service sees them: its id, its record, problems.

Decides nothing of what is answered.
"""

import logging
import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from . import problems
from .problems import Problem
from .validation import identities

CLIENT_CLOSED = 499
_EXCHANGE = "exchange"
_LOG = logging.getLogger(__name__)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """What there is to log of a request: no query string, no header, no input value.

    `duration` is in seconds. `failure` is the exception behind a problem, for the log alone. `peer`
    is the address that the request came from, as the server tells it.
    """

    request_id: str
    method: str
    operation_id: str | None
    status: int
    duration: float
    identities: Mapping[str, Any]
    failure: BaseException | None
    peer: str | None = None


def log_failure(record: RequestRecord) -> None:
    """What a service does with records that does nothing else with them: failures are logged.

    With the traceback, but for problems, which were meant. Nothing is said of other requests.
    """
    if record.status >= 500 and record.failure is not None:
        _LOG.error(
            "%s %s (%s): %d %r",
            record.method,
            record.operation_id,
            record.request_id,
            record.status,
            record.failure,
            exc_info=None if isinstance(record.failure, Problem) else record.failure,
        )


class Exchange:
    """One request and what has been answered so far."""

    def __init__(self, scope: Scope, send: Send, may_keep: Callable[[str], bool]) -> None:
        self.scope = scope
        self.started = False
        self._is_deserted = False
        self._send = send
        # Unless something is sent, it was the client (or the server's end) that ended the exchange.
        self._status = CLIENT_CLOSED
        self._failure: BaseException | None = None
        self._begun = time.perf_counter()
        self.request_id = _request_id(scope, may_keep)
        scope.setdefault("state", {})["request_id"] = self.request_id
        self._added: dict[bytes, bytes] = {}
        # Connexion copies the scope but shares what is inside, so later steps are seen here.
        scope.setdefault("extensions", {})[_EXCHANGE] = self

    @classmethod
    def of(cls, scope: Scope) -> "Exchange":
        found: Exchange = scope["extensions"][_EXCHANGE]
        return found

    def add_headers(self, headers: Mapping[str, str]) -> None:
        """Headers for whatever will be answered, problems too, unless it has them of its own."""
        self._added |= {name.lower().encode(): value.encode() for name, value in headers.items()}

    def receiving(self, receive: Receive) -> Receive:
        """The server's messages, watched for the one that tells of a client that left."""

        async def watched() -> Message:
            message = await receive()
            self._is_deserted = self._is_deserted or message["type"] == "http.disconnect"
            return message

        return watched

    def finish(self) -> None:
        """Raises RuntimeError if the application gave no answer to a client that still waits."""
        if not self.started and not self._is_deserted:
            raise RuntimeError("the application ended without an answer")

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self._status = message["status"]
            own = {name for name, _ in message["headers"]} if self._added else ()
            message["headers"] = [
                *(header for header in message["headers"] if header[0] != b"x-request-id"),
                *(header for header in self._added.items() if header[0] not in own),
                (b"x-request-id", self.request_id.encode()),
                (b"x-content-type-options", b"nosniff"),
            ]
        await self._send(message)

    def failed(self, status: int, failure: BaseException) -> None:
        self._status = status
        self._failure = failure

    async def answer(self, problem: Problem) -> None:
        body = problem.as_bytes(self.request_id)
        headers = {
            "content-type": problems.MEDIA_TYPE,
            "content-length": str(len(body)),
            "cache-control": "no-store",
            **problem.headers,
        }
        encoded = [
            (name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()
        ]
        await self.send(
            {"type": "http.response.start", "status": problem.status, "headers": encoded}
        )
        await self.send({"type": "http.response.body", "body": body})

    def record(self) -> RequestRecord:
        extensions = self.scope["extensions"]
        client = self.scope.get("client")
        return RequestRecord(
            request_id=self.request_id,
            method=self.scope["method"],
            operation_id=extensions.get("connexion_routing", {}).get("operation_id"),
            status=self._status,
            duration=time.perf_counter() - self._begun,
            identities=identities(self.scope),
            failure=self._failure,
            peer=client[0] if client else None,
        )


def _request_id(scope: Scope, may_keep: Callable[[str], bool]) -> str:
    """The caller's own where it is well-formed and may be logged, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            sent = value.decode("latin-1")
            if _REQUEST_ID.fullmatch(sent) and may_keep(sent):
                return str(sent)
    return str(uuid.uuid4())
