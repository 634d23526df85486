"""Where this program's logs go: JSON lines on standard error.

What is never in them: keys, query strings, headers, input values, SQL parameters.
"""

import io
import logging
from typing import BinaryIO, Final, cast

import orjson
import structlog

from service.log_stream import STANDARD_ERROR, LogStream
from service.settings import LogLevel

_TALKATIVE: Final = (
    "boto3",
    "botocore",
    "connexion",
    "httpx",
    "procrastinate",
    "psycopg",
    "urllib3",
    "uvicorn.access",
)


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
    # They log each request or job in words of their own, input values, arguments and keys included.
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL)
