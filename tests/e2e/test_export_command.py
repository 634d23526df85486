"""`collector export`: from asking for it to a verified file, and all that may come between."""

import gzip
import json
import os
import pty
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from service.verify_command import verify
from tests.e2e.exported import LARGE, Exported, listed, store_large_reports
from tests.e2e.service_process import (
    COLLECTOR,
    Service,
    clean_environment,
    running,
    short_folder,
)
from tests.support.faulty_network import FaultyNetwork, faulty_network_to


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with short_folder() as folder:
        settings = clean_environment(COLLECTOR_HOME=str(folder / "home"), DRAIN_SECONDS="0")
        with running("up", settings, folder / "log") as started:
            store_large_reports(started)
            yield started


@pytest.fixture
def exported(service: Service, tmp_path: Path) -> Exported:
    return Exported(service, tmp_path)


def _without_raw(answered: dict[str, Any]) -> dict[str, Any]:
    return {**answered, "report": {**answered["report"], "raw": None}}


def _id_in(text: str) -> str:
    found = re.search(r"Export ([0-9a-f-]{36})", text)
    assert found, text
    return found[1]


def test_export_is_asked_for_waited_for_and_verified(exported: Exported) -> None:
    ended = exported.export("--since", "1d", "-o", "all.ndjson")
    assert ended.exit_code == 0, ended.stderr
    assert exported.names() == ["all.ndjson", "all.ndjson.manifest.json"]
    lines = (exported.folder / "all.ndjson").read_bytes().splitlines()
    assert [json.loads(line) for line in lines] == [
        _without_raw(each) for each in listed(exported.service)
    ]
    assert f"all.ndjson  {LARGE} reports, " in ended.stdout
    assert "all.ndjson.manifest.json  the signature over the manifest is right" in ended.stdout
    # No bar where there is no terminal.
    assert ended.stderr == f"Export {_id_in(ended.stderr)} of {LARGE} reports was asked for.\n"
    file = str(exported.folder / "all.ndjson")
    verified = CliRunner().invoke(verify, [file, "--keys", exported.service.url])
    assert verified.exit_code == 0, verified.output


def test_json_tells_where_it_is_and_what_was_left_out_is_chosen(exported: Exported) -> None:
    ended = exported.export("--since", "24h", "--severity", "block", "--include-raw", "--json")
    told = json.loads(ended.stdout)
    assert told["file"] == f"qc-reports-{told['export_id']}.ndjson.gz"
    assert (told["format"], told["compression"]) == ("ndjson", "gzip")
    content = (exported.folder / told["file"]).read_bytes()
    assert len(content) == told["size"]
    blocked = [each for each in listed(exported.service) if each["severity"] == "block"]
    assert [json.loads(line) for line in gzip.decompress(content).splitlines()] == blocked
    assert told["records"] == len(blocked)
    again = exported.export("--id", told["export_id"], "--json", "-q")
    assert json.loads(again.stdout) == told
    assert again.stderr == ""


def test_cut_connections_are_gone_on_from_where_they_were_cut(exported: Exported) -> None:
    with faulty_network_to(exported.service.port) as network:
        network.cut_after = 1_000_000
        arguments = ("--since", "1d", "--include-raw", "-o", "all.ndjson")
        ended = exported.export(*arguments, url=network.url)
        assert ended.exit_code == 0, ended.stderr
        size = (exported.folder / "all.ndjson").stat().st_size
        assert network.cuts >= 2
        assert network.answered < size + network.cuts * 70_000 + 100_000
        _only_the_api_sees_the_key(exported, network)
    lines = (exported.folder / "all.ndjson").read_bytes().splitlines()
    assert [json.loads(line) for line in lines] == listed(exported.service)


def _only_the_api_sees_the_key(exported: Exported, network: FaultyNetwork) -> None:
    downloads = [bytes(sent) for sent in network.sent if b"/download?token=" in sent]
    assert len(downloads) == network.cuts + 1
    assert all(b"Range: bytes=" in sent or b"range: bytes=" in sent for sent in downloads[1:])
    assert not any(exported.service.keys["auditor"].encode() in sent for sent in downloads)


def test_what_another_run_has_left_is_gone_on_with_if_it_is_the_files_beginning(
    exported: Exported,
) -> None:
    whole = exported.export("--since", "1d", "--include-raw", "-o", "whole.ndjson", "--json")
    told = json.loads(whole.stdout)
    content = (exported.folder / "whole.ndjson").read_bytes()
    partial = exported.folder / f"again.ndjson.{told['export_id']}.partial"
    half = len(content) // 2
    with faulty_network_to(exported.service.port) as network:
        partial.write_bytes(content[:half])
        ended = exported.export("--id", told["export_id"], "-o", "again.ndjson", url=network.url)
        assert ended.exit_code == 0, ended.stderr
        assert (exported.folder / "again.ndjson").read_bytes() == content
        assert not partial.exists()
        assert network.answered < len(content) - half + 50_000
        # What is no beginning of it is not gone on with.
        partial.write_bytes(b"x" * half)
        ended = exported.export("--id", told["export_id"], "-o", "again.ndjson", url=network.url)
        assert ended.exit_code == 0, ended.stderr
        assert (exported.folder / "again.ndjson").read_bytes() == content


def test_byte_that_changes_on_the_way_is_found_and_nothing_is_left(exported: Exported) -> None:
    (exported.folder / "all.ndjson").write_text("what was there before")
    with faulty_network_to(exported.service.port) as network:
        network.changed = 500_000
        ended = exported.export(
            "--since", "1d", "--include-raw", "-o", "all.ndjson", url=network.url
        )
    assert ended.exit_code == 3
    assert "The download is deleted: all.ndjson is not what was signed: the first part" in (
        ended.stderr
    )
    assert exported.names() == ["all.ndjson"]
    assert (exported.folder / "all.ndjson").read_text() == "what was there before"


def test_keys_that_are_not_trusted_stop_it_before_anything_is_downloaded(
    exported: Exported,
) -> None:
    (exported.folder / "keys.json").write_text('{"keys": []}')
    ended = exported.export("--since", "1d", "-o", "all.ndjson", "--keys", "keys.json")
    assert ended.exit_code == 3
    assert "Nothing was downloaded: signature is by a key that is not among" in ended.stderr
    assert exported.names() == ["keys.json"]


@pytest.mark.parametrize(
    ("arguments", "role", "code", "told"),
    [
        (("--since", "1d"), "viewer", 1, "403 Forbidden"),
        (("--since", "1d"), "operator", 1, "auditor or admin"),
        (("--since", "200d"), "auditor", 1, "The window is 200 days long; an export may have 90"),
        (("--since", "now", "--until", "1d"), "auditor", 1, "until is not after since"),
        (
            ("--since", "1d", "--format", "parquet", "--compression", "gzip"),
            "auditor",
            1,
            "Parquet",
        ),
        (("--id", "0190a6d2-7c1e-7d3b-9a54-2f6f0c1e8b21"), "auditor", 1, "404"),
        (("--since", "soon"), "auditor", 2, "--since: not a time that is understood"),
        ((), "auditor", 2, "give either --since, or the --id"),
        (("--since", "1d", "-o", "none/all.csv"), "auditor", 2, "no folder that can be written"),
        (("--since", "1d", "--format", "xml"), "auditor", 2, "--format"),
        (("--since", "1d", "--keys", "none.json"), "auditor", 2, "--keys: can't read the file"),
    ],
)
def test_what_is_refused_is_told_and_leaves_nothing(
    exported: Exported, arguments: tuple[str, ...], role: str, code: int, told: str
) -> None:
    ended = exported.export(*arguments, role=role)
    assert (ended.exit_code, told in ended.stderr) == (code, True), ended.stderr
    assert ended.stdout == ""
    assert exported.names() == []


def test_service_out_of_reach_is_told(exported: Exported) -> None:
    ended = exported.export(
        "--id", "0190a6d2-7c1e-7d3b-9a54-2f6f0c1e8b21", url="http://127.0.0.1:9"
    )
    assert ended.exit_code == 1
    assert "can't reach http://127.0.0.1:9: ConnectError" in ended.stderr


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_cancels_the_export(exported: Exported, sent: signal.Signals) -> None:
    with exported.no_worker_works():
        command = exported.start("--since", "1d")
        assert command.stderr is not None
        export_id = _id_in(command.stderr.readline())
        command.send_signal(sent)
        _, errors = command.communicate(timeout=30)
        assert command.returncode == 130
        assert f"Export {export_id} is cancelled." in errors
        assert exported.look(export_id) == "cancelled"
    ended = exported.export("--id", export_id)
    assert (ended.exit_code, f"Export {export_id} was cancelled." in ended.stderr) == (1, True)
    assert exported.names() == []


def test_kept_it_is_gone_on_with_by_its_id(exported: Exported) -> None:
    with exported.no_worker_works():
        command = exported.start("--since", "1d", "-o", "all.ndjson", "--keep")
        assert command.stderr is not None
        export_id = _id_in(command.stderr.readline())
        command.send_signal(signal.SIGINT)
        _, errors = command.communicate(timeout=30)
        assert command.returncode == 130
        assert f"`collector export --id {export_id} -o all.ndjson` goes on with it." in errors
        assert exported.look(export_id) == "queued"
    ended = exported.export("--id", export_id, "-o", "all.ndjson")
    assert ended.exit_code == 0, ended.stderr
    assert exported.names() == ["all.ndjson", "all.ndjson.manifest.json"]


def test_fourth_export_at_work_is_refused_at_once(exported: Exported) -> None:
    with exported.no_worker_works():
        commands = [exported.start("--since", "1d") for _ in range(3)]
        for command in commands:
            assert command.stderr is not None
            _id_in(command.stderr.readline())
        ended = exported.export("--since", "1d")
        assert ended.exit_code == 1
        assert "429" in ended.stderr
        assert "Try again" in ended.stderr
        for command in commands:
            command.send_signal(signal.SIGINT)
        for command in commands:
            command.communicate(timeout=30)


def test_progress_is_shown_on_a_terminal(exported: Exported) -> None:
    ours, theirs = pty.openpty()
    try:
        command = subprocess.Popen(
            [COLLECTOR, "export", "--since", "1d", "-o", "all.ndjson"],
            stdout=subprocess.DEVNULL,
            stderr=theirs,
            cwd=exported.folder,
            env=exported.environment() | {"TERM": "xterm"},
        )
        assert command.wait(timeout=60) == 0
        shown = os.read(ours, 65536).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    size = (exported.folder / "all.ndjson").stat().st_size
    assert f"Exporting  [####################################]  {LARGE}/{LARGE}" in shown
    assert f"Downloading  [####################################]  {size}/{size}" in shown


def test_failed_export_says_why(exported: Exported) -> None:
    [home] = [path for path in exported.service.log_path.parent.iterdir() if path.name == "home"]
    store = home / "exports"
    moved = home / "moved"
    # The service makes it with the first export, and this test may come before any other.
    store.mkdir(mode=0o700, exist_ok=True)
    store.rename(moved)
    store.write_text("no folder")
    try:
        ended = exported.export("--since", "1d")
    finally:
        store.unlink()
        moved.rename(store)
    assert ended.exit_code == 1
    assert f"Export {_id_in(ended.stderr)} failed: " in ended.stderr
    assert exported.names() == []


def test_examples_of_the_help_run(exported: Exported) -> None:
    text = exported.export("--help").stdout
    examples = re.findall(
        r"^ +collector (export .*)$", text.partition("Examples:")[2], re.MULTILINE
    )
    assert len(examples) >= 4
    with exported.service.client("viewer") as client:
        listing = client.get("/.well-known/collector-keys.json").content
    (exported.folder / "keys.json").write_bytes(listing)
    for example in examples:
        _, *arguments = example.split()
        ended = exported.export(*arguments)
        assert ended.exit_code == 0, example + ended.stderr
