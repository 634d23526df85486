"""`collector push`: from files on a disk to stored reports, as a CI job runs it."""

import json
import os
import secrets
import signal
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from generated.models import Total
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
    with shared_service.api("viewer") as client:
        for line in lines:
            severity, report_id = line.split()[:2]
            assert client.get_report(report_id=UUID(report_id)).body.severity == severity


def test_the_stream_is_kept(shared_service: Service) -> None:
    sample = SAMPLES / "junit_pytest.xml"
    ended = push(shared_service, "--stream", "checkout-api/main", sample)
    report_id = ended.stdout.split()[1]
    with shared_service.api("viewer") as client:
        report = client.get_report(report_id=UUID(report_id)).body.report
    assert report.stream == "checkout-api/main"


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


def test_a_missing_file_an_empty_folder_and_a_refused_body_each_fail_with_a_reason(
    shared_service: Service, folder: Path
) -> None:
    broken = folder / "broken.sarif"
    broken.write_text('{"version": "2.1.0", "runs": "none"}')
    (folder / "empty").mkdir()
    ended = push(shared_service, "--format", "sarif", folder / "missing", folder / "empty", broken)
    assert ended.returncode == 1
    for named in (folder / "missing", folder / "empty", broken):
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
    before = shared_service.log().count('"status":403')
    sample = str(SAMPLES / "junit_pytest.xml")
    ended = run_collector("push", sample, environment=push_environment(shared_service, "viewer"))
    assert ended.returncode == 1
    assert "403" in ended.stderr
    assert shared_service.log().count('"status":403') == before + 1


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
        with second.api() as client:
            page = client.list_reports(include_total=True).body
        assert page.total == Total(count=1, exact=True)
        assert str(page.items[0].id) in output


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


def stored(service: Service, since: datetime | None = None) -> int:
    """How many reports the tenant has since that time, up to 1,000."""
    with service.api("viewer") as client:
        total = client.list_reports(include_total=True, since=since).body.total
    assert total is not None
    return total.count


def qc_report(note: str) -> str:
    return json.dumps({"status": {"api": "pass"}, "notes": [note]}, indent=2)


def filled(folder: Path) -> Path:
    """A folder with reports, one below it, a tool's output, and what isn't to be sent."""
    reports = folder / "reports"
    (reports / "nightly").mkdir(parents=True)
    (reports / ".git").mkdir()
    token = secrets.token_hex(8)
    (reports / "a.json").write_text(qc_report(f"a {token}"))
    (reports / "nightly" / "b.json").write_text(qc_report(f"b {token}"))
    (reports / "c.sarif").write_bytes((SAMPLES / "sarif_suppressions.sarif").read_bytes())
    (reports / ".hidden.json").write_text(qc_report("hidden"))
    (reports / ".git" / "d.json").write_text(qc_report("hidden too"))
    many = [json.dumps(json.loads(qc_report(f"{n} {token}"))) for n in range(3)]
    (reports / "many.ndjson").write_text("\n\n".join(many))
    return reports


def test_a_folder_is_sent_whole_without_what_is_hidden(
    shared_service: Service, folder: Path
) -> None:
    reports = filled(folder)
    ended = push(shared_service, reports)
    assert ended.returncode == 0, ended.stderr
    names = sorted(line.split()[2] for line in ended.stdout.splitlines())
    expected = ["a.json", "c.sarif", "nightly/b.json"]
    lines = [f"many.ndjson:{number}" for number in (1, 3, 5)]
    assert names == sorted(f"{reports}/{name}" for name in expected + lines)


def test_a_named_push_made_twice_stores_once_and_one_without_a_name_each_time(
    shared_service: Service, folder: Path
) -> None:
    reports = filled(folder)
    # Others' reports in the shared service may be more than are counted.
    since = datetime.now(UTC)
    first = push(shared_service, "--run", "8841", reports)
    count = stored(shared_service, since)
    assert first.returncode == 0, first.stderr
    second = push(shared_service, "--run", "8841", reports)
    ids = [[line.split()[1] for line in each.stdout.splitlines()] for each in (first, second)]
    assert ids[0] == ids[1]
    assert second.stdout.count("(stored before)") == 6
    assert stored(shared_service, since) == count == 6
    for more in ((), (), ("--run", "8842")):
        ended = push(shared_service, *more, reports)
        assert ended.returncode == 0
        assert ended.stdout.count("(same as ") == 6
        count += 6
        assert stored(shared_service, since) == count


def test_two_equal_files_are_two_reports(shared_service: Service, folder: Path) -> None:
    text = qc_report(secrets.token_hex(8))
    for name in ("one.json", "two.json"):
        (folder / name).write_text(text)
    ended = push(shared_service, folder / "one.json", folder / "two.json")
    assert len({line.split()[1] for line in ended.stdout.splitlines()}) == 2


def test_bad_reports_of_a_batch_are_named_and_the_others_stored(
    shared_service: Service, folder: Path
) -> None:
    reports = filled(folder)
    bad = json.loads(qc_report("x"))
    bad["notes"] = ["n" * 9000]
    (reports / "bad.json").write_text(json.dumps(bad))
    with (reports / "many.ndjson").open("a") as lines:
        lines.write("\nno JSON\n")
    (reports / "picture.png").write_bytes(b"\x89PNG")
    ended = push(shared_service, reports)
    assert ended.returncode == 1
    assert len(ended.stdout.splitlines()) == 6
    assert f"failed  {reports}/bad.json: 422 Invalid input" in ended.stderr
    assert "/notes/0: maxLength 8192" in ended.stderr
    assert f"failed  {reports}/many.ndjson:6: 400 Malformed request" in ended.stderr
    assert f"failed  {reports}/picture.png: its format isn't recognised" in ended.stderr
    mended = push(shared_service, "--ignore-unknown", reports)
    assert "picture.png" not in mended.stderr


def test_a_folder_of_thousands_goes_in_batches_with_gzip(
    shared_service: Service, folder: Path
) -> None:
    token = secrets.token_hex(8)
    lines = [json.dumps({"status": {"n": "pass"}, "notes": [f"{n} {token}"]}) for n in range(2500)]
    (folder / "all.jsonl").write_text("\n".join(lines))
    ended = push(shared_service, folder / "all.jsonl")
    assert ended.returncode == 0, ended.stderr
    printed = ended.stdout.splitlines()
    ids = [line.split()[1] for line in printed]
    assert len(set(ids)) == 2500
    assert ids == sorted(ids)
    assert printed[-1].split()[2].endswith("all.jsonl:2500")


def test_a_killed_push_can_be_made_again_and_everything_is_stored_once(
    folder: Path, environment: dict[str, str]
) -> None:
    lines = [json.dumps({"status": {"n": "pass"}, "notes": [str(n)]}) for n in range(900)]
    for number in range(30):
        (folder / f"{number:02}.ndjson").write_text("\n".join(lines[number * 30 :][:30]))
        (folder / f"{number:02}.json").write_text(qc_report(str(number)))
    with running("up", environment, folder / "log") as service:
        arguments = [COLLECTOR, "push", "--run", "1", *map(str, sorted(folder.glob("*.json")))]
        first = subprocess.Popen(arguments, env=push_environment(service))
        deadline = time.monotonic() + 30
        while stored(service) == 0 and time.monotonic() < deadline:
            time.sleep(0.01)
        first.kill()
        first.wait()
        assert push(service, "--run", "1", *sorted(folder.glob("*.json"))).returncode == 0
        assert stored(service) == 30
        for _ in range(2):
            assert push(service, "--run", "1", *sorted(folder.glob("*.ndjson"))).returncode == 0
        assert stored(service) == 930
