"""Request ids, one log line a request and problems: what surrounds the peer's operations.

A plain ASGI middleware, because one made with `@app.middleware("http")` costs a task a request.
"""

import re
import sys
import time
import uuid
from typing import Any, Final

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)
_TITLES: Final = {400: "malformed-request", 401: "unauthenticated", 403: "forbidden"}
_MORE_TITLES: Final = {404: "not-found", 405: "method-not-allowed", 413: "body-too-large"}
_SLUGS: Final = {**_TITLES, **_MORE_TITLES, 415: "unsupported-media-type", 422: "invalid-input"}
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


class Boundary:
    """The middleware."""

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
                message["headers"] = [
                    *message["headers"],
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


def problem(request: Request, status: int, detail: str, **more: Any) -> Response:
    """An RFC 9457 problem."""
    slug = _SLUGS.get(status, "internal-error" if status == 500 else "unavailable")
    document = {
        "type": f"/problems/{slug}",
        "title": slug.replace("-", " ").capitalize(),
        "status": status,
        "detail": detail,
        "instance": f"urn:request:{request.state.request_id}",
        **more,
    }
    return Response(orjson.dumps(document), status, media_type="application/problem+json")


def add_problems(app: FastAPI) -> None:
    """Has every error of the application answered with a problem."""

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        answer = problem(request, error.status_code, str(error.detail))
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        errors = [
            {
                "in": str(entry["loc"][0]),
                "pointer": "".join(f"/{part}" for part in entry["loc"][1:]),
                "keyword": entry["type"],
            }
            for entry in error.errors()[:20]
        ]
        return problem(request, 422, "Values do not fit the contract; see errors.", errors=errors)

    @app.exception_handler(PoolTimeout)
    async def busy(request: Request, error: PoolTimeout) -> Response:
        answer = problem(request, 503, "The service is busy. Try again.")
        answer.headers["Retry-After"] = "1"
        return answer

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> Response:
        return problem(request, 500, "The service failed.")
