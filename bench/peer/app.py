"""The peer's application: its operations, as FastAPI's documentation advises to write them."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, FastAPI, Header, HTTPException, Query, Request, Response

from bench.peer.batch import ingest_batch
from bench.peer.database import Reading, Writing
from bench.peer.models import BatchReceipt, IngestReceipt, QcReport, Report, ReportPage, ReportQuery
from bench.peer.problems import add_problems
from bench.peer.security import Caller, require
from bench.request_log import RequestLog, configure_logging
from bench.store import queries
from bench.store.answers import matches, object_tag, query_tag, report_of, summary_of
from bench.store.preparation import receipt_of, stored_values
from policies.paging import ForeignPageToken, seal, unseal

_COUNTED_AT_MOST = 1000
_OPERATION = "list_reports"
_READERS = [Depends(require("viewer", "operator", "auditor", "admin"))]
_WRITERS = [Depends(require("operator", "admin"))]
IfNoneMatch = Annotated[str | None, Header(max_length=4096)]


def create_peer() -> FastAPI:
    configure_logging()
    app = FastAPI(
        title="QC collector, on FastAPI",
        max_body_size=1024 * 1024,
        # This service traces nothing either.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.add_middleware(RequestLog)
    add_problems(app)
    app.get(
        "/reports",
        response_model=ReportPage,
        response_model_exclude_unset=True,
        dependencies=_READERS,
    )(list_reports)
    app.get(
        "/reports/{report_id}",
        response_model=Report,
        response_model_exclude_unset=True,
        dependencies=_READERS,
    )(get_report)
    app.post(
        "/ingest/qc",
        status_code=201,
        response_model=IngestReceipt,
        response_model_exclude_unset=True,
        max_body_size=10 * 1024 * 1024,
        dependencies=_WRITERS,
    )(ingest_qc)
    app.post(
        "/ingest/qc/batch",
        response_model=BatchReceipt,
        response_model_exclude_unset=True,
        max_body_size=64 * 1024 * 1024,
        dependencies=_WRITERS,
    )(ingest_batch)
    return app


def list_reports(
    query: Annotated[ReportQuery, Query()],
    caller: Caller,
    connection: Reading,
    request: Request,
    response: Response,
    if_none_match: IfNoneMatch = None,
) -> Any:
    request.state.principal = caller
    tag = query_tag(query.model_dump_json(), queries.read_revisions(connection))
    if matches(if_none_match, tag):
        return Response(status_code=304, headers={"ETag": tag})
    filters = query.model_dump_json(exclude={"limit", "page_token", "include_total"})
    wanted = queries.Wanted(
        severity=query.severity,
        policy_version=query.policy_version,
        source=query.source,
        stream=query.stream,
        since=query.since,
        until=query.until,
    )
    after = _cursor(query, caller.tenant_id, filters)
    rows = queries.list_reports(connection, wanted, query.limit, after)
    page: dict[str, Any] = {"next_page_token": None}
    if query.include_total:
        found = queries.count_reports(connection, wanted, _COUNTED_AT_MOST)
        page["total"] = {
            "count": min(found, _COUNTED_AT_MOST),
            "exact": found <= _COUNTED_AT_MOST,
        }
    if len(rows) > query.limit:
        last = str(rows[query.limit - 1].id)
        page["next_page_token"] = seal(_OPERATION, caller.tenant_id, filters, last)
    response.headers["ETag"] = tag
    return page | {"items": [summary_of(row) for row in rows[: query.limit]]}


def _cursor(query: ReportQuery, tenant_id: str, filters: str) -> UUID | None:
    if query.page_token is None:
        return None
    try:
        return UUID(unseal(_OPERATION, tenant_id, filters, query.page_token))
    except ForeignPageToken as error:
        raise HTTPException(400, "The page token belongs to another query.") from error


def get_report(
    report_id: UUID,
    caller: Caller,
    connection: Reading,
    request: Request,
    response: Response,
    if_none_match: IfNoneMatch = None,
) -> Any:
    request.state.principal = caller
    row = queries.get_report(connection, report_id)
    if row is None:
        raise HTTPException(404, "There is no such report.")
    tag = object_tag(row)
    if matches(if_none_match, tag):
        return Response(status_code=304, headers={"ETag": tag})
    response.headers["ETag"] = tag
    return report_of(row, caller.tenant_id)


def ingest_qc(
    report: QcReport, caller: Caller, connection: Writing, request: Request, response: Response
) -> Any:
    request.state.principal = caller
    content = report.model_dump(mode="json", by_alias=True, exclude_unset=True)
    values = stored_values(content, caller, request.state.request_id)
    duplicate_of = queries.insert_report(connection, values)
    response.headers["Location"] = f"/reports/{values['id']}"
    return receipt_of(values, duplicate_of)
