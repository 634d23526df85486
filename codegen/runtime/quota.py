"""Where a service may turn a caller away for asking too much: after security, before the body.

Whom it counts, and what a request costs, is the service's part.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .exchange import Exchange
from .operation import Operation
from .tables import OPERATION_SCOPE
from .validation import identities


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request whose caller is known and whose body is yet to come.

    `announced` is its Content-Length, 0 where there is none. `identities` maps each security
    scheme to what its authenticator returned.
    """

    operation: Operation
    identities: Mapping[str, Any]
    announced: int = 0
    is_encoded: bool = False


class Quota(Protocol):
    """Asked on the event loop about every request of an operation that is not public."""

    async def admit(self, arrival: Arrival) -> Mapping[str, str]:
        """Headers for whatever will be answered. Raises a Problem to turn the request away."""
        ...

    async def grown(self, arrival: Arrival, before: int, now: int) -> None:
        """Told of a body that was not announced, as it comes: bytes `before` and `now`.

        Raises a Problem to take no more of it.
        """
        ...


class QuotaStep:
    """The step itself, an ASGI application between Connexion's security and its validation."""

    def __init__(self, app: ASGIApp, quota: Quota, operations: Mapping[str, Operation]) -> None:
        self._app = app
        self._quota = quota
        # Whether a service is up must stay to be asked however much else is.
        self._guarded = {name: each for name, each in operations.items() if each.security}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        routing = scope.get("extensions", {}).get(OPERATION_SCOPE, {})
        operation = self._guarded.get(routing.get("operation_id", ""))
        if operation is not None:
            length = _header(scope, b"content-length")
            encoding = _header(scope, b"content-encoding").strip().lower()
            arrival = Arrival(
                operation,
                identities(scope),
                int(length) if length.isdigit() else 0,
                encoding not in (b"", b"identity"),
            )
            Exchange.of(scope).add_headers(await self._quota.admit(arrival))
            if not length:
                receive = self._metered(arrival, receive)
        await self._app(scope, receive, send)

    def _metered(self, arrival: Arrival, receive: Receive) -> Receive:
        size = 0

        async def metered() -> Message:
            nonlocal size
            message = await receive()
            if came := len(message.get("body", b"")):
                size += came
                await self._quota.grown(arrival, size - came, size)
            return message

        return metered


def _header(scope: Scope, name: bytes) -> bytes:
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value)
    return b""
