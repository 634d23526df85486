"""Request ids and one log line a request: what surrounds a peer's operations.

A plain ASGI middleware, which both frameworks take; one made with FastAPI's
`@app.middleware("http")` would cost a task a request.
"""

import re
import sys
import time
import uuid
from typing import Final

import orjson
import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)
_log = structlog.get_logger("request")


def configure_logging() -> None:
    """JSON lines on standard error, the way structlog's documentation makes fastest."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        logger_factory=structlog.BytesLoggerFactory(file=sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )


class RequestLog:
    """The middleware. Who calls, and headers for any answer, are what others leave in the request's
    state."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        status = 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                more = scope["state"].get("headers", {})
                message["headers"] = [
                    *message["headers"],
                    *((name.lower().encode(), value.encode()) for name, value in more.items()),
                    (b"x-request-id", request_id.encode()),
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        try:
            await self._app(scope, receive, answer)
        finally:
            caller = scope["state"].get("principal")
            _log.info(
                "request",
                request_id=request_id,
                method=scope["method"],
                operation=getattr(scope.get("route"), "name", None),
                status=status,
                duration_ms=round((time.perf_counter() - begun) * 1000, 2),
                tenant=caller.tenant_id if caller else None,
                key_id=caller.key_id if caller else None,
            )


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value.decode("latin-1")):
            return str(value.decode("latin-1"))
    return str(uuid.uuid4())
