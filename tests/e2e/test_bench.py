"""The benchmarks run end to end and find every answer right; how fast is not asked."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.processes import BenchError, environment, serving
from tests.e2e.service_process import ROOT

LIMIT_SECONDS = 180
OPERATIONS = [
    "list 50 reports",
    "list 50 by severity",
    "list 50 by stream",
    "get one report",
    "list 50, not modified",
    "ingest one report",
]
SERVERS = ("ours", "fastapi", "connexion", "bare", "pgbench")


def _run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _first_cells(table: str) -> list[str]:
    lines = [line for line in table.splitlines() if line.startswith("| ")]
    return [line.split(" | ")[0].removeprefix("| ") for line in lines]


def test_a_quick_run_ends_without_a_wrong_answer_and_prints_its_tables(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    printed = _run("bench", "--quick", "--json", str(figures))
    rates, times = printed.split("\n\n")[:2]
    assert _first_cells(rates) == ["requests a second", "---", *OPERATIONS]
    assert _first_cells(times) == ["milliseconds", "---", *OPERATIONS]
    found = json.loads(figures.read_text())
    measured = {(each["workload"], each["subject"]) for each in found["measurements"]}
    assert measured >= {(name, server) for name in OPERATIONS for server in SERVERS}
    assert all(each["figures"]["errors"] == 0 for each in found["measurements"])
    assert all(each["figures"]["answered"] > 0 for each in found["measurements"])


def test_what_the_journal_costs_is_measured_and_all_of_it_sealed() -> None:
    options = ("--rounds", "1", "--seconds", "0.3", "--lines", "50", "--reports", "500")
    printed = _run("bench.journal", *options)
    assert _first_cells(printed) == [
        "reports a second",
        "---",
        "ingest one report",
        "batch of 50",
    ]


def test_a_peer_that_cannot_be_made_is_told_by_its_name_and_log(tmp_path: Path) -> None:
    (tmp_path / "flask.py").write_text("raise ImportError('no Flask is installed')\n")
    settings = environment("postgresql://unused", pool_size=1)
    settings["PYTHONPATH"] = f"{tmp_path}{os.pathsep}{ROOT}"
    with (
        pytest.raises(BenchError, match=r"(?s)connexion did not start:.*create_stock"),
        serving("connexion", settings, tmp_path),
    ):
        pass


def test_a_run_at_two_sizes_finds_every_page(tmp_path: Path) -> None:
    options = ("--rounds", "1", "--requests", "3", "--ingest-seconds", "0.3", "--lines", "50")
    figures = tmp_path / "figures.json"
    printed = _run("bench.scale", "--sizes", "10000,20000", *options, "--json", str(figures))
    latencies, growth = printed.split("\n\n")[:2]
    asked = json.loads(figures.read_text())["asked"]
    questions = [each["question"]["name"] for each in asked if each["size"] == 10000]
    assert len(_first_cells(latencies)) == len(questions) + 2
    assert all(each["times"] for each in asked)
    assert "MB a million reports: all" in _first_cells(growth)
