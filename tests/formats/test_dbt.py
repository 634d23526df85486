"""The traps of dbt: tests that never ran, skipped nodes, variables, and its schemas' versions."""

import json
from typing import Any

import pytest

from formats.dbt import translate
from formats.document import MAX_CHECKS, MAX_EVALUATIONS, QcDocument
from formats.registry import detect
from tests.formats.expectations import evaluations_of, outcomes_of, sample, summary_of
from tests.formats.translating import assert_refused_at, refusal_of, translated_as

Json = dict[str, Any]


def node_of(status: str, unique_id: str = "model.shop.orders", **members: object) -> Json:
    return {"unique_id": unique_id, "status": status, **members}


def results_of(*results: Json, version: str = "v6", **members: object) -> bytes:
    schema = f"https://schemas.getdbt.com/dbt/run-results/{version}.json"
    metadata = {"dbt_schema_version": schema, "dbt_version": "1.10.0"}
    return json.dumps({"metadata": metadata, "results": results, **members}).encode()


def translated(*results: Json, **members: Any) -> QcDocument:
    return translated_as("dbt", results_of(*results, **members))


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("success", "pass/info"),
        ("pass", "pass/info"),
        ("warn", "warn/warn"),
        ("partial success", "warn/warn"),
        ("fail", "block/block"),
        ("error", "block/block"),
        ("runtime error", "block/block"),
    ],
)
def test_status_decides_the_verdict(status: str, expected: str) -> None:
    report = translated(node_of(status))
    assert outcomes_of(report) == [expected]
    assert summary_of(report)[status] == 1


@pytest.mark.parametrize("status", ["skipped", "no-op", "reused"])
def test_node_that_did_not_run_is_not_applicable_and_noted(status: str) -> None:
    report = translated(node_of(status), node_of("pass", "test.shop.unique_id.0123456789"))
    assert report["status"] == {"orders": "na", "unique_id": "pass"}
    assert len(report["notes"]) == 1
    assert summary_of(report)[status] == 1


@pytest.mark.parametrize(
    "args",
    [
        {"which": "generate"},
        {"which": "compile"},
        {"rpc_method": "docs.generate"},
        {"which": "show"},
    ],
)
def test_command_that_compiles_only_ran_nothing(args: Json) -> None:
    report = translated(
        node_of("success"), node_of("success", "test.shop.unique_id.0123456789"), args=args
    )
    assert report["status"] == {"orders": "na", "unique_id": "na"}
    assert evaluations_of(report) == []
    assert report["notes"] == ["2 nodes were only compiled and did not run."]
    assert (summary_of(report)["success"], summary_of(report)["compiled"]) == (0, 2)


@pytest.mark.parametrize("args", [None, {}, {"which": "build"}])
@pytest.mark.parametrize("kind", ["test", "unit_test"])
def test_test_that_reads_success_never_ran_whatever_the_command(
    args: Json | None, kind: str
) -> None:
    report = translated(node_of("success", f"{kind}.shop.total"), node_of("success"), args=args)
    assert report["status"] == {"total": "na", "orders": "pass"}


def test_error_of_a_command_that_compiles_only_blocks_all_the_same() -> None:
    report = translated(node_of("error", message="Compilation Error"), args={"which": "compile"})
    assert report["status"] == {"orders": "fail"}
    assert evaluations_of(report)[0]["message"] == "error: Compilation Error"


def test_real_results_written_by_docs_generate_judge_nothing() -> None:
    root = json.loads(sample("dbt_run_results_v4.json"))
    root["args"]["which"] = "generate"
    root["results"] = [{**each, "status": "success"} for each in root["results"]]
    report = translated_as("dbt", json.dumps(root).encode())
    assert set(report["status"].values()) == {"na"}


def test_arguments_and_the_environment_are_not_kept() -> None:
    content = json.loads(results_of(node_of("pass")))
    content["args"] = {"which": "test", "vars": "{api_key: s3cret}", "invocation_command": "s3cret"}
    content["metadata"]["env"] = {"DBT_TOKEN": "s3cret"}
    content["results"][0] |= {"compiled_code": "s3cret", "adapter_response": {"_message": "s3cret"}}
    assert "s3cret" not in json.dumps(translate(json.dumps(content).encode()))


@pytest.mark.parametrize(
    ("unique_id", "target"),
    [
        ("model.shop.orders", "orders"),
        ("model.shop.orders.v2", "orders.v2"),
        ("test.shop.unique_orders_id.fed79b3a6e", "unique_orders_id"),
        ("test.shop.singular", "singular"),
        ("unit_test.shop.orders.adds_up", "orders.adds_up"),
        ("model.shop.fed79b3a6e", "fed79b3a6e"),
        ("odd", "odd"),
        ("", "(no unique_id)"),
    ],
)
def test_target_is_the_nodes_name(unique_id: str, target: str) -> None:
    report = translated(node_of("pass", unique_id))
    assert list(report["status"]) == [target]
    assert evaluations_of(report)[0]["rule_id"] == unique_id or not unique_id


def test_failures_are_told_where_there_is_no_message() -> None:
    report = translated(node_of("fail", failures=2), node_of("warn", message=7, failures=1))
    messages = [item["message"] for item in evaluations_of(report)]
    assert messages == ["fail: 2 rows fail", "warn: 1 row fails"]


@pytest.mark.parametrize("version", ["v1", "v2", "v3", "v4", "v5", "v6"])
def test_each_schema_from_v1_to_v6_is_taken(version: str) -> None:
    assert outcomes_of(translated(node_of("fail"), version=version)) == ["block/block"]


@pytest.mark.parametrize("version", ["v0", "v7", "v60"])
def test_another_schema_is_recognised_and_refused(version: str) -> None:
    content = results_of(node_of("pass"), version=version)
    assert detect(content) == "dbt"
    error = refusal_of(translate, content)
    assert "v1 to v6" in error.detail
    assert error.pointer == "/metadata/dbt_schema_version"


def test_run_of_nothing_is_not_applicable() -> None:
    assert translated()["status"] == {"dbt": "na"}


@pytest.mark.parametrize(
    ("content", "pointer"),
    [
        (b"{}", "/metadata/dbt_schema_version"),
        (results_of({"status": "k3y"}), "/results/0/status"),
        (results_of({"unique_id": "model.a.b"}), "/results/0/status"),
        (results_of(node_of("pass")).replace(b'"results": [', b'"results": [1, '), "/results/0"),
    ],
)
def test_what_decides_a_verdict_is_read_strictly_and_never_repeated(
    content: bytes, pointer: str
) -> None:
    assert_refused_at(translate, content, pointer)


def _nodes_of(count: int) -> list[Json]:
    nodes = [node_of("pass", f"test.shop.t{n}.0123456789") for n in range(count - 2)]
    return [*nodes, node_of("success", "model.shop.m"), node_of("error", "model.other.n")]


def test_more_nodes_than_checks_are_grouped_by_type_and_package_and_none_is_lost() -> None:
    assert len(translated(*_nodes_of(MAX_CHECKS))["status"]) == MAX_CHECKS
    report = translated(*_nodes_of(MAX_CHECKS + 1))
    assert report["status"] == {"test.shop": "pass", "model.shop": "pass", "model.other": "fail"}
    assert len({item["rule_id"] for item in evaluations_of(report)}) == MAX_CHECKS + 1
    assert len(report["notes"]) == 1


def test_results_over_the_limit_are_refused_by_their_number() -> None:
    error = refusal_of(translate, results_of(*_nodes_of(MAX_EVALUATIONS + 1)))
    assert (error.limit, error.actual) == (MAX_EVALUATIONS, MAX_EVALUATIONS + 1)
