"""One line of the log for each request.

What is never in them: keys, query strings, headers, input values, SQL parameters.
"""

from typing import Any

import structlog

from generated.runtime.exchange import RequestRecord
from generated.runtime.problems import Problem
from service.auth import principal_of
from service.failures import frames_of, reason_of

_requests = structlog.get_logger("request")


def log_request(record: RequestRecord) -> None:
    """One line for a finished request; the reason behind a 5xx goes with it."""
    principal = principal_of(record.identities)
    fields: dict[str, Any] = {
        "request_id": record.request_id,
        "method": record.method,
        "operation": record.operation_id,
        "status": record.status,
        "duration_ms": round(record.duration * 1000, 2),
        "tenant": principal.tenant_id if principal else None,
        "key_id": principal.key_id if principal else None,
    }
    if record.failure is not None:
        fields["reason"] = reason_of(record.failure)
    if record.status >= 500 and not isinstance(record.failure, Problem):
        _requests.error("request", **fields, frames=frames_of(record.failure))
    else:
        _requests.info("request", **fields)
