"""The scripts that operators and newcomers run: smoke and demo."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from db import access
from db.migrate import migrate
from tests.e2e.service_process import ROOT, Service, clean_environment, processes_in, running
from tests.support.database import TestDatabase


def run_script(
    name: str, *arguments: str, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "scripts" / name, *arguments],
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def smoke_environment(service: Service, **changed: str) -> dict[str, str]:
    own = {
        "COLLECTOR_URL": service.url,
        "API_KEY": service.keys["operator"],
        "TENANT_ID": "demo",
    }
    return clean_environment(**{**own, **changed})


def test_the_smoke_passes_twice_on_a_running_service(shared_service: Service) -> None:
    for _ in range(2):
        ended = run_script("smoke", environment=smoke_environment(shared_service))
        assert ended.returncode == 0, ended.stdout + ended.stderr
        lines = ended.stdout.splitlines()
        assert len(lines) == 7
        assert all(line.startswith("ok  ") for line in lines)


def test_the_smoke_says_that_nothing_is_signed_where_nothing_is(
    folder: Path, empty_database: TestDatabase
) -> None:
    migrate(empty_database.direct_url(access.OWNER))
    secret = "key-of-the-smoke-that-signs-nothing"
    settings = clean_environment(
        DATABASE_URL=empty_database.url(access.APP),
        API_KEYS=f"ci:demo:operator:{secret}",
        DRAIN_SECONDS="0",
    )
    with running("serve", settings, folder / "log") as service:
        ended = run_script("smoke", environment=smoke_environment(service))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "bundle verifies: left out, as nothing is signed here" in ended.stdout
    assert "EXPORT_SIGN_SECRET is not set" in ended.stdout


def test_the_smoke_runs_from_any_folder_by_its_wrapper(
    shared_service: Service, tmp_path: Path
) -> None:
    ended = subprocess.run(
        [ROOT / "scripts" / "smoke.sh"],
        cwd=tmp_path,
        env=smoke_environment(shared_service),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("changed", "step", "reason"),
    [
        ({"COLLECTOR_URL": "http://127.0.0.1:1"}, "health", "COLLECTOR_URL"),
        ({"API_KEY": "wrong"}, "ingest", "401"),
        ({"TENANT_ID": "someone-else"}, "ingest", "403"),
    ],
)
def test_the_smoke_says_which_step_failed_and_why(
    shared_service: Service, changed: dict[str, str], step: str, reason: str
) -> None:
    ended = run_script("smoke", environment=smoke_environment(shared_service, **changed))
    assert ended.returncode == 1
    last = ended.stdout.splitlines()[-1]
    assert last.startswith(f"FAILED  {step}")
    assert reason in last
    assert "Traceback" not in ended.stderr


def test_the_smoke_with_a_viewers_key_fails_at_ingest(shared_service: Service) -> None:
    changed = {"API_KEY": shared_service.keys["viewer"]}
    ended = run_script("smoke", environment=smoke_environment(shared_service, **changed))
    assert ended.returncode == 1
    assert "403" in ended.stdout


@pytest.mark.parametrize("name", ["COLLECTOR_URL", "API_KEY", "TENANT_ID"])
def test_the_smoke_names_what_is_not_set(shared_service: Service, name: str) -> None:
    environment = smoke_environment(shared_service)
    del environment[name]
    ended = run_script("smoke", environment=environment)
    assert ended.returncode == 2
    assert name in ended.stderr


@pytest.mark.parametrize(
    "name", ["smoke", "check_roles_guard", "check_client_filter", "prove_recovery"]
)
def test_every_script_explains_itself(name: str) -> None:
    ended = run_script(name, "--help", environment=clean_environment())
    assert ended.returncode == 0
    assert len(ended.stdout.splitlines()) > 5
    assert run_script(name, "--nonsense", environment=clean_environment()).returncode == 2


def test_the_demo_shows_the_main_job_and_ends(folder: Path) -> None:
    environment = clean_environment(COLLECTOR_HOME=str(folder / "home"), DEMO_ONCE="1")
    ended = run_script("demo", environment=environment)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count("201 Created") == 10
    assert "304 Not Modified" in ended.stdout
    assert "\nVerified: report " in ended.stdout
    assert ended.stdout.endswith("Done.\n")
    assert not processes_in(folder)


def test_scripts_are_executable() -> None:
    for path in (ROOT / "scripts").iterdir():
        if path.is_file():
            assert os.access(path, os.X_OK), f"{path.name} can't be executed: chmod +x it"
