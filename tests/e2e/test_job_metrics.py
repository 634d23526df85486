"""What a worker tells of jobs: metrics on a port of its own, and which are stuck."""

import re
import socket
from pathlib import Path

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from db import access
from tests.e2e.service_process import run_collector, wait_until
from tests.e2e.worker_process import (
    TENANT,
    WorkerProcess,
    enqueue_jobs,
    make_effects_table,
    worker,
    worker_environment,
)
from tests.support.database import TestDatabase

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture
def database(own_database: TestDatabase) -> TestDatabase:
    make_effects_table(own_database)
    return own_database


def _text(process: WorkerProcess) -> str:
    wait_until(lambda: bool(process.events("metrics_served")), "metrics")
    [served] = process.events("metrics_served")
    return httpx2.get(f"http://127.0.0.1:{served['port']}/metrics").raise_for_status().text


def _samples(process: WorkerProcess) -> Samples:
    families = text_string_to_metric_families(_text(process))
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def _task(name: str, **labels: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted({"task": name, **labels}.items()))


def test_metrics_tell_depth_age_duration_and_outcome_and_of_no_tenant(
    database: TestDatabase, folder: Path
) -> None:
    url = database.url(access.APP)
    environment = worker_environment(database, WORKER_CONCURRENCY="1")
    enqueue_jobs(url, "slow_effect", 1, milliseconds=1)
    enqueue_jobs(url, "fails", 1, id=1)
    with worker(environment, folder / "log") as process:
        failed = ("collector_jobs", _task("fails", state="failed"))
        wait_until(lambda: _samples(process).get(failed) == 1, "the failing job to be failed", 60)
        enqueue_jobs(url, "slow_effect", 2, milliseconds=2000)
        running = ("collector_jobs", _task("slow_effect", state="running"))
        wait_until(lambda: _samples(process)[running] == 1, "a job to run")
        told = _samples(process)
        assert TENANT not in _text(process)
    assert told["collector_job_queue_reachable", ()] == 1
    assert told["collector_jobs", _task("slow_effect", state="waiting")] == 1
    # Known even before it had any.
    assert told["collector_jobs", _task("expire_audit", state="failed")] == 0
    for state in ("running", "waiting"):
        age = told[f"collector_jobs_oldest_{state}_seconds", _task("slow_effect")]
        assert 0 < age < 60
    runs = {
        (task, outcome): told.get(("collector_job_runs_total", _task(task, outcome=outcome)), 0)
        for task in ("slow_effect", "fails")
        for outcome in ("done", "retried", "failed")
    }
    assert {key: count for key, count in runs.items() if count} == {
        ("slow_effect", "done"): 1,
        ("fails", "retried"): 1,
        ("fails", "failed"): 1,
    }
    assert told["collector_job_run_seconds_count", _task("fails")] == 2


def test_a_taken_port_costs_the_metrics_and_not_the_work(
    database: TestDatabase, folder: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        environment = worker_environment(database, METRICS_PORT=str(taken.getsockname()[1]))
        with worker(environment, folder / "log") as process:
            process.wait_until_working()
            [told] = process.events("metrics_not_served")
            assert process.end() == 0
    assert told["reason"] == "Address already in use"


def test_jobs_that_wait_or_run_too_long_are_listed_and_told_of_once(
    database: TestDatabase, folder: Path
) -> None:
    environment = worker_environment(
        database, WORKER_CONCURRENCY="1", JOB_STUCK_SECONDS="1", WORKER_FINISH_SECONDS="0"
    )
    jobs = enqueue_jobs(database.url(access.APP), "slow_effect", 2, milliseconds=60_000)
    with worker(environment, folder / "log") as process:

        def told() -> list[tuple[int, str]]:
            lines = process.events("job_stuck")
            return [(each["job_id"], each["state"]) for each in lines if each["job_id"] in jobs]

        wanted = {(jobs[0], "running"), (jobs[1], "waiting")}
        wait_until(lambda: set(told()) >= wanted, "both to be told of")
        listed = run_collector("jobs", "list", environment=environment).stdout
        assert sorted(told()) == sorted(set(told()))
        process.end()
    runs, waits = (
        rf"^ +{job}  \S+ \S+Z +slow_effect, {TENANT}, {does}"
        for job, does in zip(jobs, ("runs; its worker was last seen", "waits"), strict=True)
    )
    assert re.search(runs, listed, re.MULTILINE), listed
    assert re.search(waits, listed, re.MULTILINE), listed
