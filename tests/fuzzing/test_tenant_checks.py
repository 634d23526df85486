"""Each check that keeps callers apart fails a service that mixes them up."""

from typing import Any

import pytest

from ci.fuzzing import tenant_checks
from ci.fuzzing.requests_and_answers import ask_again
from tests.fuzzing.conftest import (
    KEY,
    NEIGHBOURS_ID,
    NOBODYS_ID,
    CaseMaker,
    Said,
    Served,
    answered,
    problem,
)

_CONTEXT: Any = None
_PATH = "/reports/{report_id}"


@pytest.mark.parametrize(
    "said",
    [
        Said(200, {}, f'{{"items":[{{"id":"{NEIGHBOURS_ID}"}}]}}'.encode()),
        Said(200, {"ETag": f'"{KEY}"'}),
        problem(404, "not-found", detail=f"{NEIGHBOURS_ID} is not yours"),
    ],
)
def test_answer_with_anything_of_the_neighbours_or_a_key_is_found(
    make_case: CaseMaker, said: Said
) -> None:
    case = make_case("GET", "/reports")
    tenant_checks.nothing_of_others_leaks(_CONTEXT, answered(case, problem(404, "x")), case)
    with pytest.raises(AssertionError, match="hidden"):
        tenant_checks.nothing_of_others_leaks(_CONTEXT, answered(case, said), case)


def _asked_for_the_neighbours(
    make_case: CaseMaker, served: Served, said: Said, of_nobodys: Said
) -> None:
    served.respond = lambda method, path, *_: said if NEIGHBOURS_ID in path else of_nobodys
    case = make_case("GET", _PATH, path_parameters={"report_id": NEIGHBOURS_ID})
    response = ask_again(case, answered(case, said, served.url).request)
    tenant_checks.neighbours_things_look_like_nobodys(_CONTEXT, response, case)


def test_neighbours_report_answered_as_nobodys_passes(make_case: CaseMaker, served: Served) -> None:
    other_id = {"headers": {"X-Request-Id": "r2"}, "instance": "urn:request:r2"}
    said, of_nobodys = problem(404, "not-found"), problem(404, "not-found", **other_id)
    _asked_for_the_neighbours(make_case, served, said, of_nobodys)
    assert served.came == [
        ("GET", f"/reports/{NEIGHBOURS_ID}"),
        ("GET", f"/reports/{NOBODYS_ID}"),
    ]


@pytest.mark.parametrize(
    "said",
    [
        problem(403, "forbidden"),
        problem(404, "not-found", detail="It is another tenant's."),
        problem(404, "not-found", headers={"X-Cache": "hit"}),
        Said(200, {}, b"{}"),
    ],
)
def test_neighbours_report_told_from_nobodys_is_found(
    make_case: CaseMaker, served: Served, said: Said
) -> None:
    with pytest.raises(AssertionError, match="told from"):
        _asked_for_the_neighbours(make_case, served, said, problem(404, "not-found"))


def test_request_for_nothing_of_the_neighbours_is_not_repeated(
    make_case: CaseMaker, served: Served
) -> None:
    case = make_case("GET", "/reports")
    response = answered(case, Said(200), served.url)
    tenant_checks.neighbours_things_look_like_nobodys(_CONTEXT, response, case)
    assert served.came == []


def test_role_and_answer_must_agree(make_case: CaseMaker) -> None:
    reading, writing = make_case("GET", "/reports"), make_case("POST", "/ingest/qc", body={})
    check = tenant_checks.roles_are_enforced
    check(_CONTEXT, answered(reading, Said(200)), reading)
    check(_CONTEXT, answered(writing, Said(403)), writing)
    for case, status in ((reading, 403), (reading, 401), (writing, 201), (writing, 422)):
        with pytest.raises(AssertionError):
            check(_CONTEXT, answered(case, Said(status)), case)


def test_request_out_of_the_contract_says_nothing_of_roles(make_case: CaseMaker) -> None:
    case = make_case("POST", "/ingest/qc", fits=False, body={})
    tenant_checks.roles_are_enforced(_CONTEXT, answered(case, Said(422)), case)
