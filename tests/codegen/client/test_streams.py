"""Large bodies both ways: nobody holds one in memory, and whatever was opened is let go of."""

import hashlib
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from bench.round_trips.callers import Caller
from codegen.runtime.client_body import BodyForm, content_of
from tests.codegen.client.conftest import CASE, SECRET, PostOffice
from tests.codegen.client.unsteady import Refusal
from tests.codegen.conftest import free_port, wait_until_it_answers

# Many times what either side may grow by; LARGE_STREAM_BYTES=200000000 tries more.
BYTES = int(os.environ.get("LARGE_STREAM_BYTES", "32000000"))
MOST_GROWN_MIB = 16.0


@pytest.fixture(scope="module")
def server(package: Path) -> Iterator[tuple[str, int]]:
    """The address and the process id of a service of its own."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, str(CASE / "serve.py"), str(port)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(package), str(CASE)])},
    )
    url = f"http://127.0.0.1:{port}"
    try:
        with httpx.Client(base_url=url, timeout=20) as client:
            wait_until_it_answers(client, process)
        yield url, process.pid
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.mark.parametrize("kind", ["blocking", "awaiting"])
def test_neither_side_holds_a_large_body_in_memory(
    package: Path, server: tuple[str, int], kind: str
) -> None:
    url, pid = server
    run(package, url, kind, 1_000_000)
    before = largest_mib(pid)
    told = run(package, url, kind, BYTES)
    whole = hashlib.sha256((bytes(range(256)) * (BYTES // 256 + 1))[:BYTES]).hexdigest()
    assert told["sources"] == {"file": whole, "pieces": whole, "awaited": whole}
    assert told["lines"] == BYTES // 400
    assert told["kept"] == [BYTES, hashlib.sha256(bytes(BYTES)).hexdigest()]
    assert told["grown_mib"] < MOST_GROWN_MIB
    assert largest_mib(pid) - before < MOST_GROWN_MIB


def run(package: Path, url: str, kind: str, size: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(CASE / "streams.py"), url, kind, str(size)],
        env={**os.environ, "PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (done.returncode, done.stderr) == (0, "")
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def largest_mib(pid: int) -> float:
    """What the process had in memory at its largest."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def test_a_part_is_asked_for_by_range(office: PostOffice, caller: Caller) -> None:
    whole, _ = caller.stream("get_archive", size=1000, source="file")
    assert isinstance(whole, office.archives.GetArchive200)
    part, came = caller.stream(
        "get_archive", size=1000, source="file", range="bytes=900-", if_range=whole.etag
    )
    assert isinstance(part, office.archives.GetArchive206)
    assert (part.content_range, b"".join(came)) == (
        "bytes 900-999/1000",
        (bytes(range(256)) * 4)[900:1000],
    )
    with pytest.raises(office.client.ProblemAnswer) as caught:
        caller.stream("get_archive", size=1000, source="file", range="bytes=1000-")
    assert (caught.value.status, caught.value.type) == (416, "/problems/range-not-satisfiable")


@pytest.mark.parametrize("source", ["pieces", "awaited"])
def test_an_answer_that_is_left_early_ends_its_source(
    office: PostOffice, caller: Caller, source: str
) -> None:
    before = office.archive.closed
    with pytest.raises(ZeroDivisionError):
        caller.stream("get_archive", stop_after=1, size=900_000_000, source=source)
    deadline = time.monotonic() + 10
    while office.archive.closed == before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert office.archive.closed == before + 1


@pytest.mark.parametrize("source", ["pieces", "awaited"])
def test_a_source_that_breaks_is_told_from_an_end(
    office: PostOffice, caller: Caller, source: str
) -> None:
    with pytest.raises(office.client.ProblemAnswer) as caught:
        caller.stream("get_archive", size=1000, source=source, breaks_at=0)
    assert caught.value.status == 500
    with pytest.raises(office.client.ConnectionLost):
        caller.stream("get_archive", size=1_000_000, source=source, breaks_at=500_000)


def test_lines_come_as_they_are_made_and_none_that_breaks_the_contract(
    office: PostOffice, caller: Caller
) -> None:
    assert len(caller.lines("list_parcel_lines", count=3)) == 3
    assert caller.lines("list_parcel_lines", count=0) == []
    found = caller.models("list_parcel_lines", count=2000)
    assert [parcel.grams for parcel in found] == list(range(2000))
    assert isinstance(found[0], office.models.Parcel)
    with pytest.raises(office.client.ProblemAnswer):
        caller.lines("list_parcel_lines", count=3, wrong_from=1)
    with pytest.raises(office.client.ConnectionLost):
        caller.lines("list_parcel_lines", count=3000, wrong_from=2500)


def test_lines_beside_another_media_type_are_read_as_models_too(
    office: PostOffice, caller: Caller
) -> None:
    found = caller.models("list_parcel_table")
    assert [type(parcel) for parcel in found] == [office.models.Parcel] * 2
    table, came = caller.stream("list_parcel_table", as_text=True)
    assert table.content_type.startswith("text/csv")
    assert b"".join(came) == b"to,grams\nEmma,0\n"


def test_a_line_of_another_shape_is_raised_without_its_values(
    office: PostOffice, caller: Caller
) -> None:
    headers = {"content-type": "application/x-ndjson"}
    office.gate.faults.append(Refusal(200, headers, b'{"id":"secretmark"}\n'))
    with pytest.raises(office.client.UnexpectedAnswer) as caught:
        caller.models("list_parcel_lines")
    assert "secretmark" not in f"{caught.value} {caught.value!r}"


def test_an_open_file_goes_up_from_where_it_stands(
    office: PostOffice, caller_of: Any, tmp_path: Path
) -> None:
    caller = caller_of(office.credentials(counter=SECRET, stamp=SECRET))
    parcel_id = uuid4()
    (tmp_path / "picture").write_bytes(b"skip" + b"x" * 200_000)
    with (tmp_path / "picture").open("rb") as file:
        file.seek(4)
        caller.call("set_picture", parcel_id=parcel_id, body=file, content_type="image/png")
        assert not file.closed
    assert office.gate.seen[-1].headers["content-length"] == "200000"
    assert "transfer-encoding" not in office.gate.seen[-1].headers
    _, came = caller.stream("get_picture", parcel_id=parcel_id)
    assert b"".join(came) == b"x" * 200_000


def test_a_file_can_be_sent_again_and_a_pipe_can_not(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"skip" + b"x" * 100_000)
    with (tmp_path / "file").open("rb") as file:
        file.seek(4)
        content = content_of({"image/png": BodyForm("raw")}, file)
        assert content.size == 100_000
        assert content.can_be_sent_again
        for _ in range(2):
            pieces = list(content.each())
            assert b"".join(pieces) == b"x" * 100_000
            assert len(pieces) == 2
    reading, writing = os.pipe()
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        content = content_of({"image/png": BodyForm("raw")}, pipe)
        assert content.size is None
        assert not content.can_be_sent_again


def test_a_pipe_goes_up_too(office: PostOffice, caller_of: Any) -> None:
    caller = caller_of(office.credentials(counter=SECRET, stamp=SECRET))
    parcel_id = uuid4()
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as end:
        end.write(b"x" * 1000)
    with os.fdopen(reading, "rb") as file:
        caller.call("set_picture", parcel_id=parcel_id, body=file, content_type="image/png")
    assert office.gate.seen[-1].headers["transfer-encoding"] == "chunked"
    assert b"".join(caller.stream("get_picture", parcel_id=parcel_id)[1]) == b"x" * 1000


def test_a_file_opened_for_text_is_refused(office: PostOffice, caller_of: Any) -> None:
    caller = caller_of(office.credentials(counter=SECRET, stamp=SECRET))
    with pytest.raises(TypeError, match="not text"):
        caller.call(
            "set_picture", parcel_id=uuid4(), body=io.StringIO("x"), content_type="image/png"
        )


def test_a_form_with_files_is_sent_with_its_length(office: PostOffice, caller: Caller) -> None:
    part = office.files.FilePart.of_file(io.BytesIO(b"x" * 70_000), "ä.bin")
    form = office.models.KeepArchiveMultipart(archive=part, note="é")
    kept = caller.call("keep_archive", body=form)
    assert (kept.body.size, kept.body.sha256) == (70_000, hashlib.sha256(b"x" * 70_000).hexdigest())
    assert int(office.gate.seen[-1].headers["content-length"]) > 70_000
    assert "transfer-encoding" not in office.gate.seen[-1].headers
