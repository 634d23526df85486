"""Jobs: enqueued with their transaction, had once, and given to others when a worker is lost."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import psycopg2
import pytest
from procrastinate.connector import BaseConnector
from procrastinate.schema import SchemaManager

from db import access, errors, job_queue
from db.ids import TenantId
from db.job_list import failed_jobs, task_counts, try_again
from db.job_upkeep import (
    LostJob,
    delete_finished_jobs,
    note_failure,
    require_queue_rights,
    take_back_lost_jobs,
)
from db.jobs import claim_effect, enqueue, worker_runs
from db.schema_check import check_schema
from db.session import Database
from tests.support.database import TestDatabase

A, B = TenantId("a"), TenantId("b")
_JOBS = "SELECT id, status::text FROM procrastinate.procrastinate_jobs ORDER BY id"
_PATH = "SET search_path = procrastinate; "


@pytest.fixture
def app_database(own_database: TestDatabase) -> Iterator[Database]:
    database = Database(own_database.url(access.APP))
    yield database
    database.close()


@pytest.fixture
def maintenance(own_database: TestDatabase) -> Iterator[Database]:
    database = Database(own_database.url(access.MAINTENANCE))
    yield database
    database.close()


def _enqueued(database: Database, tenant: TenantId = A, **options: str) -> int:
    with database.tenant_transaction(tenant) as tx:
        job_id = enqueue(tx, "task", {"n": 1}, **options)  # type: ignore[arg-type]  # all are text
    assert job_id is not None
    return job_id


def _register_worker(database: TestDatabase) -> int:
    [(worker,)] = database.run(
        access.MAINTENANCE, _PATH + "SELECT worker_id FROM procrastinate_register_worker_v1()"
    )
    assert isinstance(worker, int)
    return worker


def _fetch(database: TestDatabase, worker: int) -> int | None:
    """What the library's worker does to get a job."""
    [(job_id,)] = database.run(
        access.MAINTENANCE,
        _PATH + "SELECT id FROM procrastinate_fetch_job_v2('{tenants}', %s)",
        (worker,),
    )
    assert job_id is None or isinstance(job_id, int)
    return job_id


def _finish(database: TestDatabase, job_id: int, status: str) -> None:
    database.run(
        access.MAINTENANCE,
        _PATH + "SELECT procrastinate_finish_job_v1(%s, %s, false)",
        (job_id, status),
    )


def _lose(database: TestDatabase, worker: int, seconds: int = 60) -> None:
    database.run(
        access.MAINTENANCE,
        "UPDATE procrastinate.procrastinate_workers"
        " SET last_heartbeat = now() - make_interval(secs => %s) WHERE id = %s",
        (seconds, worker),
    )


def _take_back(database: Database) -> list[LostJob]:
    return take_back_lost_jobs(database, lost_after=30, most_attempts=3)


def test_the_frozen_schema_is_what_the_installed_library_makes() -> None:
    """When this fails: freeze the new one in a file of its own, and write a migration to it."""
    installed = SchemaManager(connector=BaseConnector()).get_schema()
    assert job_queue.frozen_schema() == installed


def test_a_job_is_there_after_the_commit_and_not_after_a_rollback(
    own_database: TestDatabase, app_database: Database
) -> None:
    with app_database.tenant_transaction(A) as tx:
        kept = enqueue(tx, "task", {"report_id": "r"})
        assert own_database.run(access.OWNER, _JOBS) == []
    with suppress(RuntimeError), app_database.tenant_transaction(A) as tx:
        enqueue(tx, "task", {"report_id": "r"})
        raise RuntimeError
    assert own_database.run(access.OWNER, _JOBS) == [(kept, "todo")]


def test_a_job_carries_its_tenant_whatever_its_arguments_say(
    own_database: TestDatabase, app_database: Database
) -> None:
    with app_database.tenant_transaction(A) as tx:
        enqueue(tx, "task", {"tenant_id": "b", "export_id": "e"}, lock="x")
    stored = own_database.run(
        access.OWNER,
        "SELECT queue_name, task_name, args, lock FROM procrastinate.procrastinate_jobs",
    )
    assert stored == [("tenants", "task", {"tenant_id": "a", "export_id": "e"}, '["a", "x"]')]


def test_a_job_for_later_waits(own_database: TestDatabase, app_database: Database) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    with app_database.tenant_transaction(A) as tx:
        enqueue(tx, "task", {}, not_before=later)
    assert _fetch(own_database, _register_worker(own_database)) is None


def test_enqueuing_needs_a_tenant_and_small_arguments(app_database: Database) -> None:
    with pytest.raises(errors.AccessRefused), app_database.system_transaction() as tx:
        enqueue(tx, "task", {})
    with pytest.raises(errors.TooComplex), app_database.tenant_transaction(A) as tx:
        enqueue(tx, "task", {"id": "x" * 4096})


def test_a_waiting_job_is_joined_and_the_transaction_goes_on(
    own_database: TestDatabase, app_database: Database
) -> None:
    first = _enqueued(app_database, queueing_lock="digest")
    with app_database.tenant_transaction(A) as tx:
        assert enqueue(tx, "task", {}, queueing_lock="digest") is None
        other = enqueue(tx, "task", {}, queueing_lock="another")
    of_another_tenant = _enqueued(app_database, B, queueing_lock="digest")
    stored = own_database.run(access.OWNER, _JOBS)
    assert stored == [(first, "todo"), (other, "todo"), (of_another_tenant, "todo")]


def test_a_joined_job_is_not_fetched_before_the_joining_transaction_ends(
    own_database: TestDatabase, app_database: Database
) -> None:
    first = _enqueued(app_database, queueing_lock="digest")
    worker = _register_worker(own_database)
    with app_database.tenant_transaction(A) as tx:
        assert enqueue(tx, "task", {}, queueing_lock="digest") is None
        assert _fetch(own_database, worker) is None
    assert _fetch(own_database, worker) == first


def test_a_job_that_was_fetched_already_is_not_joined(
    own_database: TestDatabase, app_database: Database
) -> None:
    first = _enqueued(app_database, queueing_lock="digest")
    assert _fetch(own_database, _register_worker(own_database)) == first
    assert _enqueued(app_database, queueing_lock="digest") != first


def test_an_effect_is_claimed_once_and_given_back_by_a_rollback(
    own_database: TestDatabase, app_database: Database
) -> None:
    job = _enqueued(app_database)
    with app_database.tenant_transaction(A) as tx:
        assert not claim_effect(tx, job), "nobody runs it yet"
    _fetch(own_database, _register_worker(own_database))
    with suppress(RuntimeError), app_database.tenant_transaction(A) as tx:
        assert claim_effect(tx, job)
        raise RuntimeError
    with app_database.tenant_transaction(A) as tx:
        assert claim_effect(tx, job)
    with app_database.tenant_transaction(A) as tx:
        assert not claim_effect(tx, job)


def test_of_two_that_run_one_job_at_once_one_has_its_effect(
    own_database: TestDatabase, app_database: Database
) -> None:
    job = _enqueued(app_database)
    _fetch(own_database, _register_worker(own_database))
    both = threading.Barrier(2)

    def run(_: int) -> bool:
        both.wait()
        with app_database.tenant_transaction(A) as tx:
            return claim_effect(tx, job)

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(run, range(2))) == [False, True]


def test_a_tenant_claims_no_other_tenants_job(
    own_database: TestDatabase, app_database: Database
) -> None:
    job = _enqueued(app_database)
    _fetch(own_database, _register_worker(own_database))
    with pytest.raises(errors.AccessRefused), app_database.tenant_transaction(B) as tx:
        claim_effect(tx, job)


def test_a_lost_workers_job_waits_again_with_a_reason_and_a_live_ones_does_not(
    own_database: TestDatabase, app_database: Database, maintenance: Database
) -> None:
    lost, kept = _enqueued(app_database), _enqueued(app_database)
    dead, alive = _register_worker(own_database), _register_worker(own_database)
    assert (_fetch(own_database, dead), _fetch(own_database, alive)) == (lost, kept)
    assert _take_back(maintenance) == []
    _lose(own_database, dead)
    assert _take_back(maintenance) == [LostJob(lost, "task", failed=False)]
    assert _take_back(maintenance) == []
    assert own_database.run(access.OWNER, _JOBS) == [(lost, "todo"), (kept, "doing")]
    [(reason,)] = own_database.run(access.OWNER, "SELECT failure FROM job_outcomes")
    assert str(reason).startswith("WorkerLost")
    assert _fetch(own_database, alive) == lost


def test_a_job_of_a_worker_that_is_struck_off_is_lost(
    own_database: TestDatabase, app_database: Database, maintenance: Database
) -> None:
    job = _enqueued(app_database)
    worker = _register_worker(own_database)
    _fetch(own_database, worker)
    own_database.run(access.MAINTENANCE, "DELETE FROM procrastinate.procrastinate_workers")
    assert [each.job_id for each in _take_back(maintenance)] == [job]


def test_a_job_that_loses_its_worker_again_and_again_is_failed(
    own_database: TestDatabase, app_database: Database, maintenance: Database
) -> None:
    _enqueued(app_database)
    outcomes = []
    for _ in range(3):
        worker = _register_worker(own_database)
        _fetch(own_database, worker)
        _lose(own_database, worker)
        outcomes += [each.failed for each in _take_back(maintenance)]
    assert outcomes == [False, False, True]
    assert [status for _, status in own_database.run(access.OWNER, _JOBS)] == ["failed"]


def test_several_that_look_after_lost_jobs_take_each_back_once(
    own_database: TestDatabase, app_database: Database, maintenance: Database
) -> None:
    worker = _register_worker(own_database)
    jobs = [_enqueued(app_database) for _ in range(20)]
    for _ in jobs:
        _fetch(own_database, worker)
    _lose(own_database, worker)
    with ThreadPoolExecutor(4) as pool:
        taken = [
            each for found in pool.map(lambda _: _take_back(maintenance), "1234") for each in found
        ]
    assert sorted(each.job_id for each in taken) == jobs
    attempts = "SELECT DISTINCT attempts FROM procrastinate.procrastinate_jobs"
    assert own_database.run(access.OWNER, attempts) == [(1,)]


def test_ended_jobs_are_deleted_in_time_and_their_outcomes_with_them(
    own_database: TestDatabase, app_database: Database, maintenance: Database
) -> None:
    succeeded, failed, waiting = (_enqueued(app_database) for _ in range(3))
    worker = _register_worker(own_database)
    for job, status in ((succeeded, "succeeded"), (failed, "failed")):
        assert _fetch(own_database, worker) == job
        with app_database.tenant_transaction(A) as tx:
            claim_effect(tx, job)
        _finish(own_database, job, status)
    note_failure(maintenance, failed, "Broken: for a reason")

    def age(hours: int) -> int:
        own_database.run(
            access.OWNER,
            "UPDATE procrastinate.procrastinate_events SET at = at - make_interval(hours => %s)",
            (hours,),
        )
        return delete_finished_jobs(maintenance, succeeded_hours=24, failed_hours=48, chunk=1)

    assert (age(0), age(25)) == (0, 1)
    kept = own_database.run(access.OWNER, "SELECT job_id, failure FROM job_outcomes")
    assert kept == [(failed, "Broken: for a reason")]
    assert age(25) == 1
    assert own_database.run(access.OWNER, _JOBS) == [(waiting, "todo")]
    assert own_database.run(access.OWNER, "SELECT count(*)::int FROM job_outcomes") == [(0,)]


def test_a_worker_runs_while_one_gives_signs_of_life(
    own_database: TestDatabase, app_database: Database
) -> None:
    assert not worker_runs(app_database)
    worker = _register_worker(own_database)
    assert worker_runs(app_database)
    _lose(own_database, worker, 61)
    assert not worker_runs(app_database)


def test_a_job_that_failed_can_be_tried_again_unless_another_stands_for_it(
    own_database: TestDatabase, app_database: Database, maintenance: Database
) -> None:
    job = _enqueued(app_database, queueing_lock="digest")
    _fetch(own_database, _register_worker(own_database))
    assert not try_again(maintenance, job), "it runs"
    _finish(own_database, job, "failed")
    [failed] = failed_jobs(maintenance, 10)
    assert (failed.job_id, failed.task, failed.tenant_id) == (job, "task", "a")
    another = _enqueued(app_database, queueing_lock="digest")
    with pytest.raises(errors.ConstraintViolated):
        try_again(maintenance, job)
    assert _fetch(own_database, _register_worker(own_database)) == another
    assert try_again(maintenance, job)
    [counts] = task_counts(maintenance)
    assert (counts.waiting, counts.running, counts.failed) == (1, 1, 0)
    assert counts.waits_since is not None


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM procrastinate.procrastinate_jobs",
        "INSERT INTO procrastinate.procrastinate_jobs (queue_name, task_name) VALUES ('q', 't')",
        "UPDATE procrastinate.procrastinate_jobs SET status = 'succeeded'",
        "DELETE FROM procrastinate.procrastinate_jobs",
        "SELECT * FROM procrastinate.procrastinate_workers",
        "SELECT procrastinate.procrastinate_finish_job_v1(1, 'failed', true)",
        "SELECT * FROM job_outcomes",
        "INSERT INTO job_outcomes VALUES (1, true)",
    ],
)
def test_the_app_role_may_only_enqueue_and_claim(
    shared_database: TestDatabase, statement: str
) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        shared_database.run(access.APP, statement)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM procrastinate.procrastinate_events",
        "TRUNCATE procrastinate.procrastinate_jobs CASCADE",
        "ALTER TABLE procrastinate.procrastinate_jobs DROP COLUMN args",
        "SELECT collector_enqueue('task', '{}', NULL, NULL, NULL)",
    ],
)
def test_the_maintenance_role_may_not_do_more_than_run_jobs(
    shared_database: TestDatabase, statement: str
) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        shared_database.run(access.MAINTENANCE, statement)


def test_a_login_that_may_not_run_jobs_learns_which_may(
    app_database: Database, maintenance: Database
) -> None:
    require_queue_rights(maintenance)
    with pytest.raises(errors.AccessRefused, match=r"collector_app .*log in as collector_maint"):
        require_queue_rights(app_database)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("DROP TRIGGER procrastinate_trigger_delete_jobs_v1 ON {jobs}", "trigger"),
        ("ALTER TABLE {jobs} ADD COLUMN more text", "column procrastinate_jobs.more"),
        ("GRANT SELECT ON {jobs} TO collector_app", "grants on procrastinate_jobs"),
        ("GRANT USAGE ON SCHEMA procrastinate TO collector_app", "schema to collector_app"),
        ("DROP INDEX procrastinate.procrastinate_jobs_lock_idx_v1", "index procrastinate_jobs_l"),
        (
            "ALTER TYPE procrastinate.procrastinate_job_status ADD VALUE 'lost'",
            "type procrastinate_job_status",
        ),
        (
            "DROP FUNCTION procrastinate.procrastinate_prune_stalled_workers_v1(float)",
            "function procrastinate_prune_stalled_workers_v1",
        ),
    ],
)
def test_a_difference_in_the_queues_schema_is_found(
    own_database: TestDatabase, change: str, named: str
) -> None:
    own_database.run(access.OWNER, change.format(jobs="procrastinate.procrastinate_jobs"))
    [difference] = check_schema(own_database.url(access.OWNER))
    assert difference.startswith("procrastinate: ")
    assert named in difference
