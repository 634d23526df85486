"""Starlette with nothing behind it: the ceiling of server and load generator together.

Answers each workload with a body of the size that the real ones have, without looking at it.
"""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

_PAGE = b'{"items":[' + b",".join([b'{"id":"' + b"0" * 230 + b'"}'] * 50) + b"]}"
_REPORT = b'{"id":"' + b"0" * 1200 + b'"}'
_RECEIPT = b'{"id":"00000000-0000-0000-0000-000000000000","status":"ingested","severity":"warn"}'


async def list_reports(request: Request) -> Response:
    headers = {"ETag": '"bare"'}
    if request.headers.get("if-none-match") == '"bare"':
        return Response(status_code=304, headers=headers)
    return Response(_PAGE, headers=headers, media_type="application/json")


async def get_report(request: Request) -> Response:
    return Response(_REPORT, headers={"ETag": '"bare"'}, media_type="application/json")


async def ingest_qc(request: Request) -> Response:
    await request.body()
    return Response(_RECEIPT, status_code=201, media_type="application/json")


def bare_application() -> ASGIApp:
    return Starlette(
        routes=[
            Route("/reports", list_reports, methods=["GET"]),
            Route("/reports/{report_id}", get_report, methods=["GET"]),
            Route("/ingest/qc", ingest_qc, methods=["POST"]),
        ]
    )
