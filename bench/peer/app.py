"""The peer's application: its operations, as FastAPI's documentation advises to write them."""

import hashlib
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Depends, FastAPI, Header, HTTPException, Query, Request, Response

from bench.peer import queries
from bench.peer.boundary import Boundary, add_problems, configure_logging
from bench.peer.database import Reading, Writing
from bench.peer.models import IngestReceipt, QcReport, ReportPage, ReportQuery
from bench.peer.security import Caller, require
from policies.intake import decide
from policies.paging import ForeignPageToken, seal, unseal

_COUNTED_AT_MOST = 1000
_OPERATION = "list_reports"


def create_peer() -> FastAPI:
    configure_logging()
    app = FastAPI(
        title="QC collector, on FastAPI",
        max_body_size=1024 * 1024,
        # This service traces nothing either.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.add_middleware(Boundary)
    add_problems(app)
    app.get(
        "/reports",
        response_model=ReportPage,
        response_model_exclude_unset=True,
        dependencies=[Depends(require("viewer", "operator", "auditor", "admin"))],
    )(list_reports)
    app.post(
        "/ingest/qc",
        status_code=201,
        response_model=IngestReceipt,
        response_model_exclude_unset=True,
        max_body_size=10 * 1024 * 1024,
        dependencies=[Depends(require("operator", "admin"))],
    )(ingest_qc)
    return app


def list_reports(
    query: Annotated[ReportQuery, Query()],
    caller: Caller,
    connection: Reading,
    request: Request,
    response: Response,
    if_none_match: Annotated[str | None, Header(max_length=4096)] = None,
) -> Any:
    request.state.principal = caller
    tag = _tag(query, queries.read_revisions(connection))
    if if_none_match is not None and _matches(if_none_match, tag):
        return Response(status_code=304, headers={"ETag": tag})
    filters = query.model_dump_json(exclude={"limit", "page_token"})
    rows = queries.list_reports(connection, query, _cursor(query, caller.tenant_id, filters))
    page: dict[str, Any] = {"next_page_token": None}
    if query.include_total:
        found = queries.count_reports(connection, query, _COUNTED_AT_MOST)
        page["total"] = {
            "count": min(found, _COUNTED_AT_MOST),
            "exact": found <= _COUNTED_AT_MOST,
        }
    if len(rows) > query.limit:
        last = str(rows[query.limit - 1].id)
        page["next_page_token"] = seal(_OPERATION, caller.tenant_id, filters, last)
    response.headers["ETag"] = tag
    return page | {
        "items": [
            {
                "id": row.id,
                "created_at": row.created_at,
                "severity": row.severity,
                "policy_version": row.policy_version,
                "source": row.source,
                "stream": row.stream,
                "counts": {
                    "pass": row.pass_count,
                    "warn": row.warn_count,
                    "block": row.block_count,
                },
            }
            for row in rows[: query.limit]
        ]
    }


def _tag(query: ReportQuery, revisions: str) -> str:
    digest = hashlib.sha256(f"{query.model_dump_json()}\0{revisions}".encode()).hexdigest()
    return f'"{digest[:32]}"'


def _matches(sent: str, tag: str) -> bool:
    entries = [entry.strip().removeprefix("W/") for entry in sent.split(",")]
    return tag in entries or entries == ["*"]


def _cursor(query: ReportQuery, tenant_id: str, filters: str) -> UUID | None:
    if query.page_token is None:
        return None
    try:
        return UUID(unseal(_OPERATION, tenant_id, filters, query.page_token))
    except ForeignPageToken as error:
        raise HTTPException(400, "The page token belongs to another query.") from error


def ingest_qc(
    report: QcReport, caller: Caller, connection: Writing, request: Request, response: Response
) -> Any:
    request.state.principal = caller
    evaluations = (report.policy.evaluations if report.policy else None) or []
    decision = decide(report.status, ((e.target, e.verdict, e.severity) for e in evaluations))
    content = report.model_dump(mode="json", by_alias=True, exclude_unset=True)
    document = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    stored = queries.insert_report(
        connection,
        {
            "tenant_id": caller.tenant_id,
            "severity": decision.severity,
            "policy_version": report.policy.policy_version if report.policy else None,
            "source": report.source.tool if report.source else None,
            "stream": report.stream,
            "pass_count": decision.counts.pass_,
            "warn_count": decision.counts.warn,
            "block_count": decision.counts.block,
            "inconsistencies": decision.inconsistencies,
            "sha256": hashlib.sha256(document).digest(),
            "key_id": caller.key_id,
            "request_id": request.state.request_id,
            "document": document.decode(),
        },
    )
    receipt = {
        "id": stored.id,
        "status": "ingested",
        "severity": decision.severity,
        "inconsistencies": decision.inconsistencies,
    }
    if stored.duplicate_of is not None:
        receipt["duplicate_of"] = stored.duplicate_of
    response.headers["Location"] = f"/reports/{stored.id}"
    return receipt
