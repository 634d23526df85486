"""Stands before a service and fails as it is told to: refusals, and answers that are cut midway."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer in place of the service's."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Cut:
    """The service does what it was asked; the connection ends after so many bytes of its answer."""

    after: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    method: str
    path: str
    query: str
    headers: Mapping[str, str]


class ConnectionEnds(Exception):
    """Makes the server drop a connection."""


class Unsteady:
    """`faults` are used up one a request, the first first; `seen` are all requests that came."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application
        self.faults: deque[Refusal | Cut] = deque()
        self.seen: list[Seen] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        query = scope["query_string"].decode()
        self.seen.append(Seen(scope["method"], scope["path"], query, headers))
        fault = self.faults.popleft() if self.faults else None
        if isinstance(fault, Refusal):
            sent = [(name.encode(), value.encode()) for name, value in fault.headers.items()]
            await send({"type": "http.response.start", "status": fault.status, "headers": sent})
            await send({"type": "http.response.body", "body": fault.body})
        elif isinstance(fault, Cut):
            await self._application(scope, receive, _cut(send, fault.after))
        else:
            await self._application(scope, receive, send)


def _cut(send: Send, after: int) -> Send:
    async def cut(message: Message) -> None:
        if message["type"] != "http.response.body":
            await send(message)
            return
        body = message.get("body", b"")[:after]
        await send({"type": "http.response.body", "body": body, "more_body": True})
        raise ConnectionEnds

    return cut
