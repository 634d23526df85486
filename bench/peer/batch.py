"""A batch by FastAPI's means: the body read from the request, each line validated by its model.

The rest blocks, so it goes to the thread pool, as the documentation advises for an `async def`.
"""

from typing import Any

from fastapi import HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import ValidationError

from bench.callers import Principal
from bench.peer.models import QcReport
from bench.peer.security import Caller
from bench.store import transactions
from bench.store.batches import batch_receipt, insert_reports, refused_outcome, stored_outcome
from bench.store.preparation import stored_values

_MEDIA_TYPE = "application/x-ndjson"


async def ingest_batch(caller: Caller, request: Request) -> Any:
    if request.headers.get("content-type") != _MEDIA_TYPE:
        raise HTTPException(415, f"The body must be {_MEDIA_TYPE}.")
    request.state.principal = caller
    body = await request.body()
    return await run_in_threadpool(_stored, body, caller, request.state.request_id)


def _stored(body: bytes, caller: Principal, request_id: str) -> dict[str, Any]:
    outcomes: list[dict[str, Any]] = []
    ready: list[tuple[int, dict[str, Any]]] = []
    for number, line in enumerate(body.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            report = QcReport.model_validate_json(line)
        except ValidationError:
            outcomes.append(refused_outcome(number))
            continue
        content = report.model_dump(mode="json", by_alias=True, exclude_unset=True)
        ready.append((number, stored_values(content, caller, request_id)))
    with transactions.writing(caller.tenant_id) as connection:
        duplicates = insert_reports(connection, [values for _, values in ready])
    outcomes += [
        stored_outcome(number, values, duplicate_of)
        for (number, values), duplicate_of in zip(ready, duplicates, strict=True)
    ]
    return batch_receipt(sorted(outcomes, key=lambda outcome: outcome["line"]))
