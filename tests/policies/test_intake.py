"""Severity, counts and contradictions of a report, by the contract's own words."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.intake import (
    CheckStatus,
    Counts,
    Decision,
    Judgement,
    Severity,
    Verdict,
    decide,
)

_TARGETS = ("api", "jwks", "ics")
_RANK = {"info": 0, "warn": 1, "block": 2}

_verdicts = st.sampled_from(("pass", "warn", "block"))
_severities = st.sampled_from(("info", "warn", "block"))
_judgements = st.tuples(st.sampled_from(_TARGETS), _verdicts, _severities)
_statuses = st.dictionaries(
    st.sampled_from((*_TARGETS, "unnamed")), st.sampled_from(("pass", "warn", "fail", "na"))
)


@pytest.mark.parametrize(
    ("evaluations", "severity"),
    [
        ([("api", "pass", "info")], "info"),
        ([("api", "pass", "block")], "info"),
        ([("api", "warn", "info")], "warn"),
        ([("api", "warn", "warn")], "warn"),
        ([("api", "warn", "block")], "block"),
        ([("api", "block", "info")], "block"),
        ([("api", "block", "warn")], "block"),
        ([("api", "pass", "block"), ("api", "warn", "info")], "warn"),
        ([("api", "block", "block"), ("api", "pass", "info")], "block"),
        ([("api", "warn", "warn"), ("jwks", "block", "info")], "block"),
    ],
)
def test_severity_is_the_worst_of_severity_and_verdict_where_the_verdict_is_not_pass(
    evaluations: list[Judgement], severity: str
) -> None:
    assert decide({}, evaluations).severity == severity


@pytest.mark.parametrize(
    ("status", "severity"),
    [
        ({}, "info"),
        ({"api": "na"}, "info"),
        ({"api": "pass", "ics": "na"}, "info"),
        ({"api": "pass", "ics": "warn"}, "warn"),
        ({"api": "fail", "ics": "warn"}, "block"),
    ],
)
def test_severity_follows_status_when_there_are_no_evaluations(
    status: dict[str, CheckStatus], severity: Severity
) -> None:
    assert decide(status, []) == Decision(severity, Counts(0, 0, 0), 0)


def test_status_does_not_raise_severity_once_there_are_evaluations() -> None:
    decision = decide({"api": "fail", "other": "fail"}, [("api", "pass", "info")])
    assert decision == Decision("info", Counts(1, 0, 0), 1)


@pytest.mark.parametrize("stated", ["pass", "warn", "fail", "na"])
@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["pass", "pass"], "pass"),
        (["warn", "pass"], "warn"),
        (["pass", "warn", "block", "warn"], "fail"),
        (["block", "pass"], "fail"),
    ],
)
def test_check_contradicts_when_it_is_not_what_its_verdicts_come_to(
    stated: CheckStatus, verdicts: list[Verdict], expected: str
) -> None:
    judged: list[Judgement] = [("api", verdict, "info") for verdict in verdicts]
    assert decide({"api": stated}, judged).inconsistencies == (stated != expected)


def test_severity_of_an_evaluation_does_not_make_its_check_contradict() -> None:
    assert decide({"api": "warn"}, [("api", "warn", "block")]).inconsistencies == 0


def test_checks_without_evaluations_and_targets_that_are_no_check_do_not_contradict() -> None:
    decision = decide({"unnamed": "fail", "other": "na"}, [("api", "block", "block")])
    assert decision.inconsistencies == 0


@given(_statuses, st.lists(_judgements))
def test_decision_agrees_with_the_rule_written_out(
    status: dict[str, CheckStatus], evaluations: list[Judgement]
) -> None:
    decision = decide(status, iter(evaluations))
    counts = decision.counts
    verdicts = [verdict for _, verdict, _ in evaluations]
    assert (counts.pass_, counts.warn, counts.block) == (
        verdicts.count("pass"),
        verdicts.count("warn"),
        verdicts.count("block"),
    )
    bad = {
        word
        for _, verdict, severity in evaluations
        if verdict != "pass"
        for word in (verdict, severity)
    }
    if evaluations:
        expected = "block" if "block" in bad else "warn" if "warn" in bad else "info"
    else:
        values = set(status.values())
        expected = "block" if "fail" in values else "warn" if "warn" in values else "info"
    assert decision.severity == expected
    contradictions = 0
    for check, value in status.items():
        on_check = {verdict for target, verdict, _ in evaluations if target == check}
        if on_check:
            right = "fail" if "block" in on_check else "warn" if "warn" in on_check else "pass"
            contradictions += value != right
    assert decision.inconsistencies == contradictions


@given(_statuses, st.lists(_judgements, min_size=1), _judgements)
def test_one_more_evaluation_never_lowers_severity(
    status: dict[str, CheckStatus], evaluations: list[Judgement], added: Judgement
) -> None:
    before = _RANK[decide(status, evaluations).severity]
    assert _RANK[decide(status, [*evaluations, added]).severity] >= before


@given(
    _statuses, st.lists(_judgements).flatmap(lambda js: st.tuples(st.just(js), st.permutations(js)))
)
def test_order_of_evaluations_does_not_matter(
    status: dict[str, CheckStatus], both: tuple[list[Judgement], list[Judgement]]
) -> None:
    assert decide(status, both[0]) == decide(status, both[1])


def test_cost_grows_as_the_evaluations_do() -> None:
    def cost(targets: int) -> float:
        evaluations: list[Judgement] = [
            (f"target-{n % targets}", "warn", "info") for n in range(10 * targets)
        ]
        status: dict[str, CheckStatus] = {f"target-{n}": "warn" for n in range(targets)}
        began = time.process_time()
        assert decide(status, evaluations) == Decision("warn", Counts(0, 10 * targets, 0), 0)
        return time.process_time() - began

    few, many = (min(cost(targets) for _ in range(3)) for targets in (100, 2_000))
    # Twenty times as many; it would be some four hundred times if each were looked for in all.
    assert many < 100 * few
