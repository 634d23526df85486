"""The table from inner errors to problems: complete, and telling nothing of their insides."""

import json
from collections.abc import Iterator

import pytest

from db import errors as database
from handlers import errors as domain
from service.problems import problem_of
from tests.support.contract import document
from tests.support.oracle import check_schema


def _below(kind: type[Exception]) -> Iterator[type[Exception]]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)


_OUR_FAULT = {
    database.DatabaseError,
    database.TransactionFailed,
    database.ConstraintViolated,
    database.AccessRefused,
    database.RoleNotIsolated,
    database.MigrationFailed,
    database.SchemaOutOfDate,
}
_DATABASE = [kind for kind in _below(database.DatabaseError) if kind not in _OUR_FAULT]
_PLAN = (
    document()["components"]["schemas"]["RetentionPlan"].get("examples")
    or [
        example["value"]
        for example in document()["paths"]["/admin/retention/run"]["post"]["responses"]["200"][
            "content"
        ]["application/json"]["examples"].values()
    ]
)[0]
_DOMAIN = [
    domain.ForeignCursor(),
    domain.QueryTooSlow(),
    domain.NotFound(),
    domain.Gone(),
    domain.WrongLink(),
    domain.ExportNotFinished(),
    domain.TooManyExports(3),
    domain.LinkRefused("The link has expired."),
    domain.InvalidValue("query", "/bucket_m", "window", "60", "It must divide the window."),
    domain.Untranslatable("Not a log.", "/runs", "1"),
    domain.NotConfigured("ENCRYPTION_KEYS is not set."),
    domain.RetentionAtWork(),
    domain.PlanOutdated(_PLAN),
    domain.BatchRefused(1, [{"line": 1, "outcome": "valid"}]),
]


def test_no_domain_error_is_left_out_here() -> None:
    assert {type(each) for each in _DOMAIN} == set(_below(domain.DomainError))


@pytest.mark.parametrize("error", _DOMAIN, ids=lambda error: type(error).__name__)
def test_every_domain_error_is_a_problem_of_the_contract(error: Exception) -> None:
    problem = problem_of(error)
    assert problem is not None
    check_schema("/components/schemas/Problem", json.loads(problem.as_bytes("r1")))


@pytest.mark.parametrize("kind", _DATABASE, ids=lambda kind: kind.__name__)
def test_every_database_error_a_caller_can_meet_is_a_problem_of_the_contract(
    kind: type[Exception],
) -> None:
    problem = problem_of(kind())
    assert problem is not None
    document_of_it = json.loads(problem.as_bytes("r1"))
    check_schema("/components/schemas/Problem", document_of_it)
    if problem.status == 503:
        assert problem.headers["Retry-After"].isdigit()


@pytest.mark.parametrize("kind", sorted(_OUR_FAULT, key=str))
def test_our_own_faults_and_unknown_errors_are_not_explained(kind: type[Exception]) -> None:
    assert problem_of(kind("the reason")) is None
    assert problem_of(RuntimeError("the reason")) is None


def test_every_problem_type_is_described_where_it_is_listed() -> None:
    schema = document()["components"]["schemas"]["ProblemType"]
    described = [line.split("`")[1] for line in schema["description"].splitlines() if "`/" in line]
    assert described == schema["enum"]
