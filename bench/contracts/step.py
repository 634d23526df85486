"""One command as a process of its own, measured by what the kernel says of it."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from typing_extensions import override

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True, slots=True)
class Step:
    """Its exit code, seconds on the clock and of processors, peak memory in MiB, what it said."""

    code: int
    seconds: float
    processor: float
    memory: float
    said: str

    @override
    def __str__(self) -> str:
        told = f"{self.seconds:.1f} s, {self.processor:.1f} cpu, {self.memory:.0f} MiB"
        return told if self.code == 0 else f"fails ({self.code})"


def run(folder: Path, *command: str) -> Step:
    """With our interpreter, in the folder. What its children take is counted with it.

    Modules are compiled once and kept, as where they are installed: those of libraries are always.
    """
    begun = time.perf_counter()
    log = folder / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": ""},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Step(
        process.returncode,
        time.perf_counter() - begun,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss / 1024,
        log.read_text(),
    )
