"""A committed run through kills of its workers: nothing is deleted twice, nothing forgotten."""

import time
from functools import partial
from pathlib import Path
from uuid import UUID

from db import access
from db.retention_runs import commit_run
from db.session import Database
from handlers.planning import dry_run
from handlers.retention import enqueue_run
from tests.e2e.service_process import wait_until
from tests.e2e.worker_process import TENANT, worker, worker_environment
from tests.support.database import TestDatabase
from tests.support.old_reports import count_reports, make_past_partitions, store_old_reports
from tests.support.service import RETENTION

_OLD = 40_000
_YOUNG = 100
_KILLS = 2


def _run(database: TestDatabase, run_id: UUID) -> tuple[str, int]:
    found = "SELECT status, deleted FROM retention_runs WHERE run_id = %s"
    [(status, deleted)] = database.run(access.OWNER, found, (str(run_id),))
    return str(status), int(str(deleted))


def _is_beyond(database: TestDatabase, run_id: UUID, deleted: int) -> bool:
    return _run(database, run_id)[1] > deleted


def _committed(database: TestDatabase) -> UUID:
    tenants = Database(database.url(access.APP))
    with tenants.tenant_transaction(TENANT) as tx:
        run_id = dry_run(tx, RETENTION, "key-admin").run_id
        commit_run(tx, run_id, "key-admin")
        enqueue_run(tx, run_id)
    tenants.close()
    return run_id


def test_run_whose_workers_are_killed_ends_with_each_report_deleted_once(
    own_database: TestDatabase, folder: Path
) -> None:
    make_past_partitions(own_database)
    store_old_reports(own_database, TENANT, _OLD, days_old=40)
    store_old_reports(own_database, TENANT, _YOUNG, days_old=1, over_days=1)
    run_id = _committed(own_database)
    environment = worker_environment(own_database)
    for number in range(_KILLS):
        _, before = _run(own_database, run_id)
        with worker(environment, folder / f"killed-{number}") as killed:
            wait_until(partial(_is_beyond, own_database, run_id, before), "a chunk", 120)
            killed.kill()
        # A statement that was on its way ends by itself, one way or the other.
        time.sleep(0.5)
        status, deleted = _run(own_database, run_id)
        assert status == "running"
        assert count_reports(own_database, TENANT) == _OLD + _YOUNG - deleted
    with worker(environment, folder / "last"):
        wait_until(lambda: _run(own_database, run_id)[0] == "done", "the end of the run", 120)
    assert _run(own_database, run_id) == ("done", _OLD)
    assert count_reports(own_database, TENANT) == _YOUNG
    told = "SELECT action FROM audit_entries WHERE object_id = %s ORDER BY seq"
    entries = own_database.run(access.OWNER, told, (str(run_id),))
    assert entries == [("start_retention",), ("end_retention",)]
