"""A batch by FastAPI's means: the body read from the request, each line validated by its model.

The rest blocks, so it goes to the thread pool, as the documentation advises for an `async def`.
"""

from typing import Any

from fastapi import HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import ValidationError

from bench.peer.models import QcReport
from bench.peer.security import Caller
from bench.store.batches import store_batch

_MEDIA_TYPE = "application/x-ndjson"


async def ingest_batch(caller: Caller, request: Request) -> Any:
    if request.headers.get("content-type") != _MEDIA_TYPE:
        raise HTTPException(415, f"The body must be {_MEDIA_TYPE}.")
    request.state.principal = caller
    body = await request.body()
    return await run_in_threadpool(store_batch, body, caller, request.state.request_id, _report_in)


def _report_in(line: bytes) -> dict[str, Any] | None:
    try:
        report = QcReport.model_validate_json(line)
    except ValidationError:
        return None
    return report.model_dump(mode="json", by_alias=True, exclude_unset=True)
