"""`collector push`: from files on a disk to stored reports, as a CI job runs it."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.e2e.service_process import (
    COLLECTOR,
    ROOT,
    Service,
    clean_environment,
    command_line_of,
    run_collector,
    running,
)

SAMPLES = ROOT / "tests" / "samples"
QC_REPORT = '{"status": {"api": "warn"}, "source": {"tool": "qc-runner"}}'


def push_environment(service: Service, role: str = "operator") -> dict[str, str]:
    return clean_environment(
        COLLECTOR_URL=service.url, API_KEY=service.keys[role], TENANT_ID="demo"
    )


def push(service: Service, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return run_collector("push", *map(str, arguments), environment=push_environment(service))


def test_samples_are_recognised_and_stored_with_a_line_each(
    shared_service: Service, folder: Path
) -> None:
    own = folder / "own.json"
    own.write_text(QC_REPORT)
    samples = [path for path in sorted(SAMPLES.iterdir()) if path.suffix != ".md"]
    ended = push(shared_service, *samples, own)
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert len(lines) == len(samples) + 1
    with shared_service.client("viewer") as client:
        for line in lines:
            severity, report_id = line.split()[:2]
            found = client.get(f"/reports/{report_id}")
            assert found.json()["severity"] == severity


def test_the_stream_is_kept(shared_service: Service) -> None:
    sample = SAMPLES / "junit_pytest.xml"
    ended = push(shared_service, "--stream", "checkout-api/main", sample)
    report_id = ended.stdout.split()[1]
    with shared_service.client("viewer") as client:
        report = client.get(f"/reports/{report_id}").json()["report"]
    assert report["stream"] == "checkout-api/main"


@pytest.mark.parametrize(
    ("status", "fail_on", "exit_code"),
    [
        ("pass", "warn", 0),
        ("warn", "warn", 3),
        ("warn", "block", 0),
        ("fail", "block", 3),
        ("fail", "warn", 3),
    ],
)
def test_fail_on_turns_severity_into_the_exit_code(
    shared_service: Service, folder: Path, status: str, fail_on: str, exit_code: int
) -> None:
    file = folder / "report.json"
    file.write_text(f'{{"status": {{"api": "{status}"}}}}')
    ended = push(shared_service, "--fail-on", fail_on, file)
    assert ended.returncode == exit_code, ended.stderr


def test_an_unknown_format_is_named_and_the_other_files_are_stored(
    shared_service: Service, folder: Path
) -> None:
    unknown = folder / "unknown.bin"
    unknown.write_bytes(b"\x00\x01not a report")
    ended = push(shared_service, unknown, SAMPLES / "junit_pytest.xml")
    assert ended.returncode == 1
    assert str(unknown) in ended.stderr
    assert "--format" in ended.stderr
    assert len(ended.stdout.splitlines()) == 1


def test_a_missing_file_a_folder_and_a_refused_body_each_fail_with_a_reason(
    shared_service: Service, folder: Path
) -> None:
    broken = folder / "broken.sarif"
    broken.write_text('{"version": "2.1.0", "runs": "none"}')
    ended = push(shared_service, "--format", "sarif", folder / "missing", folder, broken)
    assert ended.returncode == 1
    for named in (folder / "missing", folder, broken):
        assert f"failed  {named}: " in ended.stderr
    assert "422" in ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize(
    "arguments", [(), ("--fail-on", "info", "x"), ("--format", "csv", "x"), ("--nonsense",)]
)
def test_wrong_usage_exits_with_2(shared_service: Service, arguments: tuple[str, ...]) -> None:
    assert push(shared_service, *arguments).returncode == 2


def test_a_push_without_a_key_exits_with_2_and_says_where_to_put_it(
    shared_service: Service,
) -> None:
    environment = push_environment(shared_service)
    del environment["API_KEY"]
    sample = str(SAMPLES / "junit_pytest.xml")
    ended = run_collector("push", sample, environment=environment)
    assert ended.returncode == 2
    assert "API_KEY" in ended.stderr


def test_a_key_of_the_wrong_role_is_refused_at_once(shared_service: Service) -> None:
    began = time.monotonic()
    sample = str(SAMPLES / "junit_pytest.xml")
    ended = run_collector("push", sample, environment=push_environment(shared_service, "viewer"))
    assert ended.returncode == 1
    assert "403" in ended.stderr
    assert time.monotonic() - began < 5


def test_the_key_never_shows_in_the_list_of_processes(
    folder: Path, environment: dict[str, str]
) -> None:
    with running("up", environment, folder / "log") as service:
        service.process.send_signal(signal.SIGSTOP)
        pushing = _start_push(service)
        try:
            time.sleep(1.5)
            seen = command_line_of(pushing.pid)
            assert b"push" in seen
            assert service.keys["operator"].encode() not in seen
        finally:
            service.process.send_signal(signal.SIGCONT)
            output, errors = pushing.communicate(timeout=60)
        assert pushing.returncode == 0, errors
        assert service.keys["operator"] not in output + errors


def _start_push(service: Service) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [COLLECTOR, "push", str(SAMPLES / "junit_pytest.xml")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=push_environment(service),
    )


def test_a_push_survives_a_restart_of_the_service_and_stores_once(
    folder: Path, environment: dict[str, str]
) -> None:
    secret = "k" * 40
    settings = {**environment, "API_KEYS": f"ci:demo:operator:{secret}"}
    with running("up", settings, folder / "log") as first:
        first.keys["operator"] = secret
        # Stopped, it takes the connection and the request, and dies before it can answer.
        first.process.send_signal(signal.SIGSTOP)
        pushing = _start_push(first)
        time.sleep(1.5)
        first.kill_everything()
    with running("up", {**settings, "PORT": str(first.port)}, folder / "log") as second:
        output, errors = pushing.communicate(timeout=60)
        assert pushing.returncode == 0, errors
        second.keys["operator"] = secret
        with second.client() as client:
            page = client.get("/reports", params={"include_total": True}).json()
        assert page["total"] == {"count": 1, "exact": True}
        assert page["items"][0]["id"] in output


def test_a_server_that_stays_down_ends_the_push_with_1(environment: dict[str, str]) -> None:
    settings = {
        **environment,
        "COLLECTOR_URL": "http://127.0.0.1:1",
        "API_KEY": "k" * 32,
        "TENANT_ID": "demo",
    }
    ended = run_collector("push", str(SAMPLES / "junit_pytest.xml"), environment=settings)
    assert ended.returncode == 1
    assert "can't reach http://127.0.0.1:1" in ended.stderr
    assert os.environ.get("API_KEY", "k" * 32) not in ended.stderr
