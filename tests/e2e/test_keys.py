"""`collector keys`: a key changed twice while services run, and a run that is killed midway."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psycopg2
import pytest

from db import access
from tests.db.samples import BACKFILL
from tests.e2e.service_process import (
    COLLECTOR,
    clean_environment,
    run_collector,
    running,
    wait_until,
)
from tests.support.database import TestDatabase, libpq_dsn

_API_KEY = "key-of-the-encryption-key-tests"
_HEADERS = {"X-Api-Key": _API_KEY, "X-Tenant": "acme"}
_CLEAR_REPORTS = 3000
_COUNT = "SELECT count(*) FILTER (WHERE raw_kid = %s)::int, count(*)::int FROM reports"


@dataclass(frozen=True, slots=True)
class Installation:
    """One database, and commands and services on it with the keyrings of an operator."""

    database: TestDatabase
    folder: Path

    def environment(self, keyring: str) -> dict[str, str]:
        return clean_environment(
            DATABASE_URL=self.database.url(access.APP),
            MAINTENANCE_DATABASE_URL=self.database.url(access.MAINTENANCE),
            API_KEYS=f"ci:acme:operator:{_API_KEY}",
            ENCRYPTION_KEYS=keyring,
            DRAIN_SECONDS="0",
        )

    def keys(self, command: str, keyring: str) -> subprocess.CompletedProcess[str]:
        return run_collector("keys", *command.split(), environment=self.environment(keyring))

    @contextmanager
    def serving(self, keyring: str) -> Iterator[httpx2.Client]:
        with running("serve", self.environment(keyring), self.folder / "log") as service:
            with httpx2.Client(base_url=service.url, headers=_HEADERS, timeout=30) as client:
                yield client
            assert service.stop() == 0


@pytest.fixture
def installation(own_database: TestDatabase, folder: Path) -> Installation:
    return Installation(own_database, folder)


def _new_key() -> tuple[str, str]:
    made = run_collector("keys", "new", environment=clean_environment())
    assert made.returncode == 0
    entry = made.stdout.strip()
    assert re.fullmatch(r"key-[0-9a-f]{12}:[A-Za-z0-9+/]{43}=", entry)
    assert entry.partition(":")[2] not in made.stderr
    return entry, entry.partition(":")[0]


def _stored(client: httpx2.Client, count: int = 3) -> dict[str, bytes]:
    """Stores reports with raw; returns each one's id and whole answer."""
    stored = {}
    for number in range(count):
        posted = client.post("/ingest/qc", json={"status": {}, "raw": {"log": f"line {number}"}})
        assert posted.status_code == 201, posted.text
        path = posted.headers["location"]
        stored[path] = client.get(path).content
    return stored


def _assert_there(client: httpx2.Client, stored: dict[str, bytes]) -> None:
    assert {path: client.get(path).content for path in stored} == stored


def test_a_key_is_changed_twice_while_services_run_and_the_old_ones_go(
    installation: Installation,
) -> None:
    current, current_kid = _new_key()
    stored: dict[str, bytes] = {}
    for _ in range(2):
        following, following_kid = _new_key()
        both = f"{following},{current}"
        with installation.serving(both) as new_first:
            with installation.serving(f"{current},{following}") as old_first:
                for client in (old_first, new_first, old_first):
                    stored |= _stored(client)
                _assert_there(old_first, stored)
            _assert_there(new_first, stored)
            rewrapped = installation.keys("rewrap", both)
            assert rewrapped.returncode == 0, rewrapped.stderr
            assert f"Nothing is under {current_kid} any more" in rewrapped.stdout
            _assert_there(new_first, stored)
            stored |= _stored(new_first)
        with installation.serving(following) as client:
            _assert_there(client, stored)
        listed = installation.keys("list", following)
        assert listed.returncode == 0
        assert [line.split()[:2] for line in listed.stdout.splitlines()[1:]] == [
            [following_kid, "newest"]
        ]
        current, current_kid = following, following_kid


def test_a_key_that_is_still_needed_stops_the_start_and_is_listed_as_missing(
    installation: Installation,
) -> None:
    old, old_kid = _new_key()
    new, _ = _new_key()
    with installation.serving(old) as client:
        _stored(client, 1)
    for environment in (installation.environment(new), installation.environment("")):
        if not environment["ENCRYPTION_KEYS"]:
            del environment["ENCRYPTION_KEYS"]
        ended = run_collector("serve", environment=environment)
        assert ended.returncode == 1
        assert f"encrypted under {old_kid}, which the keyring lacks" in ended.stderr
        assert "Traceback" not in ended.stderr
    listed = installation.keys("list", new)
    assert listed.returncode == 1
    assert re.search(rf"^{old_kid} +missing +in use", listed.stdout, re.MULTILINE)
    impostor = f"{old_kid}:{new.partition(':')[2]}"
    ended = run_collector("serve", environment=installation.environment(impostor))
    assert ended.returncode == 1
    assert f"{old_kid} is another key" in ended.stderr
    for said in (ended.stderr, listed.stdout, listed.stderr):
        assert new.partition(":")[2] not in said


def test_a_process_that_still_writes_under_the_old_key_is_told_of(
    installation: Installation,
) -> None:
    old, old_kid = _new_key()
    new, _ = _new_key()
    both = f"{new},{old}"
    with installation.serving(f"{old},{new}") as client:
        _stored(client, 1)
        # Its row is locked, so the run waits there while the service writes another.
        with _locked(installation.database):
            rewrap = _started(installation, both)
            _wait_for_its_lock(installation.database)
            _stored(client, 1)
        _, told = rewrap.communicate(timeout=120)
    assert rewrap.returncode == 1
    assert f"{old_kid} must stay in ENCRYPTION_KEYS: a process still encrypts under it" in told
    again = installation.keys("rewrap", both)
    assert again.returncode == 0
    assert f"Nothing is under {old_kid} any more" in again.stdout


@pytest.mark.parametrize("in_clear", [True, False], ids=["in clear", "under an old key"])
def test_a_run_killed_in_the_middle_is_taken_up_by_the_next(
    installation: Installation, in_clear: bool
) -> None:
    old, old_kid = _new_key()
    new, new_kid = _new_key()
    both = f"{new},{old}"
    _fill_in_clear(installation.database)
    if not in_clear:
        assert installation.keys("rewrap", old).returncode == 0
        assert _under(installation.database, old_kid) == (_CLEAR_REPORTS, _CLEAR_REPORTS)
    with installation.serving(both) as client:
        listed = client.get("/reports", params={"limit": 100}).json()["items"]
        before = {f"/reports/{item['id']}": b"" for item in listed}
        before = {path: client.get(path).content for path in before}
        with _locked(installation.database):
            rewrap = _started(installation, both)
            _wait_for_its_lock(installation.database)
            os.kill(rewrap.pid, signal.SIGKILL)
            rewrap.communicate(timeout=120)
        done, _ = _under(installation.database, new_kid)
        assert 0 < done < _CLEAR_REPORTS
        _assert_there(client, before)
        if not in_clear:
            refused = run_collector("serve", environment=installation.environment(new))
            assert refused.returncode == 1
            assert old_kid in refused.stderr
        counted = installation.keys("rewrap --dry-run", both)
        assert f"{_CLEAR_REPORTS - done} " in counted.stdout
        again = installation.keys("rewrap", both)
        assert again.returncode == 0, again.stderr
        assert f"{_CLEAR_REPORTS - done} " in again.stdout
        assert _under(installation.database, new_kid) == (_CLEAR_REPORTS, _CLEAR_REPORTS)
        _assert_there(client, before)
    with installation.serving(new) as client:
        _assert_there(client, before)


def _fill_in_clear(database: TestDatabase) -> None:
    """Reports as the first version stored them, the oldest first in the walk."""
    values = {"tenant": "acme", "count": _CLEAR_REPORTS, "start": "now", "span": "1 second"}
    database.run(access.OWNER, BACKFILL, values)
    document = """'{"raw":{"n":' || block_count || ',"id":"' || id || '"},"status":{}}'"""
    database.run(access.OWNER, f"UPDATE reports SET document = ({document})::json")


def _under(database: TestDatabase, kid: str) -> tuple[int, int]:
    """How many reports are under this key, and how many there are."""
    with database.login(access.OWNER) as connection, connection.cursor() as cursor:
        cursor.execute(_COUNT, (kid,))
        row = cursor.fetchone()
    assert row is not None
    return row[0], row[1]


@contextmanager
def _locked(database: TestDatabase) -> Iterator[None]:
    """Holds the newest report, which the walk comes to last."""
    connection = psycopg2.connect(libpq_dsn(database.url(access.OWNER)))
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT FROM reports ORDER BY id DESC LIMIT 1 FOR UPDATE")
        yield
    finally:
        connection.close()


def _started(installation: Installation, keyring: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [COLLECTOR, "keys", "rewrap"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=installation.environment(keyring),
    )


def _wait_for_its_lock(database: TestDatabase) -> None:
    waiting = (
        "SELECT count(*) FROM pg_stat_activity WHERE usename = 'collector_maint'"
        " AND datname = current_database() AND wait_event_type = 'Lock'"
    )
    administrator = database.server.administrator
    wait_until(lambda: database.run(administrator, waiting) == [(1,)], "the run to meet the lock")


def test_an_altered_report_is_an_integrity_failure_in_the_log_without_what_is_secret(
    installation: Installation,
) -> None:
    entry, kid = _new_key()
    with installation.serving(entry) as client:
        [(path, _)] = _stored(client, 1).items()
        altered = "UPDATE reports SET raw_sealed = set_byte(raw_sealed, 12, 0) || '\\x00'"
        installation.database.run(access.OWNER, altered)
        assert [client.get(path).status_code for _ in range(2)] == [500, 500]
    logged = (installation.folder / "log").read_text()
    events = [json.loads(line) for line in logged.splitlines() if "integrity_failure" in line]
    assert [(event["report_id"], event["kid"], event["count"]) for event in events] == [
        (path.rpartition("/")[2], kid, 1),
        (path.rpartition("/")[2], kid, 2),
    ]
    assert f"RawUnreadable: raw of report {path.rpartition('/')[2]} under the key {kid}" in logged
    for secret in (entry.partition(":")[2], "line 0"):
        assert secret not in logged


def test_rewrap_and_list_work_on_the_embedded_database_running_or_not(
    folder: Path, environment: dict[str, str]
) -> None:
    with running("up", environment, folder / "log") as service, service.client() as client:
        stored = _stored(client)
        home = folder / "home"
        old = (home / "encryption-keys").read_text().strip()
        new, new_kid = _new_key()
        rotated = {**environment, "ENCRYPTION_KEYS": f"{new},{old}"}
        rewrapped = run_collector("keys", "rewrap", environment=rotated)
        assert rewrapped.returncode == 0, rewrapped.stderr
        assert f"{len(stored)} under dev1 were encrypted anew" in rewrapped.stdout
        service.stop()
    listed = run_collector("keys", "list", environment=rotated)
    assert listed.returncode == 0, listed.stderr
    assert re.search(rf"^{new_kid} +newest +in use", listed.stdout, re.MULTILINE)
    assert re.search(r"^dev1 +older +none", listed.stdout, re.MULTILINE)


def test_rewrap_without_keys_or_the_maintenance_login_says_what_to_set(
    installation: Installation,
) -> None:
    key, _ = _new_key()
    without_keys = installation.environment(key)
    del without_keys["ENCRYPTION_KEYS"]
    without_login = installation.environment(key)
    del without_login["MAINTENANCE_DATABASE_URL"]
    for environment, named in (
        (without_keys, "ENCRYPTION_KEYS"),
        (without_login, "MAINTENANCE_DATABASE_URL"),
    ):
        ended = run_collector("keys", "rewrap", environment=environment)
        assert ended.returncode == 1
        assert f"Error: {named} must be set" in ended.stderr
