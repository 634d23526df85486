"""The functions that Connexion calls: operations by their operation id, and the security functions.

Synchronous, in the thread pool that `FlaskApp` runs Flask in.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from connexion import NoContent, request
from connexion.exceptions import BadRequestProblem, Forbidden
from connexion.lifecycle import ConnexionRequest
from starlette.exceptions import HTTPException

from bench.callers import Principal, callers_with
from bench.rates import counted
from bench.stock.batch import report_in
from bench.store import queries, transactions
from bench.store.answers import matches, object_tag, query_tag, report_of, summary_of
from bench.store.batches import store_batch
from bench.store.preparation import receipt_of, stored_values
from policies.paging import ForeignPageToken, seal, unseal

_COUNTED_AT_MOST = 1000
_OPERATION = "list_reports"
# The contract has problems beside JSON in every operation, so Connexion asks which this is.
_JSON = {"Content-Type": "application/json"}
_READERS = ("viewer", "operator", "auditor", "admin")
_WRITERS = ("operator", "admin")


async def principal_of_key(
    api_key: str, *, request: ConnexionRequest, required_scopes: Any = None
) -> dict[str, Any] | None:
    """Who calls; None has Connexion answer 401."""
    callers = callers_with(api_key)
    if callers is None:
        return None
    principal = callers.get(request.headers.get("X-Tenant", ""))
    if principal is None:
        raise Forbidden("The API key is not of the tenant in X-Tenant.")
    request.scope["state"]["principal"] = principal
    request.scope["state"]["headers"] = await counted(principal, request.method)
    return {"sub": principal.key_id}


def tenant_named(tenant: str, *, required_scopes: Any = None) -> dict[str, Any]:
    """Compared with the key's where that is looked up."""
    return {"tenant": tenant}


def _caller(roles: tuple[str, ...]) -> Principal:
    found: Principal = request.scope["state"]["principal"]
    if found.role not in roles:
        raise Forbidden("The key's role may not do this.")
    return found


def list_reports(
    limit: int = 20,
    page_token: str | None = None,
    include_total: bool = False,
    severity: list[str] | None = None,
    policy_version: str | None = None,
    source: str | None = None,
    stream: str | None = None,
    since: str | None = None,
    until: str | None = None,
) -> Any:
    caller = _caller(_READERS)
    wanted = queries.Wanted(
        severity=severity,
        policy_version=policy_version,
        source=source,
        stream=stream,
        since=_moment(since),
        until=_moment(until),
    )
    bound = repr(wanted)
    after = _cursor(caller.tenant_id, bound, page_token)
    with transactions.reading(caller.tenant_id) as connection:
        tag = query_tag(
            f"{bound} {limit} {page_token} {include_total}", queries.read_revisions(connection)
        )
        if matches(request.headers.get("If-None-Match"), tag):
            return NoContent, 304, {**_JSON, "ETag": tag}
        rows = queries.list_reports(connection, wanted, limit, after)
        page: dict[str, Any] = {"next_page_token": None}
        if include_total:
            found = queries.count_reports(connection, wanted, _COUNTED_AT_MOST)
            page["total"] = {
                "count": min(found, _COUNTED_AT_MOST),
                "exact": found <= _COUNTED_AT_MOST,
            }
    if len(rows) > limit:
        last = str(rows[limit - 1].id)
        page["next_page_token"] = seal(_OPERATION, caller.tenant_id, bound, last)
    return (
        page | {"items": [_in_json(summary_of(row)) for row in rows[:limit]]},
        200,
        {**_JSON, "ETag": tag},
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _cursor(tenant_id: str, filters: str, page_token: str | None) -> UUID | None:
    if page_token is None:
        return None
    try:
        return UUID(unseal(_OPERATION, tenant_id, filters, page_token))
    except ForeignPageToken as error:
        raise BadRequestProblem(detail="The page token belongs to another query.") from error


def _in_json(report: dict[str, Any]) -> dict[str, Any]:
    """With its time as the contract has it; Flask would write the offset out."""
    return {**report, "created_at": report["created_at"].isoformat().replace("+00:00", "Z")}


def get_report(report_id: str) -> Any:
    caller = _caller(_READERS)
    with transactions.reading(caller.tenant_id) as connection:
        row = queries.get_report(connection, UUID(report_id))
    if row is None:
        raise HTTPException(404, "There is no such report.")
    tag = object_tag(row)
    if matches(request.headers.get("If-None-Match"), tag):
        return NoContent, 304, {**_JSON, "ETag": tag}
    return _in_json(report_of(row, caller.tenant_id)), 200, {**_JSON, "ETag": tag}


def ingest_batch(body: bytes, atomic: bool = False) -> Any:
    caller = _caller(_WRITERS)
    receipt = store_batch(body, caller, request.scope["state"]["request_id"], report_in)
    return receipt, 200, _JSON


def ingest_qc(body: dict[str, Any]) -> Any:
    caller = _caller(_WRITERS)
    values = stored_values(body, caller, request.scope["state"]["request_id"])
    with transactions.writing(caller.tenant_id) as connection:
        duplicate_of = queries.insert_report(connection, values)
    return receipt_of(values, duplicate_of), 201, {**_JSON, "Location": f"/reports/{values['id']}"}
