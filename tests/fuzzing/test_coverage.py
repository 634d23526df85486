"""A run that reached too little of the contract is told what it left out."""

from collections import Counter
from dataclasses import replace

import pytest
from tracecov import CoverageMap

from ci.fuzzing import counted, coverage
from ci.fuzzing.coverage import coverage_findings
from ci.fuzzing.tallies import Tallied
from tests.support.contract import ROOT, document, operations


@pytest.fixture(scope="module")
def whole() -> Tallied:
    """A run as admin that saw every documented status and problem type but the explained ones."""
    statuses: Counter[tuple[str, int]] = Counter()
    for operation in operations().values():
        for status in operation.node["responses"]:
            if (operation.id, status) not in coverage.UNSEEN_STATUSES:
                statuses[operation.id, 422 if status == "default" else int(status)] = 1
    slugs = document()["components"]["schemas"]["ProblemType"]["enum"]
    problems = Counter(
        name for name in slugs if name.removeprefix("/problems/") not in coverage.UNSEEN_PROBLEMS
    )
    return Tallied(
        role="admin",
        statuses=statuses,
        beside=Counter(),
        phases=Counter(fuzzing=1),
        problems=problems,
        transitions=Counter(link=1),
        counted=Counter(counted.ALL),
        counts=CoverageMap.from_path(ROOT / "openapi.yaml").export_counts(),
    )


def test_run_that_saw_everything_has_no_findings(whole: Tallied) -> None:
    assert coverage_findings([whole]) == []


def _without(counter: Counter[tuple[str, int]], *keys: tuple[str, int]) -> Counter[tuple[str, int]]:
    return Counter({key: times for key, times in counter.items() if key not in keys})


def test_operation_that_never_went_well_for_a_role_is_named(whole: Tallied) -> None:
    left = _without(whole.statuses, ("ingest_qc", 201))
    assert "ingest_qc never went well as admin" in coverage_findings(
        [replace(whole, statuses=left)]
    )
    viewer = replace(whole, role="viewer", statuses=left)
    assert not any("as viewer" in found for found in coverage_findings([whole, viewer]))


def test_documented_status_that_was_never_seen_is_named(whole: Tallied) -> None:
    gone = (("list_reports", 304), ("get_docs", 422))
    found = coverage_findings([replace(whole, statuses=_without(whole.statuses, *gone))])
    assert found == [
        "get_docs never answered with default",
        "list_reports never answered with 304",
    ]
    beside = replace(
        whole, statuses=_without(whole.statuses, *gone), beside=Counter(dict.fromkeys(gone, 1))
    )
    assert coverage_findings([beside]) == []


def test_reason_that_is_none_any_more_is_named(whole: Tallied) -> None:
    seen = whole.statuses + Counter({("get_health", 503): 1})
    [found] = coverage_findings([replace(whole, statuses=seen)])
    assert "strike it" in found


def test_problem_type_that_was_never_seen_is_named(whole: Tallied) -> None:
    left = Counter(dict(whole.problems))
    del left["/problems/forbidden"]
    assert coverage_findings([replace(whole, problems=left)]) == [
        "no answer was a /problems/forbidden"
    ]


def test_check_that_never_had_anything_to_check_is_named(whole: Tallied) -> None:
    left = Counter(dict(whole.counted))
    del left[counted.REPLAYED]
    found = coverage_findings([replace(whole, counted=left, transitions=Counter())])
    assert found == [f"never happened: {counted.REPLAYED}", "no link of the contract was followed"]
