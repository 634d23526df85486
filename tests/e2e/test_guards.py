"""The two guards find what they are for, say where it is, and pass what is right.

Contracts that must fail are made from `roles/good.yaml` by one edit each, so that a finding can
have one cause only.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.service_process import ROOT, clean_environment

CASES = Path(__file__).parent / "guard_cases"
GOOD = (CASES / "roles" / "good.yaml").read_text()
INGEST = "security: [{ApiKey: [operator, admin], Tenant: []}]"


def run_guard(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "scripts" / name, *arguments],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated files of the case contracts' operations: those of the project."""
    folder = tmp_path_factory.mktemp("generated")
    for name in ("connexion.json", "operations.py"):
        shutil.copy(ROOT / "generated" / name, folder / name)
    return folder


def test_the_projects_own_operations_are_guarded_as_decided() -> None:
    ended = run_guard("check_roles_guard")
    assert ended.returncode == 0, ended.stderr


def test_the_projects_own_clients_leave_filtering_to_the_server() -> None:
    ended = run_guard("check_client_filter")
    assert ended.returncode == 0, ended.stderr


def test_a_contract_guarded_as_decided_passes(generated: Path) -> None:
    ended = run_guard("check_roles_guard", CASES / "roles/good.yaml", "--generated", generated)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize(
    ("before", "after", "line", "message"),
    [
        (INGEST, "responses: {}", 15, "ingest_qc: has no security requirement"),
        (INGEST, "security: []", 15, "ingest_qc: has no security requirement"),
        (INGEST, "security: [{}]", 15, "lets anyone in"),
        (
            INGEST,
            "security: [{ApiKey: [operator, admin], Tenant: []}, {}]",
            15,
            "lets anyone in",
        ),
        (INGEST, "security: [{Tenant: []}]", 15, "alternative without ApiKey"),
        (INGEST, "security: [{ApiKey: [operator, admin]}]", 15, "alternative without Tenant"),
        (INGEST, "security: [{ApiKey: [], Tenant: []}]", 15, "names no role"),
        (
            INGEST,
            "security: [{ApiKey: [operator, root], Tenant: []}]",
            15,
            "unknown roles 'root'",
        ),
        (
            INGEST,
            "security: [{ApiKey: [viewer, operator, admin], Tenant: []}]",
            15,
            "admits viewer; 'ingest' is for admin, operator",
        ),
        (INGEST, "security: [{ApiKey: [admin], Tenant: []}]", 15, "does not admit operator"),
        (
            INGEST,
            "security: [{ApiKey: [operator, admin], Tenant: [], Cookie: []}]",
            15,
            "doesn't know: Cookie",
        ),
        (
            "operationId: get_health, security: []",
            "operationId: get_health, security: [{ApiKey: [viewer], Tenant: []}]",
            5,
            "get_health: is in this script's PUBLIC",
        ),
        ("operationId: ingest_qc", "operationId: ingest_all", 15, "stands in no row"),
        (
            "security: [{BundleToken: []}]",
            "security: [{BundleToken: []}, {ApiKey: [admin], Tenant: []}]",
            56,
            "download_bundle: is in this script's BY_LINK",
        ),
        ("security: [{BundleToken: []}]", "security: []", 56, "in this script's BY_LINK"),
        ("operationId: ingest_qc", "operationId: ingest_all", 1, "ingest_qc is decided on"),
        ("operationId: get_docs,", "operationId: get_page,", 11, "get_page: has no security"),
    ],
)
def test_an_operation_guarded_otherwise_is_named_with_its_line(
    tmp_path: Path, generated: Path, before: str, after: str, line: int, message: str
) -> None:
    contract = tmp_path / "contract.yaml"
    assert before in GOOD
    contract.write_text(GOOD.replace(before, after, 1))
    ended = run_guard("check_roles_guard", contract, "--generated", generated)
    assert ended.returncode == 1
    found = [each for each in ended.stderr.splitlines() if message in each]
    assert found, ended.stderr
    assert found[0].startswith(f"{contract}:{line}: ")


@pytest.mark.parametrize("name", ["connexion.json", "operations.py"])
def test_generated_files_that_guard_otherwise_are_named(
    tmp_path: Path, generated: Path, name: str
) -> None:
    stale = tmp_path / "generated"
    shutil.copytree(generated, stale)
    file = stale / name
    if name == "connexion.json":
        view = json.loads(file.read_text())
        view["paths"]["/ingest/qc"]["post"]["security"] = []
        file.write_text(json.dumps(view))
    else:
        file.write_text(file.read_text().replace('"operator",\n', '"viewer",\n', 1))
    ended = run_guard("check_roles_guard", "--generated", stale)
    assert ended.returncode == 1
    assert f"ingest_qc: has another security in generated {name}" in ended.stderr


def test_a_contract_that_cannot_be_read_is_not_a_pass(tmp_path: Path) -> None:
    broken = tmp_path / "contract.yaml"
    broken.write_text("paths: [")
    assert run_guard("check_roles_guard", broken).returncode == 2
    assert run_guard("check_roles_guard", tmp_path / "missing.yaml").returncode == 2


@pytest.mark.parametrize(
    ("case", "findings"),
    [
        ("bad_comprehension.py", ["7: FILTER"]),
        ("bad_loop.py", ["9: FILTER", "10: FILTER"]),
        ("bad_order.py", ["8: SORT", "9: SORT"]),
        ("bad_page.py", ["7: PAGE"]),
        ("bad_sum.py", ["8: AGGREGATE", "11: AGGREGATE", "12: AGGREGATE"]),
        ("bad_filter_call.py", ["8: FILTER"]),
    ],
)
def test_a_client_that_does_the_servers_work_is_named_with_line_and_rule(
    case: str, findings: list[str]
) -> None:
    path = CASES / "client_filter" / case
    ended = run_guard("check_client_filter", path)
    assert ended.returncode == 1
    lines = ended.stderr.splitlines()
    assert len(lines) == len(findings), ended.stderr
    for line, finding in zip(lines, findings, strict=True):
        assert line.startswith(f"{path}:{finding} ")


def test_a_client_that_only_shows_what_came_passes() -> None:
    ended = run_guard("check_client_filter", CASES / "client_filter" / "good_client.py")
    assert ended.returncode == 0, ended.stderr


def test_commands_without_a_suffix_are_read_too(tmp_path: Path) -> None:
    command = tmp_path / "command"
    bad = (CASES / "client_filter" / "bad_page.py").read_text()
    command.write_text("#!/usr/bin/env python3\n" + bad)
    (tmp_path / "notes").write_text("not Python: [")
    ended = run_guard("check_client_filter", tmp_path)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"{command}:8: PAGE ")


def test_a_client_that_cannot_be_parsed_is_not_a_pass(tmp_path: Path) -> None:
    broken = tmp_path / "client.py"
    broken.write_text("def (")
    assert run_guard("check_client_filter", broken).returncode == 2
