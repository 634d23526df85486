"""Workers as processes: killed, ended, out of a database; each job's effect is had once."""

import os
import random
import re
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from db import access
from tests.e2e.external_postgres import (
    APP_PASSWORD,
    MAINTENANCE_PASSWORD,
    ExternalPostgres,
    migrated_postgres,
)
from tests.e2e.service_process import (
    alive,
    clean_environment,
    command_line_of,
    descendants,
    processes_in,
    run_collector,
    running,
    wait_until,
)
from tests.e2e.worker_process import (
    WorkerProcess,
    enqueue_jobs,
    make_effects_table,
    worker,
    worker_environment,
)
from tests.e2e.worker_with_tasks import SECRET
from tests.support.database import TestDatabase

_STATUS = "SELECT status::text FROM procrastinate.procrastinate_jobs WHERE id = ANY (%s)"
_STAGES = "SELECT job_id FROM effects WHERE stage = %s ORDER BY job_id"
_PERIODIC = """
SELECT task_name, args ->> 'timestamp', count(*)::int FROM procrastinate.procrastinate_jobs
 WHERE queue_name = 'system' GROUP BY 1, 2
"""


@pytest.fixture
def database(own_database: TestDatabase) -> TestDatabase:
    make_effects_table(own_database)
    return own_database


def _statuses(database: TestDatabase, jobs: list[int]) -> set[object]:
    return {status for (status,) in database.run(access.OWNER, _STATUS, (jobs,))}


def _stages(database: TestDatabase, stage: str) -> list[object]:
    return [job for (job,) in database.run(access.OWNER, _STAGES, (stage,))]


def _wait_until_done(database: TestDatabase, jobs: list[int]) -> None:
    wait_until(lambda: _statuses(database, jobs) == {"succeeded"}, "all jobs to be done", 90)


def _wait_until_begun(database: TestDatabase, count: int = 1) -> None:
    wait_until(lambda: len(_stages(database, "run")) >= count, "jobs to begin")


def test_workers_killed_in_the_middle_of_jobs_leave_none_out_and_do_none_twice(
    database: TestDatabase, folder: Path
) -> None:
    environment = worker_environment(database, WORKER_CONCURRENCY="3")
    chance = random.Random(2026)
    with ExitStack() as stack:
        workers: list[WorkerProcess] = []

        def start() -> None:
            log = folder / f"log-{time.monotonic_ns()}"
            workers.append(stack.enter_context(worker(environment, log)))

        for _ in range(3):
            start()
        for each in workers:
            each.wait_until_working()
        jobs = enqueue_jobs(database.url(access.APP), "slow_effect", 60, milliseconds=150)
        _wait_until_begun(database, 6)
        for _ in range(5):
            time.sleep(chance.uniform(0.1, 0.6))
            workers.pop(chance.randrange(len(workers))).kill()
            start()
        _wait_until_done(database, jobs)
        lost = [line for each in workers for line in each.events("job_lost")]
    assert _stages(database, "effect") == jobs
    assert len(_stages(database, "run")) > len(jobs), "no kill met a job"
    assert lost


def test_several_workers_do_each_tick_of_periodic_work_once(
    database: TestDatabase, folder: Path
) -> None:
    [(partition,)] = database.run(
        access.OWNER,
        "SELECT inhrelid::regclass::text FROM pg_inherits"
        " WHERE inhparent = 'reports'::regclass ORDER BY 1 DESC LIMIT 1",
    )
    database.run(access.OWNER, f"DROP TABLE {partition}")
    environment = worker_environment(database)
    with worker(environment, folder / "1") as first, worker(environment, folder / "2") as second:
        for each in (first, second):
            each.wait_until_working()
        there = "SELECT to_regclass(%s) IS NOT NULL"
        wait_until(
            lambda: database.run(access.OWNER, there, (partition,)) == [(True,)], "the partition"
        )
        assert (first.end(), second.end()) == (0, 0)
        made = [*first.events("partitions_made"), *second.events("partitions_made")]
    assert [line["partitions"] for line in made] == [[partition]]
    ticks = database.run(access.OWNER, _PERIODIC)
    assert "ensure_partitions" in {task for task, _, _ in ticks}
    assert {count for _, _, count in ticks} == {1}


def test_sigterm_lets_running_jobs_finish_and_begins_no_other(
    database: TestDatabase, folder: Path
) -> None:
    environment = worker_environment(database, WORKER_CONCURRENCY="1")
    jobs = enqueue_jobs(database.url(access.APP), "slow_effect", 2, milliseconds=400)
    with worker(environment, folder / "log") as ended:
        _wait_until_begun(database)
        assert ended.end() == 0
    assert _stages(database, "effect") == jobs[:1]
    assert _statuses(database, jobs[:1]) == {"succeeded"}
    assert _statuses(database, jobs[1:]) == {"todo"}


@pytest.mark.parametrize("signals", [1, 2])
def test_a_job_that_takes_too_long_is_let_go_of_and_another_worker_does_it(
    database: TestDatabase, folder: Path, signals: int
) -> None:
    limit = {1: "0.3", 2: "60"}[signals]
    environment = worker_environment(
        database, WORKER_FINISH_SECONDS=limit, WORKER_LOST_SECONDS="120"
    )
    jobs = enqueue_jobs(database.url(access.APP), "slow_effect", 1, milliseconds=1500)
    with worker(environment, folder / "1") as first:
        _wait_until_begun(database)
        for _ in range(signals - 1):
            first.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
        assert first.end(seconds=10) == 0
        [let_go] = first.events("worker_let_go")
        assert let_go["job_ids"] == jobs
    with worker(environment, folder / "2"):
        _wait_until_done(database, jobs)
    assert _stages(database, "effect") == jobs
    assert _stages(database, "run") == jobs * 2


def test_a_job_that_always_fails_ends_as_failed_with_a_reason_and_without_its_values(
    database: TestDatabase, folder: Path
) -> None:
    [job] = enqueue_jobs(database.url(access.APP), "fails", 1, id=1)
    environment = worker_environment(database)
    with worker(environment, folder / "log") as process:
        wait_until(lambda: _statuses(database, [job]) == {"failed"}, "the job to be failed")
        told = process.events("job_failed")
        assert process.end() == 0
    listed = run_collector("jobs", "list", environment=environment).stdout
    assert re.search(r"^fails +0 +0 +1  - +-$", listed, re.MULTILINE), listed
    assert re.search(rf"^ +{job}  .* 2  fails, acme, ValueError$", listed, re.MULTILINE), listed
    again = run_collector("jobs", "retry", str(job), environment=environment)
    assert (again.returncode, again.stdout) == (0, f"Job {job} waits again.\n")
    assert _statuses(database, [job]) == {"todo"}
    refused = run_collector("jobs", "retry", str(job), "999", environment=environment)
    assert refused.returncode == 1
    assert refused.stdout.count("no failed job") == 2
    assert [(line["attempt"], line["last"]) for line in told] == [(1, False), (2, True)]
    assert {line["reason"] for line in told} == {"ValueError"}
    assert "worker_with_tasks.py" in told[0]["frames"][-1]
    assert database.run(access.OWNER, "SELECT failure FROM job_outcomes") == [("ValueError",)]
    assert SECRET not in process.log_path.read_text()


@contextmanager
def _frozen(postgres: ExternalPostgres) -> Iterator[None]:
    """Its processes take connections and say nothing."""
    frozen = processes_in(postgres.data)
    _send(frozen, signal.SIGSTOP)
    try:
        yield
    finally:
        _send(frozen, signal.SIGCONT)


def _send(pids: Iterable[int], number: signal.Signals) -> None:
    """To all that are there still: one that served a query may end any time."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def test_a_worker_outlives_its_database_and_does_what_was_left_and_ends_on_a_frozen_one(
    folder: Path,
) -> None:
    with migrated_postgres() as postgres:
        postgres.run(
            "CREATE TABLE effects (job_id bigint, stage text);"
            " GRANT INSERT ON effects TO collector_app"
        )
        app_url = postgres.url("collector_app", APP_PASSWORD)
        environment = clean_environment(
            DATABASE_URL=app_url,
            MAINTENANCE_DATABASE_URL=postgres.url("collector_maint", MAINTENANCE_PASSWORD),
            WORKER_LOST_SECONDS="3",
            WORKER_FINISH_SECONDS="1",
        )
        app_url = app_url.replace("postgresql:", "postgresql+psycopg2:")
        with worker(environment, folder / "log") as process:
            process.wait_until_working()
            jobs = enqueue_jobs(app_url, "slow_effect", 1, milliseconds=1500)
            wait_until(lambda: bool(postgres.run("SELECT job_id FROM effects")), "the job to begin")
            postgres.stop()
            wait_until(lambda: bool(process.events("worker_interrupted")), "an interruption")
            postgres.start()
            process.wait_until_working(times=2)
            jobs += enqueue_jobs(app_url, "slow_effect", 1, milliseconds=1)
            effects = "SELECT job_id FROM effects WHERE stage = 'effect' ORDER BY 1"
            wait_until(
                lambda: postgres.run(effects) == [(job,) for job in jobs],
                "both jobs to be done",
                60,
            )
            with _frozen(postgres):
                assert process.end() == 0
            assert process.events("worker_let_go")
        log = process.log_path.read_text()
        assert "Traceback" not in log
        for secret in (APP_PASSWORD, MAINTENANCE_PASSWORD):
            assert secret not in log


def _worker_of(pid: int) -> list[int]:
    return [each for each in descendants(pid) if b"service.worker_command" in command_line_of(each)]


def test_up_keeps_a_worker_and_takes_it_along(folder: Path, environment: dict[str, str]) -> None:
    with running("up", environment, folder / "log") as service, service.client() as client:
        wait_until(lambda: client.get("/health").json()["worker"] == "running", "the worker")
        [first] = _worker_of(service.process.pid)
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: service.log().count("worker_started") == 2, "another worker")
        [second] = _worker_of(service.process.pid)
        assert service.stop() == 0
        assert not alive(second)
        assert "worker_ended" in service.log()
        assert "Traceback" not in service.log()


def test_a_worker_ends_when_its_up_is_killed(folder: Path, environment: dict[str, str]) -> None:
    with running("up", environment, folder / "log") as service:
        wait_until(lambda: "worker_started" in service.log(), "the worker")
        [child] = _worker_of(service.process.pid)
        service.process.kill()
        service.process.communicate(timeout=30)
        wait_until(lambda: not alive(child), "the worker to end")
        wait_until(lambda: not processes_in(folder), "the embedded server to end")


def test_a_worker_without_a_database_says_what_to_set(folder: Path) -> None:
    environment = clean_environment(COLLECTOR_HOME=str(folder / "home"))
    embedded = run_collector("worker", environment=environment)
    assert embedded.returncode == 1
    assert "collector up" in embedded.stderr
    url = "postgresql://collector_app:hunter2@127.0.0.1:1/collector"
    ended = run_collector("worker", environment={**environment, "DATABASE_URL": url})
    assert ended.returncode == 1
    assert "MAINTENANCE_DATABASE_URL" in ended.stderr
    assert "hunter2" not in ended.stderr


def test_a_worker_with_the_app_login_alone_is_refused(own_database: TestDatabase) -> None:
    settings = worker_environment(own_database)
    settings["MAINTENANCE_DATABASE_URL"] = settings["DATABASE_URL"]
    ended = run_collector("worker", environment=settings)
    assert ended.returncode == 1
    assert "log in as collector_maint" in ended.stderr
