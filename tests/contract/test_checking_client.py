"""The checking client itself: each way in which an answer can break the contract must fail it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2
import pytest

from tests.support.client import check_answer
from tests.support.contract import ContractOperation, operations
from tests.support.examples import ExampleMissing, example_request
from tests.support.oracle import ContractBroken
from tests.support.service import SECRET_MARK, TENANT_MARK


@dataclass(frozen=True, slots=True)
class _Exchange:
    """A request and the answer to it, right unless a case makes it wrong."""

    method: str = "GET"
    target: str = "/timeline?window_h=1"
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(
        default_factory=lambda: {"x-request-id": "r1", "content-type": "application/json"}
    )
    answer: Any = field(
        default_factory=lambda: {
            "window_h": 1,
            "bucket_m": 60,
            "buckets": [
                {"start": "2026-11-20T08:00:00Z", "info": 0, "warn": 0, "block": 0, "total": 0}
            ],
        }
    )

    def check(self) -> None:
        content = b"" if self.answer is None else json.dumps(self.answer).encode()
        response = httpx2.Response(self.status, headers=self.headers, content=content)
        sent = {"X-Tenant": f"{TENANT_MARK}0123456789abcdef"}
        check_answer(self.method, self.target, sent, self.body, response)


def _problem(**changes: Any) -> _Exchange:
    problem = {
        "type": "/problems/invalid-input",
        "title": "Invalid input",
        "status": 422,
        "detail": "1 value does not fit the contract; see errors.",
        "instance": "urn:request:r1",
    }
    headers = {"x-request-id": "r1", "content-type": "application/problem+json"}
    return _Exchange(status=422, headers=headers, answer={**problem, **changes})


def _stored(headers: dict[str, str]) -> _Exchange:
    receipt = {
        "id": "0190a6d2-7c1e-7d3b-9a54-2f6f0c1e8b11",
        "status": "ingested",
        "severity": "info",
    }
    return _Exchange("POST", "/ingest/qc", status=201, headers=headers, answer=receipt)


_GOOD = _Exchange()
_JSON = {"x-request-id": "r1", "content-type": "application/json"}
_WRONG: dict[str, Callable[[], _Exchange]] = {
    "no request id": lambda: replace(_GOOD, headers={"content-type": "application/json"}),
    "media type": lambda: replace(_GOOD, headers={**_JSON, "content-type": "text/html"}),
    "missing field": lambda: replace(_GOOD, answer={"window_h": 1, "bucket_m": 60}),
    "surplus field": lambda: replace(_GOOD, answer={**_GOOD.answer, "more": 1}),
    "bad format": lambda: replace(
        _GOOD, answer={**_GOOD.answer, "buckets": [{**_GOOD.answer["buckets"][0], "start": "now"}]}
    ),
    "undocumented status": lambda: replace(_GOOD, status=202),
    "error that is no problem": lambda: replace(_GOOD, status=422),
    "unknown path": lambda: replace(_GOOD, target="/nowhere"),
    "content with 304": lambda: replace(_GOOD, status=304),
    "body after HEAD": lambda: replace(_GOOD, method="HEAD"),
    "missing required header": lambda: _stored(_JSON),
    "header that breaks its schema": lambda: _stored(
        {**_JSON, "location": "/reports/1", "idempotency-replayed": "yes"}
    ),
    "unknown problem type": lambda: _problem(type="/problems/oops"),
    "status beside the problem's": lambda: _problem(status=400),
    "instance of another request": lambda: _problem(instance="urn:request:r2"),
    "problem without detail": lambda: _problem(detail=None),
    "401 without a challenge": lambda: replace(
        _problem(status=401, type="/problems/unauthenticated"), status=401
    ),
    "503 without Retry-After": lambda: replace(
        _problem(status=503, type="/problems/unavailable"), status=503
    ),
    "405 without Allow": lambda: replace(
        _problem(status=405, type="/problems/method-not-allowed"), status=405, method="PUT"
    ),
    "internal error": lambda: replace(
        _problem(status=500, type="/problems/internal-error"), status=500
    ),
    "repeated query value": lambda: replace(
        _problem(detail="stream fluffy-kitten is bad"), target="/timeline?stream=fluffy-kitten"
    ),
    "repeated body value": lambda: replace(
        _problem(detail="fluffy-kitten is no status"), body=b'{"status":{"api":"fluffy-kitten"}}'
    ),
    "repeated body key": lambda: replace(
        _problem(detail="/status/fluffy-kitten"), body=b'{"status":{"fluffy-kitten":1}}'
    ),
    "API key": lambda: _problem(detail=f"{SECRET_MARK}00 is unknown"),
    "another tenant": lambda: _problem(detail=f"belongs to {TENANT_MARK}fedcba9876543210"),
}


@pytest.mark.parametrize("case", _WRONG)
def test_wrong_answer_fails_the_client(case: str) -> None:
    with pytest.raises(ContractBroken):
        _WRONG[case]().check()


@pytest.mark.parametrize(
    "right",
    [
        _GOOD,
        _problem(),
        _stored({**_JSON, "location": "/reports/1"}),
        replace(_GOOD, method="HEAD", answer=None),
        replace(_GOOD, status=304, headers={"x-request-id": "r1"}, answer=None),
        _problem(detail=f"{TENANT_MARK}0123456789abcdef is your own"),
    ],
    ids=["answer", "problem", "receipt", "head", "not modified", "own tenant"],
)
def test_right_answer_passes_the_client(right: _Exchange) -> None:
    right.check()


def test_new_operation_without_an_example_is_told_what_to_add() -> None:
    known = operations()["get_report"]
    parameters = [{"name": "wing_id", "in": "path", "required": True, "schema": {}}]
    new = ContractOperation(
        "get_wing", "GET", "/wings/{wing_id}", known.roles, {"parameters": parameters}
    )
    with pytest.raises(ExampleMissing, match="operation get_wing: give parameter wing_id an"):
        example_request(new)
    bodies: dict[str, Any] = {"requestBody": {"content": {"application/json": {}}}}
    with pytest.raises(ExampleMissing, match="give a media type of its request body"):
        example_request(ContractOperation("make_wing", "POST", "/wings", known.roles, bodies))
