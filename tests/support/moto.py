"""moto's server: the KMS of tests, a process of its own at a free port of 127.0.0.1."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_START_SECONDS: Final = 60.0


@contextmanager
def moto_server(log: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Its port and its process, until the block ends."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield _port(log, process), process
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(_START_SECONDS)


def _port(log: Path, process: subprocess.Popen[bytes]) -> int:
    deadline = time.monotonic() + _START_SECONDS
    while (found := re.search(r"Running on http://127.0.0.1:(\d+)", log.read_text())) is None:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, "moto's server did not start"
        time.sleep(0.05)
    return int(found[1])
