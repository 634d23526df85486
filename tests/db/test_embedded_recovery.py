"""An embedded database after kills at bad moments: it comes back by itself, with every row."""

import os
import pwd
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from db.embedded import EmbeddedDatabase
from tests.db.embedded_harness import (
    CALLER,
    Workplace,
    alive,
    children_of,
    kill_everything,
    users,
    wait_until,
    workplace,
)


@pytest.fixture(params=users())
def place(request: pytest.FixtureRequest) -> Iterator[Workplace]:
    yield from workplace(request.param)


@pytest.fixture
def own_place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Workplace]:
    """A workplace of the caller, also for databases that the test's own process starts."""
    for made in workplace(CALLER):
        monkeypatch.setenv("COLLECTOR_POSTGRES_DIR", str(made.system))
        yield made


def test_killed_postmaster_is_restarted_with_every_committed_row(place: Workplace) -> None:
    driver = place.start(action="watch")
    driver.rows("CREATE TABLE kept AS SELECT 7 AS number")
    os.kill(driver.postmaster, signal.SIGKILL)
    wait_until(lambda: "rows" in driver.ask("SELECT 1"), "the watchdog to restart the server")
    answer = driver.ask("SELECT number FROM kept")
    assert answer["rows"] == [[7]]
    assert answer["postmaster"] != driver.postmaster
    driver.stop()


def test_killed_owner_takes_the_server_down_and_the_next_start_waits(place: Workplace) -> None:
    driver = place.start()
    driver.rows("CREATE TABLE kept AS SELECT 7 AS number")
    driver.kill()
    again = place.start()
    assert not alive(driver.postmaster)
    assert "database system is shut down" in driver.log.read_text()
    assert again.rows("SELECT number FROM kept") == [[7]]
    again.stop()


def test_every_acknowledged_row_survives_a_kill_of_everything(place: Workplace) -> None:
    driver = place.start(action="write")
    assert driver.process.stdout is not None
    seen = [driver.process.stdout.readline() for _ in range(300)]
    printed = kill_everything(driver)
    numbers = {int(line) for line in "".join([*seen, printed]).split("\n")[:-1]}
    again = place.start()
    kept = {row[0] for row in again.rows("SELECT number FROM numbers")}
    assert len(numbers) >= 300
    assert numbers <= kept
    again.stop()


def test_orphans_that_do_not_end_by_themselves_are_ended_even_in_a_container(
    own_place: Workplace,
) -> None:
    extra = {"WITHOUT_PTRACE": "1"}
    driver = own_place.start(extra=extra)
    orphans = children_of(driver.postmaster)
    stopped_child = orphans[0]
    os.kill(stopped_child, signal.SIGSTOP)
    os.kill(driver.process.pid, signal.SIGKILL)
    os.kill(driver.postmaster, signal.SIGKILL)
    driver.process.communicate(timeout=10)
    again = own_place.start(extra=extra)
    assert not any(alive(orphan) for orphan in orphans)
    assert again.rows("SELECT 1") == [[1]]
    again.stop()


def test_initdb_that_was_killed_leaves_nothing_behind(place: Workplace) -> None:
    process = place.launch()
    cluster = place.home / "postgres"
    wait_until(lambda: any(cluster.glob("init.*/base")), "initdb to begin")
    process.kill()
    process.communicate(timeout=10)
    assert not (cluster / "data").exists()
    driver = place.start()
    assert driver.rows("SELECT 1") == [[1]]
    assert not list(cluster.glob("init.*"))
    driver.stop()


def test_stale_lock_files_with_a_strangers_pid_are_cleared(place: Workplace) -> None:
    driver = place.start()
    sockets = driver.data.parent / "sockets"
    locks = (driver.data / "postmaster.pid", sockets / ".s.PGSQL.5432.lock")
    contents = [lock.read_text() for lock in locks]
    owner = locks[0].stat()
    driver.stop()
    user = pwd.getpwuid(owner.st_uid).pw_name if os.geteuid() == 0 else None
    with subprocess.Popen(["sleep", "60"], user=user) as stranger:
        for lock, content in zip(locks, contents, strict=True):
            lock.write_text(content.replace(str(driver.postmaster), str(stranger.pid), 1))
            os.chown(lock, owner.st_uid, owner.st_gid)
        try:
            again = place.start()
            assert again.rows("SELECT 1") == [[1]]
            again.stop()
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_fork_of_the_owner_holds_neither_lock_nor_server(own_place: Workplace) -> None:
    driver = own_place.start(action="fork")
    child = int(str(driver.ready["child"]))
    assert alive(driver.postmaster)
    os.kill(driver.process.pid, signal.SIGKILL)
    wait_until(lambda: not alive(driver.postmaster), "the server to follow its owner")
    again = own_place.start()
    assert alive(child)
    os.kill(child, signal.SIGKILL)
    assert again.rows("SELECT 1") == [[1]]
    again.stop()


def test_server_that_ignores_a_shutdown_is_killed(own_place: Workplace) -> None:
    database = EmbeddedDatabase.start(own_place.home)
    postmaster = database.pid
    os.kill(postmaster, signal.SIGSTOP)
    database.stop(timeout=0.2)
    assert not alive(postmaster)
    EmbeddedDatabase.start(own_place.home).stop()


def test_grown_log_is_rotated_at_start(own_place: Workplace) -> None:
    EmbeddedDatabase.start(own_place.home).stop()
    log = own_place.home / "postgres" / "server.log"
    os.truncate(log, 10 * 1024 * 1024 + 1)
    EmbeddedDatabase.start(own_place.home).stop()
    assert log.stat().st_size < 100_000
    assert Path(f"{log}.1").stat().st_size == 10 * 1024 * 1024 + 1
