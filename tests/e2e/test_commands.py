"""`collector migrate`, `settings`, `serve`, and what each says when it is told nonsense."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from service.cli import main
from tests.e2e.service_process import clean_environment, run_collector, running


def test_help_names_every_command() -> None:
    ended = run_collector("--help", environment=clean_environment())
    assert ended.returncode == 0
    assert isinstance(main, click.Group)
    for command in main.list_commands(click.Context(main)):
        assert f"\n  {command} " in ended.stdout
        shown = CliRunner().invoke(main, [command, "--help"])
        assert (shown.exit_code, f"main {command} " in shown.output) == (0, True)


def test_an_unknown_command_is_told() -> None:
    ended = run_collector("psuh", environment=clean_environment())
    assert (ended.returncode, "No such command 'psuh'" in ended.stderr) == (2, True)


@pytest.mark.parametrize("command", ["up", "serve", "worker", "migrate", "settings"])
def test_bad_settings_are_all_named_at_once_and_never_repeated(command: str) -> None:
    wrong = clean_environment(
        PORT="http", WORKERS="0", LOG_LEVEL="chatty", DATABASE_URL="mysql://u:hunter2@host/db"
    )
    ended = run_collector(command, environment=wrong)
    assert ended.returncode == 1
    for name in ("PORT", "WORKERS", "LOG_LEVEL", "DATABASE_URL"):
        assert name in ended.stderr, f"{name} is not named:\n{ended.stderr}"
    assert "hunter2" not in ended.stderr + ended.stdout
    assert "Traceback" not in ended.stderr


def test_bad_api_keys_are_named_by_place_and_never_repeated(environment: dict[str, str]) -> None:
    entries = "ci:acme:boss:topsecretvalue,justonefieldthatissecret"
    ended = run_collector("up", environment={**environment, "API_KEYS": entries})
    assert ended.returncode == 1
    assert "entry 1" in ended.stderr
    assert "entry 2" in ended.stderr
    assert "secret" not in ended.stderr.replace("role:secret", "")


def test_settings_prints_every_setting_with_secrets_masked() -> None:
    secrets = {
        "DATABASE_URL": "postgresql://collector_app:hunter2@db.example/collector",
        "API_KEYS": "ci:acme:operator:hunter3",
        "ENCRYPTION_KEYS": "k1:aHVudGVyNA==",
    }
    ended = run_collector("settings", environment=clean_environment(**secrets, PORT="8123"))
    assert ended.returncode == 0, ended.stderr
    for name in (*secrets, "PORT", "WORKERS", "DB_POOL_SIZE", "COLLECTOR_HOME", "DRAIN_SECONDS"):
        assert name in ended.stdout
    assert "8123" in ended.stdout
    assert "********" in ended.stdout
    for secret in ("hunter", "aHVudGVyNA"):
        assert secret not in ended.stdout + ended.stderr


def test_a_setting_can_come_from_a_file(folder: Path) -> None:
    file = folder / "port"
    file.write_text("8124\n")
    environment = clean_environment(PORT_FILE=str(file))
    del environment["PORT"]
    ended = run_collector("settings", environment=environment)
    assert "8124" in ended.stdout


def test_serve_without_a_database_says_what_to_set(environment: dict[str, str]) -> None:
    ended = run_collector("serve", environment=environment)
    assert ended.returncode == 1
    assert "DATABASE_URL" in ended.stderr
    assert "collector up" in ended.stderr


def test_serve_on_an_unreachable_database_says_so(environment: dict[str, str]) -> None:
    url = "postgresql://collector_app:hunter2@127.0.0.1:1/collector"
    settings = {**environment, "DATABASE_URL": url, "API_KEYS": f"ci:acme:admin:{'k' * 32}"}
    ended = run_collector("serve", environment=settings)
    assert ended.returncode == 1
    assert "DATABASE_URL" in ended.stderr
    assert "127.0.0.1:1 as collector_app" in ended.stderr
    assert "hunter2" not in ended.stderr
    assert "Traceback" not in ended.stderr


def test_migrate_brings_up_the_embedded_database_and_is_safe_to_repeat(
    folder: Path, environment: dict[str, str]
) -> None:
    first = run_collector("migrate", environment=environment)
    assert first.returncode == 0, first.stderr
    assert "Migrated from nothing to" in first.stdout
    again = run_collector("migrate", environment=environment)
    assert again.returncode == 0, again.stderr
    assert "already" in again.stdout
    with running("up", environment, folder / "log"):
        while_it_runs = run_collector("migrate", environment=environment)
    assert while_it_runs.returncode == 0, while_it_runs.stderr
    assert "already" in while_it_runs.stdout
