"""The benchmark runs end to end and finds every answer right; how fast is not asked."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.e2e.service_process import ROOT

LIMIT_SECONDS = 180
OPERATIONS = ("list 50 reports", "list 50, not modified", "ingest one report")
SERVERS = ("ours", "peer", "bare")


def test_a_quick_run_ends_without_a_wrong_answer_and_prints_its_table(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--json", str(figures)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = [line.split(" | ") for line in done.stdout.splitlines() if line.startswith("| ")]
    assert [row[0].removeprefix("| ") for row in rows] == ["operation", "---", *OPERATIONS]
    assert {len(row) for row in rows} == {9}
    found = json.loads(figures.read_text())
    measured = {(each["workload"], each["server"]) for each in found["measurements"]}
    assert measured == {(operation, server) for operation in OPERATIONS for server in SERVERS}
    assert all(each["figures"]["errors"] == 0 for each in found["measurements"])
    assert all(each["figures"]["answered"] > 0 for each in found["measurements"])
