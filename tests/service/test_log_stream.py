"""What becomes of the log's lines where nobody takes them."""

import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.log_stream import LogStream


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for descriptor in (reading, writing):
        try:
            os.close(descriptor)
        except OSError:
            continue


def _line(number: int) -> bytes:
    return json.dumps({"number": number, "filler": "x" * 100}).encode() + b"\n"


def _numbers(data: bytes) -> list[int]:
    return [
        found["number"] for line in data.splitlines() if "number" in (found := json.loads(line))
    ]


def test_pipe_that_nobody_reads_costs_lines_and_their_count_comes_first_later(
    pipe: tuple[int, int],
) -> None:
    reading, writing = pipe
    stream = LogStream(writing)
    for number in range(2_000):
        stream.write(_line(number))
    held = os.read(reading, 1 << 20)
    stream.write(_line(2_000))
    later = os.read(reading, 1 << 20)
    kept = _numbers(held + later)
    told = [json.loads(line) for line in (held + later).splitlines()]
    lost = [line["lines"] for line in told if line.get("event") == "log_lines_lost"]
    assert 0 < len(kept) < 2_000
    assert lost == [2_001 - len(kept)]
    assert told[-1]["number"] == 2_000


def test_long_lines_come_whole_where_the_reader_is_slow(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    came = bytearray()

    def read() -> None:
        while data := os.read(reading, 10_000):
            came.extend(data)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    stream = LogStream(writing)
    long = b"x" * 300_000 + b"\n"
    for _ in range(5):
        stream.write(long)
    stream.close()
    os.close(writing)
    reader.join(timeout=10)
    lines = bytes(came).splitlines()
    assert {len(line) for line in lines if line.startswith(b"x")} == {300_000}


def test_reader_that_went_away_and_a_full_disk_raise_nothing(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    stream = LogStream(writing)
    os.close(reading)
    assert stream.write(b"into nowhere\n") == len(b"into nowhere\n")
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        assert LogStream(full).write(b"no room\n") == len(b"no room\n")
    finally:
        os.close(full)


def test_socket_that_nobody_reads_costs_lines_and_no_time() -> None:
    reading, writing = socket.socketpair()
    with reading, writing:
        stream = LogStream(writing.fileno())
        for number in range(20_000):
            stream.write(_line(number))
        assert len(_numbers(reading.recv(1 << 20).rpartition(b"\n")[0])) > 0
        stream.close()
        assert writing.send(b"still open") == 10


def test_file_is_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"first\n")
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        LogStream(descriptor).write(b"second\n")
    finally:
        os.close(descriptor)
    assert path.read_bytes() == b"first\nsecond\n"


def test_others_who_share_the_pipe_find_it_as_it_was(pipe: tuple[int, int]) -> None:
    _, writing = pipe
    LogStream(writing).write(b"line\n")
    assert os.get_blocking(writing)
