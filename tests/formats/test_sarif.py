"""The traps of SARIF: what level, kind, state and run make of a result."""

import re

import pytest

from formats.document import MAX_EVALUATIONS
from formats.sarif import looks_like, translate
from tests.formats.expectations import evaluations_of, outcomes_of, summary_of
from tests.formats.sarif_logs import Json, log_of, outcome, refusal, result_of, run_of, translated


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("error", "block/block"),
        ("warning", "warn/warn"),
        ("note", "pass/info"),
        ("none", "pass/info"),
    ],
)
def test_level_decides_the_verdict(level: str, expected: str) -> None:
    assert outcome(result_of(level=level)) == expected
    report = translated(run_of(result_of(level=level)))
    assert summary_of(report)[level] == 1
    assert sum(summary_of(report).values()) == 1


@pytest.mark.parametrize("kind", ["pass", "informational", "notApplicable"])
def test_kind_other_than_fail_has_no_level_and_passes(kind: str) -> None:
    rules = [{"id": "R1", "defaultConfiguration": {"level": "error"}}]
    report = translated(run_of(result_of(kind=kind), rules=rules))
    assert outcomes_of(report) == ["pass/info"]
    assert summary_of(report)["none"] == 1
    assert evaluations_of(report)[0]["message"] == f"text [kind: {kind}]"


@pytest.mark.parametrize("kind", ["open", "review"])
def test_kind_that_leaves_the_matter_undecided_warns(kind: str) -> None:
    report = translated(run_of(result_of(kind=kind)))
    assert outcomes_of(report) == ["warn/warn"]
    assert report["notes"] == ["1 result is open or under review and warns."]


def test_level_beside_a_kind_other_than_fail_is_noted_and_not_taken() -> None:
    report = translated(run_of(result_of(kind="pass", level="error")))
    assert outcomes_of(report) == ["pass/info"]
    assert report["notes"] == [
        "1 result states a level beside a kind other than fail; its kind was taken."
    ]
    assert translated(run_of(result_of(kind="pass", level="none")))["notes"] == []


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], "block/block"),
        ([None], "pass/info"),
        (["accepted"], "pass/info"),
        (["accepted", None], "pass/info"),
        (["underReview"], "block/block"),
        (["rejected"], "block/block"),
        (["accepted", "rejected"], "block/block"),
        ([None, "underReview"], "block/block"),
    ],
)
def test_result_is_suppressed_when_no_suppression_is_rejected_or_under_review(
    statuses: list[str | None], expected: str
) -> None:
    suppressions = [{"kind": "external", **({"status": s} if s else {})} for s in statuses]
    report = translated(run_of(result_of(level="error", suppressions=suppressions)))
    assert outcomes_of(report) == [expected]
    suppressed = expected == "pass/info"
    assert summary_of(report)["suppressed"] == suppressed
    assert bool(report["notes"]) == suppressed
    assert summary_of(report)["error"] == 1


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("new", "block/block"),
        ("updated", "block/block"),
        ("unchanged", "pass/info"),
        ("absent", "pass/info"),
    ],
)
def test_result_that_is_not_new_passes(state: str, expected: str) -> None:
    report = translated(run_of(result_of(level="error", baselineState=state)))
    assert outcomes_of(report) == [expected]
    passed = expected == "pass/info"
    assert summary_of(report)["not_new"] == passed
    assert evaluations_of(report)[0]["message"] == (
        f"text [not new: {state}]" if passed else "text"
    )
    assert len(report["notes"]) == passed


def test_several_runs_make_one_check_a_driver_and_name_the_first_as_source() -> None:
    first = run_of(result_of(level="error"))
    second = run_of(result_of(level="note"))
    second["tool"]["driver"]["name"] = "Scanner"
    first["tool"]["driver"] |= {"version": "1.0", "semanticVersion": "1.0.0"}
    report = translated(first, second, run_of(result_of()))
    assert report["status"] == {"Linter": "fail", "Scanner": "pass"}
    assert report["source"] == {"tool": "Linter", "version": "1.0.0"}
    assert report["notes"] == ["Runs of 2 tools; the source names the first."]


def test_run_that_found_nothing_passes_and_run_without_results_is_not_applicable() -> None:
    assert translated(run_of())["status"] == {"Linter": "pass"}
    unscanned = run_of()
    del unscanned["results"]
    report = translated(unscanned)
    assert report["status"] == {"Linter": "na"}
    assert report["notes"] == ["1 run holds no results array: it scanned nothing."]
    assert translated(unscanned, run_of())["status"] == {"Linter": "pass"}


def test_log_without_runs_is_not_applicable() -> None:
    report = translated()
    assert report["status"] == {"sarif": "na"}
    assert report["source"] == {"tool": "sarif"}


def test_run_that_did_not_complete_warns_even_without_results() -> None:
    invocations = [{"executionSuccessful": True}, {"executionSuccessful": False}]
    report = translated(run_of(invocations=invocations))
    assert report["status"] == {"Linter": "warn"}
    assert evaluations_of(report)[0]["rule_id"] == "invocation.executionSuccessful"
    assert outcomes_of(report) == ["warn/warn"]


def test_version_of_a_single_policy_becomes_the_policy_version() -> None:
    one = run_of(policies=[{"name": "House rules", "version": "7"}])
    assert translated(one)["policy"].get("policy_version") == "7"
    two = run_of(policies=[{"version": "7"}, {"version": "8"}])
    assert "policy_version" not in translated(two)["policy"]
    assert "policy_version" not in translated(run_of())["policy"]


def test_byte_order_mark_is_skipped() -> None:
    assert outcomes_of(translate(b"\xef\xbb\xbf" + log_of(run_of(result_of())))) == ["warn/warn"]


@pytest.mark.parametrize(
    ("result", "pointer"),
    [
        ({"level": "critical"}, "/runs/0/results/0/level"),
        ({"level": ["error"]}, "/runs/0/results/0/level"),
        ({"kind": "maybe"}, "/runs/0/results/0/kind"),
        ({"baselineState": "old"}, "/runs/0/results/0/baselineState"),
        ({"suppressions": "all"}, "/runs/0/results/0/suppressions"),
        ({"suppressions": [1]}, "/runs/0/results/0/suppressions/0"),
        ({"suppressions": [{"status": "ok"}]}, "/runs/0/results/0/suppressions/0/status"),
    ],
)
def test_member_that_decides_a_verdict_is_refused_where_the_standard_does_not_know_it(
    result: Json, pointer: str
) -> None:
    error = refusal(log_of(run_of(result_of(**result))))
    assert error.pointer == pointer
    for value in ("critical", "maybe", "old", "all"):
        assert value not in error.detail


@pytest.mark.parametrize(
    ("content", "pointer"),
    [
        (b'{"runs": []}', "/version"),
        (b'{"version": "2.0.0", "runs": []}', "/version"),
        (b'{"version": "2.1.0"}', "/runs"),
        (b'{"version": "2.1.0", "runs": [1]}', "/runs/0"),
        (b'{"version": "2.1.0", "runs": [{"results": []}]}', "/runs/0/tool/driver/name"),
        (log_of(run_of(), {"tool": {"driver": {"name": " "}}}), "/runs/1/tool/driver/name"),
        (log_of({**run_of(), "results": {}}), "/runs/0/results"),
        (log_of({**run_of(), "results": [[]]}), "/runs/0/results/0"),
    ],
)
def test_log_without_the_structure_that_results_stand_in_is_refused(
    content: bytes, pointer: str
) -> None:
    assert refusal(content).pointer == pointer


def test_results_in_external_properties_are_refused_rather_than_lost() -> None:
    run = run_of(externalPropertyFileReferences={"results": [{"location": {"uri": "more"}}]})
    assert refusal(log_of(run_of(), run)).pointer == "/runs/1"
    inline = [{}, {"results": [result_of()]}]
    error = refusal(log_of(run_of(), inlineExternalProperties=inline))
    assert error.pointer == "/inlineExternalProperties/1"


def test_other_properties_in_external_files_are_noted() -> None:
    report = translated(run_of(externalPropertyFileReferences={"artifacts": [{}]}))
    assert report["notes"] == ["1 run keeps properties in other files, which were not read."]


def test_results_of_all_runs_together_are_held_to_the_limit() -> None:
    half = MAX_EVALUATIONS // 2
    run = run_of(*[result_of()] * half)
    assert len(evaluations_of(translate(log_of(run, run)))) == MAX_EVALUATIONS
    error = refusal(log_of(run, run, run_of(result_of(level="not judged before it is counted"))))
    assert (error.limit, error.actual) == (MAX_EVALUATIONS, MAX_EVALUATIONS + 1)
    assert "20001" in error.detail
    assert "Split" in error.detail


def test_incomplete_run_that_passes_the_limit_by_its_own_evaluation_is_refused() -> None:
    run = run_of(*[result_of()] * MAX_EVALUATIONS, invocations=[{"executionSuccessful": False}])
    assert refusal(log_of(run)).actual == MAX_EVALUATIONS + 1


def test_long_rule_id_shared_by_many_results_is_shortened_once_and_noted_once() -> None:
    rules = [{"id": "R" * 5_000_000, "defaultConfiguration": {"level": "error"}}]
    results = [{"ruleIndex": 0, "message": {"text": "text"}}] * 2_000
    report = translate(log_of(run_of(*results, rules=rules)))
    [rule_id] = {item["rule_id"] for item in evaluations_of(report)}
    assert len(rule_id) == 512
    assert report["notes"] == [
        "1 name was over its length limit and ends in ~ and a digest of the whole."
    ]


def test_log_is_recognised_by_its_runs_of_tools() -> None:
    assert looks_like({"version": "2.1.0", "runs": [run_of()]})
    assert looks_like({"version": "2.0.0", "runs": []})
    assert not looks_like({"version": "2.1.0", "runs": [{}]})
    assert not looks_like({"version": "2.1.0", "runs": {}})
    assert not looks_like({"runs": []})


def test_long_text_of_a_rule_shared_by_many_results_is_shortened_before_it_is_copied() -> None:
    text = f"begins{'.' * 4_000_000}ends"
    rules = [{"id": "R1", "fullDescription": {"text": text}}]
    place = {"physicalLocation": {"artifactLocation": {"uri": "a.py"}}}
    result = {"ruleId": "R1", "locations": [place]}
    report = translated(run_of(*[result] * 2_000, rules=rules))
    message = evaluations_of(report)[0]["message"]
    assert message.startswith("a.py: begins..")
    assert message.endswith("..ends")
    assert re.search(r"\[(\d+) characters left out\]", message)
    assert message.count("left out") == 1
    assert report["notes"] == [
        "2000 messages were longer than 8192 characters and are shortened where marked."
    ]
