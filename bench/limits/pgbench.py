"""pgbench with the SQL that the service sends, message by message, from as many clients."""

import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.load import Figures, quantile
from bench.processes import BenchError
from bench.rounds import Plan
from bench.workload import Workload

_STOP_SECONDS: Final = 30.0
# Of each literal that must be another in each transaction, the part that a number takes.
_UNIQUE: Final = (
    re.compile(r"(?<=\\x[0-9a-f]{52})[0-9a-f]{12}(?='::bytea)"),
    re.compile(r"(?<=[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-)[0-9a-f]{12}(?=')"),
)
_NUMBER: Final = "\\set n random(100000000000, 999999999999)\n"


@dataclass(frozen=True, slots=True)
class Pgbench:
    """`messages` is what the service sends for each workload by name, `dsn` the app's login."""

    program: Path
    dsn: str
    messages: dict[str, Sequence[str]]
    name: str = field(default="pgbench", init=False)

    def takes(self, workload: Workload) -> bool:
        return workload.name in self.messages

    def run(self, plan: Plan, workload: Workload) -> tuple[Figures, float]:
        with tempfile.TemporaryDirectory(prefix="qc-pgbench-") as folder:
            script = Path(folder, "script.sql")
            script.write_text(_script(self.messages[workload.name]), encoding="utf-8")
            seconds = max(1, round(plan.seconds))
            self._transact(script, plan.clients, seconds)
            times = sorted(_latencies(Path(folder)))
        if not times:
            raise BenchError(f"{workload.name}: pgbench finished no transaction")
        figures = Figures(
            answered=len(times),
            seconds=seconds,
            p50=quantile(times, 0.50),
            p95=quantile(times, 0.95),
            longest=times[-1],
            errors=0,
            first_error="",
        )
        return figures, 0.0

    def _transact(self, script: Path, clients: int, seconds: int) -> None:
        options = ["--no-vacuum", f"--file={script}", f"--client={clients}", f"--time={seconds}"]
        log = ["--log", f"--log-prefix={script.parent / 'latency'}"]
        try:
            subprocess.run(
                [self.program, *options, *log, self.dsn],
                capture_output=True,
                text=True,
                timeout=seconds + _STOP_SECONDS,
                check=True,
            )
        except subprocess.TimeoutExpired as error:
            raise BenchError(f"pgbench did not end within {error.timeout:.0f} s") from error
        except subprocess.CalledProcessError as error:
            raise BenchError(f"pgbench failed:\n{error.stderr[-2000:]}") from error


def _script(messages: Sequence[str]) -> str:
    """Each message one command: statements that travel together must do so here."""
    commands = [message.strip().rstrip(";").replace(";", r" \;") + ";\n" for message in messages]
    text = "".join(commands)
    if "INSERT INTO reports" not in text:
        return text
    for literal in _UNIQUE:
        text = literal.sub(":n", text)
    return _NUMBER + text


def _latencies(folder: Path) -> list[float]:
    """Seconds of each transaction; its microseconds are the third field of a log's line."""
    lines = [line for log in folder.glob("latency.*") for line in log.read_text().splitlines()]
    return [int(line.split()[2]) / 1_000_000 for line in lines]
