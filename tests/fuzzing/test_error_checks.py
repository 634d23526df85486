"""Each check of errors passes what the service should say and fails what it must not."""

import json
from typing import Any

import pytest

from ci.fuzzing import error_checks
from tests.fuzzing.conftest import CANARY, CaseMaker, Said, answered, problem

_CONTEXT: Any = None
_SENT = "a-quite-unlikely-value"
_LINES = "application/x-ndjson"


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_failure_of_ours_is_found(make_case: CaseMaker, status: int) -> None:
    case = make_case("GET", "/health")
    error_checks.no_error_is_our_fault(_CONTEXT, answered(case, Said(429)), case)
    with pytest.raises(AssertionError, match="failed"):
        error_checks.no_error_is_our_fault(_CONTEXT, answered(case, Said(status)), case)


@pytest.mark.parametrize(
    "said",
    [
        problem(404, "not-found"),
        problem(401, "unauthenticated", headers={"WWW-Authenticate": "ApiKey"}),
        problem(409, "request-in-progress", headers={"Retry-After": "1"}),
        Said(200, {"Content-Type": "text/html"}, b"no error at all"),
    ],
)
def test_problem_as_the_contract_has_it_passes(make_case: CaseMaker, said: Said) -> None:
    case = make_case("GET", "/reports")
    error_checks.errors_are_problems(_CONTEXT, answered(case, said), case)


@pytest.mark.parametrize(
    "said",
    [
        problem(404, "not-found", headers={"Content-Type": "application/json"}),
        Said(404, problem(404, "not-found").headers, b"<html>"),
        Said(404, problem(404, "not-found").headers, b""),
        problem(404, "never-heard-of"),
        problem(404, "forbidden"),
        problem(404, "not-found", status=400),
        problem(404, "not-found", title=None),
        problem(404, "not-found", instance="urn:request:another"),
        problem(404, "not-found", stack="at line 1"),
        problem(401, "unauthenticated"),
        problem(405, "method-not-allowed"),
        problem(409, "request-in-progress"),
        problem(409, "request-in-progress", headers={"Retry-After": "soon"}),
    ],
)
def test_error_that_is_no_such_problem_is_found(make_case: CaseMaker, said: Said) -> None:
    case = make_case("GET", "/reports")
    with pytest.raises(AssertionError):
        error_checks.errors_are_problems(_CONTEXT, answered(case, said), case)


@pytest.mark.parametrize(
    "parts",
    [
        {"query": {"stream": _SENT}},
        {"query": {_SENT: "1"}},
        {"query": {"limit": 12345678901}},
        {"headers": {"If-None-Match": _SENT}},
        {"cookies": {"session": _SENT}},
    ],
)
def test_value_of_the_request_in_an_error_is_found(
    make_case: CaseMaker, parts: dict[str, Any]
) -> None:
    case = make_case("GET", "/reports", fits=False, **parts)
    error_checks.errors_repeat_no_input(
        _CONTEXT, answered(case, problem(422, "invalid-input", instance=_SENT)), case
    )
    for said in (
        problem(422, "invalid-input", detail=f"{_SENT} and 12345678901 are wrong"),
        problem(422, "invalid-input", headers={"X-Reason": f"{_SENT} 12345678901"}),
    ):
        with pytest.raises(AssertionError, match="repeats"):
            error_checks.errors_repeat_no_input(_CONTEXT, answered(case, said), case)


def test_value_deep_in_a_body_and_its_names_are_found_in_an_error(make_case: CaseMaker) -> None:
    case = make_case("POST", "/ingest/qc", body={"notes": [{_SENT: [98765432.1]}]})
    for told in (_SENT, "98765432.1"):
        said = problem(422, "invalid-input", errors=[{"in": "body", "pointer": f"/notes/0/{told}"}])
        with pytest.raises(AssertionError, match="repeats"):
            error_checks.errors_repeat_no_input(_CONTEXT, answered(case, said), case)


def test_words_of_ours_and_short_ones_may_stand_in_an_error(make_case: CaseMaker) -> None:
    case = make_case("GET", "/reports", query={"severity": "block", "since": "a", "limit": 4096})
    said = problem(422, "invalid-input", detail="severity: block; a limit of 4096")
    error_checks.errors_repeat_no_input(_CONTEXT, answered(case, said), case)


def test_canary_in_an_error_is_found_and_in_a_report_it_belongs(make_case: CaseMaker) -> None:
    case = make_case("GET", "/reports")
    check = error_checks.canaries_never_come_back_in_errors
    check(_CONTEXT, answered(case, Said(200, {}, CANARY.encode())), case)
    for said in (
        problem(404, "not-found", detail=f"no {CANARY}12"),
        problem(404, "not-found", headers={"Location": f"/{CANARY}12"}),
    ):
        with pytest.raises(AssertionError, match="canary"):
            check(_CONTEXT, answered(case, said), case)


def test_value_and_canary_in_the_problem_of_a_batchs_line_are_found(make_case: CaseMaker) -> None:
    case = make_case("POST", "/ingest/qc/batch", body=[{"stream": _SENT}], media_type=_LINES)
    for detail, check in (
        (f"{_SENT} is wrong", error_checks.errors_repeat_no_input),
        (f"{CANARY}1 is wrong", error_checks.canaries_never_come_back_in_errors),
    ):
        for outcome in ("refused", "created"):
            told: dict[str, Any] = {"line": 1, "outcome": outcome}
            told |= {"problem": {"detail": detail}} if outcome == "refused" else {"id": detail}
            said = Said(200, {}, json.dumps({"outcomes": [told]}).encode())
            if outcome == "created":
                check(_CONTEXT, answered(case, said), case)
                continue
            with pytest.raises(AssertionError):
                check(_CONTEXT, answered(case, said), case)
