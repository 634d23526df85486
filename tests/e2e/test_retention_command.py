"""`collector retention`: what it shows, what it asks, what it deletes, and how it ends."""

import json
import os
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from db import access
from tests.e2e.service_process import (
    COLLECTOR,
    Service,
    clean_environment,
    run_collector,
    running,
    short_folder,
)
from tests.e2e.worker_process import worker, worker_environment
from tests.support.database import PostgresServer, TestDatabase
from tests.support.old_reports import (
    count_reports,
    make_past_partitions,
    oldest_reports,
    store_old_reports,
)

_OLD = 1200
_TENANTS = ("looks", "agrees", "types", "fails", "empty")


@dataclass(frozen=True, slots=True)
class Running:
    """A service and a worker, and tenants with 1,200 old reports each, but for `empty`."""

    database: TestDatabase
    service: Service
    secrets: dict[tuple[str, str], str]

    def environment(self, tenant: str, role: str = "admin") -> dict[str, str]:
        return clean_environment(
            COLLECTOR_URL=self.service.url,
            API_KEY=self.secrets[tenant, role],
            TENANT_ID=tenant,
        )

    def run(
        self, tenant: str, *arguments: str, role: str = "admin"
    ) -> subprocess.CompletedProcess[str]:
        return run_collector(
            "retention", *arguments, environment=self.environment(tenant, role), seconds=120
        )

    def type(self, tenant: str, typed: str) -> subprocess.CompletedProcess[str]:
        """Like `run`, at a terminal at which somebody types this."""
        ours, its = os.openpty()
        try:
            os.write(ours, f"{typed}\n".encode())
            return subprocess.run(
                [COLLECTOR, "retention"],
                stdin=its,
                capture_output=True,
                text=True,
                env=self.environment(tenant),
                timeout=120,
                check=False,
            )
        finally:
            os.close(its)
            os.close(ours)


@pytest.fixture(scope="module")
def at_work(postgres_server: PostgresServer, migrated_template: str) -> Iterator[Running]:
    keys = {
        (tenant, role): secrets.token_hex(20)
        for tenant in _TENANTS
        for role in ("admin", "auditor")
    }
    entries = [f"{role}-{tenant}:{tenant}:{role}:{keys[tenant, role]}" for tenant, role in keys]
    with postgres_server.database(migrated_template) as database, short_folder() as place:
        make_past_partitions(database)
        for tenant in _TENANTS[:-1]:
            store_old_reports(database, tenant, _OLD, days_old=40)
        environment = clean_environment(
            DATABASE_URL=database.url(access.APP), API_KEYS=",".join(entries), DRAIN_SECONDS="0"
        )
        with (
            running("serve", environment, place / "log") as service,
            worker(worker_environment(database), place / "worker"),
        ):
            yield Running(database, service, keys)


def test_dry_run_shows_the_plan_and_deletes_nothing(at_work: Running) -> None:
    shown = at_work.run("looks", "--dry-run")
    assert shown.returncode == 0, shown.stderr
    assert "Tenant looks keeps reports for 30 days." in shown.stdout
    assert "1,200 reports from before" in shown.stdout
    assert "UNUSUAL: It deletes 100 % of all reports" in shown.stdout
    as_json = at_work.run("looks", "--dry-run", "--json")
    plan = json.loads(as_json.stdout)
    assert (plan["candidates"], plan["mode"]) == (_OLD, "dry_run")
    assert plan["plan_hash"] in shown.stdout
    assert count_reports(at_work.database, "looks") == _OLD


def test_plan_that_is_another_one_by_now_is_not_carried_out(at_work: Running) -> None:
    ended = at_work.run("looks", "--yes", "0" * 64)
    assert ended.returncode == 4, ended.stderr
    assert "Nothing was deleted" in ended.stdout
    assert count_reports(at_work.database, "looks") == _OLD


def test_script_that_names_the_plan_has_it_carried_out_and_waits(at_work: Running) -> None:
    plan = json.loads(at_work.run("agrees", "--dry-run", "--json").stdout)
    ended = at_work.run("agrees", "--yes", plan["plan_hash"], "--json")
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert (told["run"]["status"], told["run"]["deleted"]) == ("done", _OLD)
    assert told["failures"] == []
    assert count_reports(at_work.database, "agrees") == 0
    again = at_work.run("agrees", "--dry-run")
    assert "nothing is to go" in again.stdout


def test_whoever_types_another_number_deletes_nothing_and_the_right_one_all(
    at_work: Running,
) -> None:
    refused = at_work.type("types", "yes")
    assert refused.returncode == 1
    assert "nothing was deleted" in refused.stderr
    assert count_reports(at_work.database, "types") == _OLD
    ended = at_work.type("types", "1,200")
    assert ended.returncode == 0, ended.stderr
    assert "Deleted 1,200 of 1,200 reports" in ended.stdout
    assert count_reports(at_work.database, "types") == 0


def test_reports_that_can_not_be_deleted_are_named_and_the_exit_code_says_so(
    at_work: Running,
) -> None:
    bad = oldest_reports(at_work.database, "fails", 5)[-1]
    at_work.database.run(
        access.OWNER,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF OLD.id = '{bad}' THEN RAISE EXCEPTION 'damaged'"
        " USING ERRCODE = 'data_corrupted'; END IF; RETURN OLD; END $$;"
        " CREATE TRIGGER refuse BEFORE DELETE ON reports"
        " FOR EACH ROW EXECUTE FUNCTION refuse()",
    )
    plan = json.loads(at_work.run("fails", "--dry-run", "--json").stdout)
    ended = at_work.run("fails", "--yes", plan["plan_hash"])
    assert ended.returncode == 3, ended.stderr
    assert f"  {bad}: The database refused to delete it (SQLSTATE XX001)" in ended.stdout
    assert oldest_reports(at_work.database, "fails", 5) == [bad]


def test_nothing_to_do_is_said_and_is_no_failure(at_work: Running) -> None:
    ended = at_work.run("empty", "--yes", "0" * 64)
    assert ended.returncode == 4
    ended = at_work.run("empty", "--dry-run")
    assert (ended.returncode, "nothing is to go" in ended.stdout) == (0, True)


def test_wrong_usage_and_a_key_that_may_not_are_told(at_work: Running) -> None:
    for arguments in ((), ("--json",), ("--dry-run", "--yes", "0" * 64)):
        assert at_work.run("looks", *arguments).returncode == 2
    refused = at_work.run("looks", "--dry-run", role="auditor")
    assert refused.returncode == 1
    assert "403" in refused.stderr
    unreachable = run_collector(
        "retention",
        "--dry-run",
        environment=clean_environment(
            COLLECTOR_URL="http://127.0.0.1:1", API_KEY="x" * 20, TENANT_ID="looks"
        ),
    )
    assert unreachable.returncode == 1
    assert "can't reach http://127.0.0.1:1" in unreachable.stderr
