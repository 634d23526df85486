"""Metrics as Prometheus itself sees them: by its own checker."""

import json
import subprocess
from pathlib import Path

import httpx2

from tests.e2e.service_process import clean_environment, running, short_folder, wait_until


def _metrics(log: str) -> str | None:
    for line in log.splitlines():
        if '"metrics_served"' in line:
            port = json.loads(line)["port"]
            return httpx2.get(f"http://127.0.0.1:{port}/metrics").raise_for_status().text
    return None


def test_promtool_finds_nothing_to_say_of_a_workers_metrics() -> None:
    with short_folder() as folder:
        settings = clean_environment(COLLECTOR_HOME=str(folder / "home"), DRAIN_SECONDS="0")
        with running("up", settings, Path(folder) / "log") as service:

            def has_run() -> bool:
                return "collector_job_runs_total{" in (_metrics(service.log()) or "")

            wait_until(has_run, "a job to be counted", 120)
            text = _metrics(service.log())
    found = subprocess.run(
        ["promtool", "check", "metrics"],
        input=text,
        text=True,
        capture_output=True,
        check=False,
    )
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")
