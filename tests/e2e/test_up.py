"""`collector up`: one command brings up database, schema and API, again and again."""

import re
import socket
from pathlib import Path

from tests.e2e.service_process import ROLES, processes_in, run_collector, running


def test_a_cold_start_makes_everything_and_a_warm_one_keeps_the_reports(
    folder: Path, environment: dict[str, str]
) -> None:
    with running("up", environment, folder / "log") as cold:
        with cold.client() as client:
            posted = client.post("/ingest/qc", json={"status": {"api": "fail"}})
        assert posted.status_code == 201, posted.text
        assert cold.stop() == 0
    with running("up", environment, folder / "log") as warm:
        with warm.client("viewer") as client:
            found = client.get(posted.headers["Location"])
        assert found.status_code == 200
        assert found.json()["severity"] == "block"
        assert warm.stop() == 0


def test_each_start_prints_one_new_key_for_each_role(
    folder: Path, environment: dict[str, str]
) -> None:
    seen: set[str] = set()
    for _ in range(2):
        with running("up", environment, folder / "log") as service:
            assert tuple(service.keys) == ROLES
            service.stop()
            for key in service.keys.values():
                assert service.printed.count(key) == 1
                assert key not in service.log()
            seen.update(service.keys.values())
    assert len(seen) == 2 * len(ROLES)


def test_configured_keys_are_used_and_never_printed(
    folder: Path, environment: dict[str, str]
) -> None:
    secret = "s3cret-" + "x" * 32
    entries = f"ci:acme:operator:{secret}"
    with running("up", {**environment, "API_KEYS": entries}, folder / "log") as service:
        service.keys["operator"] = secret
        with service.client(tenant="acme") as client:
            assert client.get("/reports").status_code == 200
        service.stop()
        assert secret not in service.printed + service.log()


def test_a_second_up_on_one_home_fails_and_says_who_has_it(
    folder: Path, environment: dict[str, str]
) -> None:
    with running("up", environment, folder / "log") as first:
        second = run_collector("up", environment=environment)
        assert second.returncode == 1
        assert str(folder / "home") in second.stderr
        assert str(first.process.pid) in second.stderr
        assert "Traceback" not in second.stderr
        with first.client() as client:
            assert client.get("/health").json()["status"] == "ok"


def test_a_port_in_use_is_named_and_nothing_is_left_running(
    folder: Path, environment: dict[str, str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = run_collector("up", environment={**environment, "PORT": port})
    assert ended.returncode == 1
    assert f"127.0.0.1:{port}" in ended.stderr
    assert re.search("in use", ended.stderr)
    assert not processes_in(folder)
    assert "API key" not in ended.stdout


def test_up_on_a_home_that_cannot_be_made_says_so(environment: dict[str, str]) -> None:
    ended = run_collector("up", environment={**environment, "COLLECTOR_HOME": "/dev/null/home"})
    assert ended.returncode == 1
    assert "/dev/null" in ended.stderr
    assert "Traceback" not in ended.stderr
