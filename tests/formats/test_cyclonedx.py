"""The traps of CycloneDX VEX: states, missing analyses, references, and BOMs without any."""

import json
from typing import Any

import pytest

from formats.cyclonedx import translate
from formats.document import MAX_EVALUATIONS, QcDocument
from tests.formats.expectations import evaluations_of, outcomes_of, summary_of
from tests.formats.translating import assert_refused_at, refusal_of, translated_as

Json = dict[str, Any]
UUID = "3e671687-395b-41f5-a30f-a58921a69b79"
OTHER = "cbb2cd68-2857-43b8-a10b-e8c03d277d18"


def vulnerability_of(state: str | None = None, *references: str, **members: object) -> Json:
    analysis = {} if state is None else {"analysis": {"state": state}}
    affects = [{"ref": reference} for reference in references]
    return {"id": "CVE-2026-1", "affects": affects, **analysis, **members}


def bom_of(*vulnerabilities: Json, **members: object) -> Json:
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "vulnerabilities": list(vulnerabilities),
        **members,
    }


def translated(bom: Json) -> QcDocument:
    return translated_as("cyclonedx", json.dumps(bom).encode())


def target_of(reference: str, **bom: object) -> str:
    [evaluation] = evaluations_of(
        translated(bom_of(vulnerability_of("resolved", reference), **bom))
    )
    return evaluation["target"]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("exploitable", "block/block"),
        ("in_triage", "warn/warn"),
        ("resolved", "pass/info"),
        ("resolved_with_pedigree", "pass/info"),
        ("false_positive", "pass/info"),
        ("not_affected", "pass/info"),
    ],
)
def test_state_decides_the_verdict_whatever_the_rating(state: str, expected: str) -> None:
    for severity in ("critical", "none"):
        rated = vulnerability_of(state, "a", ratings=[{"severity": severity}])
        report = translated(bom_of(rated))
        assert outcomes_of(report) == [expected]
        assert summary_of(report)[state] == 1
        assert severity in evaluations_of(report)[0]["message"]


@pytest.mark.parametrize("analysis", [{}, {"analysis": None}, {"analysis": {"detail": "looking"}}])
def test_vulnerability_nobody_analysed_warns_and_is_noted(analysis: Json) -> None:
    report = translated(bom_of(vulnerability_of(None, "a", **analysis)))
    assert outcomes_of(report) == ["warn/warn"]
    assert summary_of(report)["not_analysed"] == 1
    assert report["notes"] == ["1 vulnerability has no analysis and warns."]


@pytest.mark.parametrize("listed", [{}, {"vulnerabilities": []}, {"vulnerabilities": None}])
def test_bom_without_vulnerabilities_judges_nothing_and_says_so(listed: Json) -> None:
    bom = bom_of(metadata={"component": {"name": "shop", "version": "5.1"}})
    del bom["vulnerabilities"]
    report = translated(bom | listed)
    assert report["status"] == {"shop@5.1": "na"}
    assert evaluations_of(report) == []
    assert report["notes"] == ["The BOM lists no vulnerabilities: nothing was judged."]
    assert translated(bom_of())["status"] == {"cyclonedx": "na"}


def test_reference_is_resolved_to_the_name_of_a_component_wherever_it_stands() -> None:
    inner = {"bom-ref": "inner", "group": "org.acme", "name": "core", "version": "2.14.1"}
    outer = {"bom-ref": "outer", "name": "lib", "components": [inner]}
    service = {"bom-ref": "service", "name": "api", "services": [{"bom-ref": "sub", "name": "v2"}]}
    members = {
        "metadata": {"component": {"bom-ref": "root", "name": "shop"}},
        "components": [outer],
        "services": [service],
        "serialNumber": f"urn:uuid:{UUID}",
    }
    assert target_of("inner", **members) == "org.acme/core@2.14.1"
    assert target_of("outer", **members) == "lib"
    assert target_of("sub", **members) == "v2"
    assert target_of("root", **members) == "shop"
    assert target_of(f"urn:cdx:{UUID}/1#inner", **members) == "org.acme/core@2.14.1"
    assert target_of(f"urn:cdx:{OTHER}/1#inner", **members) == "inner"
    assert target_of("unknown", **members) == "unknown"


def test_links_to_two_boms_that_end_alike_are_kept_apart() -> None:
    first, second = f"urn:cdx:{UUID}/1#product%20A", f"urn:cdx:{OTHER}/1#product%20A"
    report = translated(bom_of(vulnerability_of("exploitable", first, second)))
    assert report["status"] == {first: "fail", second: "fail"}
    assert target_of(first) == "product A"


@pytest.mark.parametrize("affects", [{}, {"affects": []}, {"affects": "x"}, {"affects": [{}]}])
def test_vulnerability_that_names_nothing_concerns_the_whole(affects: Json) -> None:
    vulnerability = vulnerability_of("exploitable")
    del vulnerability["affects"]
    metadata = {"component": {"name": "shop"}}
    assert translated(bom_of(vulnerability | affects, metadata=metadata))["status"] == {
        "shop": "fail"
    }
    assert translated(bom_of(vulnerability | affects))["status"] == {"(unnamed component)": "fail"}


def test_worst_state_on_a_component_decides_its_check() -> None:
    report = translated(
        bom_of(vulnerability_of("not_affected", "a"), vulnerability_of("in_triage", "a"))
    )
    assert report["status"] == {"a": "warn"}


def test_versions_are_told_by_their_status_and_without_one_are_only_named() -> None:
    versions = [
        {"version": "2.4", "status": "affected"},
        {"range": "vers:generic/>=2.9"},
        {"version": "2.5", "status": "unaffected"},
        {"version": "2.6", "status": "affected"},
    ]
    vulnerability = vulnerability_of("resolved") | {"affects": [{"ref": "a", "versions": versions}]}
    [evaluation] = evaluations_of(translated(bom_of(vulnerability)))
    assert evaluation["message"] == (
        "resolved\naffected: 2.4, 2.6; versions: vers:generic/>=2.9; unaffected: 2.5"
    )


@pytest.mark.parametrize(
    ("tools", "expected"),
    [
        ([{"vendor": "acme", "name": "scan", "version": "1"}], {"tool": "scan", "version": "1"}),
        ({"components": [{"name": "scan", "version": "2"}]}, {"tool": "scan", "version": "2"}),
        ({"services": [{"name": "scan"}]}, {"tool": "scan"}),
        (None, {"tool": "cyclonedx"}),
    ],
)
def test_source_is_the_first_tool_of_any_version(tools: object, expected: Json) -> None:
    assert translated(bom_of(metadata={"tools": tools}))["source"] == expected


def test_long_detail_shared_by_many_components_is_shortened_once() -> None:
    analysis = {"state": "resolved", "detail": "d" * 4_000_000}
    references = [str(number) for number in range(1_500)]
    bom = bom_of(vulnerability_of(None, *references, analysis=analysis))
    assert len(evaluations_of(translated(bom))) == 1_500


@pytest.mark.parametrize(
    ("bom", "pointer"),
    [
        ({}, "/bomFormat"),
        ({"bomFormat": "SPDX"}, "/bomFormat"),
        ({"bomFormat": "CycloneDX"}, "/specVersion"),
        ({"bomFormat": "CycloneDX", "specVersion": "2.0"}, "/specVersion"),
        (bom_of() | {"vulnerabilities": {}}, "/vulnerabilities"),
        (bom_of() | {"vulnerabilities": [1]}, "/vulnerabilities/0"),
        (bom_of(vulnerability_of("k3y")), "/vulnerabilities/0/analysis/state"),
    ],
)
def test_what_decides_a_verdict_is_read_strictly_and_never_repeated(
    bom: Json, pointer: str
) -> None:
    assert_refused_at(translate, json.dumps(bom).encode(), pointer)


def test_evaluations_over_the_limit_are_refused_by_their_number() -> None:
    bom = bom_of(
        vulnerability_of("resolved", *["a"] * MAX_EVALUATIONS), vulnerability_of("resolved")
    )
    error = refusal_of(translate, json.dumps(bom).encode())
    assert (error.limit, error.actual) == (MAX_EVALUATIONS, MAX_EVALUATIONS + 1)
