"""The stock application: `FlaskApp` on the contract in OpenAPI 3.0, responses validated."""

import connexion
from connexion.datastructures import MediaTypeDict
from connexion.middleware import MiddlewarePosition
from connexion.validators import VALIDATOR_MAP
from starlette.types import ASGIApp

from bench.request_log import RequestLog, configure_logging
from bench.stock.batch import LinesBody
from bench.stock.contract import stock_contract

OPERATION_IDS = ("list_reports", "get_report", "ingest_qc", "ingest_batch")
# The type of a body of lines also reads as some kind of JSON, and the first that fits counts.
VALIDATORS = {"body": MediaTypeDict({"application/x-ndjson": LinesBody, **VALIDATOR_MAP["body"]})}


def create_stock() -> ASGIApp:
    configure_logging()
    app = connexion.FlaskApp(__name__)
    app.add_middleware(RequestLog, position=MiddlewarePosition.BEFORE_EXCEPTION)
    app.add_api(
        stock_contract(OPERATION_IDS),
        validate_responses=True,
        strict_validation=True,
        validator_map=VALIDATORS,
    )
    application: ASGIApp = app
    return application
