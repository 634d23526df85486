"""Every error of the peer as an RFC 9457 problem, by FastAPI's exception handlers."""

from typing import Any, Final

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

_TITLES: Final = {400: "malformed-request", 401: "unauthenticated", 403: "forbidden"}
_MORE_TITLES: Final = {404: "not-found", 405: "method-not-allowed", 413: "body-too-large"}
_SLUGS: Final = {**_TITLES, **_MORE_TITLES, 415: "unsupported-media-type", 422: "invalid-input"}


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
