"""The stock application: `FlaskApp` on the contract in OpenAPI 3.0, responses validated."""

import connexion
from connexion.middleware import MiddlewarePosition
from starlette.types import ASGIApp

from bench.request_log import RequestLog, configure_logging
from bench.stock.contract import stock_contract

OPERATION_IDS = ("list_reports", "get_report", "ingest_qc")


def create_stock() -> ASGIApp:
    configure_logging()
    app = connexion.FlaskApp(__name__)
    app.add_middleware(RequestLog, position=MiddlewarePosition.BEFORE_EXCEPTION)
    app.add_api(
        stock_contract(OPERATION_IDS),
        validate_responses=True,
        strict_validation=True,
    )
    application: ASGIApp = app
    return application
