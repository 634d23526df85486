"""Structured logs: JSON lines on standard error, one a request.

What is never in them: keys, query strings, headers, input values, SQL parameters.
"""

import io
import logging
from typing import Any, BinaryIO, cast

import orjson
import structlog

from generated.runtime.exchange import RequestRecord
from generated.runtime.problems import Problem
from service.auth import principal_of
from service.log_stream import STANDARD_ERROR, LogStream
from service.settings import LogLevel

_requests = structlog.get_logger("request")


def configure_logging(level: LogLevel) -> None:
    """Sends this program's and its libraries' logs to standard error as JSON lines."""
    stream = LogStream(STANDARD_ERROR)
    timestamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            timestamp,
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # One line a request: written as bytes, past the standard library's logging.
        logger_factory=structlog.BytesLoggerFactory(cast(BinaryIO, stream)),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(
        io.TextIOWrapper(cast(BinaryIO, stream), "utf-8", "replace", write_through=True)
    )
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_log_level, timestamp],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # Connexion and uvicorn log each request in words of their own, input values included.
    for name in ("connexion", "uvicorn.access", "httpx"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


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
        fields["reason"] = _reason(record.failure)
    if record.status >= 500 and not isinstance(record.failure, Problem):
        _requests.error("request", **fields, frames=_frames(record.failure))
    else:
        _requests.info("request", **fields)


def _reason(failure: BaseException) -> str:
    """What failed, by type; only our own messages are known to hold no input."""
    if isinstance(failure, Problem):
        return failure.slug
    ours = type(failure).__module__.split(".")[0] in ("db", "handlers")
    return f"{type(failure).__name__}: {failure}" if ours else type(failure).__name__


def _frames(failure: BaseException | None) -> list[str]:
    """Where it failed, innermost last, without the values that a traceback's message may hold."""
    frames = []
    traceback = failure.__traceback__ if failure else None
    while traceback is not None:
        code = traceback.tb_frame.f_code
        frames.append(f"{code.co_filename.rsplit('/', 2)[-1]}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    return frames[-8:]
