"""`python -m bench.round_trips.random_contracts`: contracts made at random, each put to the test.

Of each: lint, generate, import, the models' round trips, and of each `--calls`-th whole messages by
both clients and a server; mypy reads all packages at the end. What is found is shown with the
contract, made as small as shows the same, and makes the command fail. Refusals are counted.
"""

import argparse
import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final, Literal, get_args

from bench.round_trips.invented import contract
from bench.round_trips.models import targets
from bench.round_trips.package import package_of
from bench.round_trips.reduction import reduced
from bench.round_trips.traffic import CALLERS, traffic
from bench.round_trips.trials import Tally, try_invalid, try_valid
from codegen.diagnostics import ContractError
from codegen.lint.run import lint
from codegen.lint.settings import LintSettings

_MYPY = """
[tool.mypy]
strict = true
enable_error_code = ["explicit-override"]
cache_dir = "mypy-cache"
[[tool.mypy.overrides]]
module = ["connexion.*"]
ignore_missing_imports = true
"""
_MODULES = ("models", "routes", "client", "operations")
# Of each schema, and of each exchange.
_VALUES = 5
_MESSAGES = 2
_SECONDS: Final = 30.0
_SECONDS_OF_REDUCTION: Final = 60.0
_OWN_RUNTIME = re.compile(r"^from \.+runtime\b", re.MULTILINE)
Step = Literal["lint", "values", "invalid values", "messages"]
_STEPS: Final[tuple[Step, ...]] = get_args(Step)


@dataclass(frozen=True, slots=True)
class Finding:
    """`kind` is what a smaller contract must show too; `told` is for people."""

    kind: str
    told: str


@dataclass(slots=True)
class Trial:
    """What became of one contract. `refused` are the messages of errors, by their codes."""

    seen: Counter[str] = field(default_factory=Counter)
    refused: tuple[str, ...] = ()
    findings: list[Finding] = field(default_factory=list)


class Bench:
    """Tries contracts; their packages stay in `folder`, each under a name of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = count()
        (folder / "pyproject.toml").write_text(_MYPY)

    def tried(self, document: dict[str, Any], steps: Collection[Step]) -> Trial:
        trial = Trial()
        name = f"invented_{next(self._numbers)}"
        spec = self.folder / f"{name}.json"
        spec.write_text(json.dumps(document, indent=1))
        try:
            with _limited(_SECONDS):
                self._try(trial, spec, name, steps)
        except _TooLongError:
            trial.seen["not drawn in time"] += 1
        except ContractError as error:
            told = [each for each in error.findings if each.severity == "error"]
            trial.refused = tuple(f"{each.code} {each.message}" for each in told)
        except Exception as error:  # noqa: BLE001 - whatever it is is told as a finding
            kind = f"{type(error).__name__} in {_place(error)}"
            trial.findings.append(Finding(kind, traceback.format_exc(limit=-4)))
        finally:
            for module in [each for each in sys.modules if each.partition(".")[0] == name]:
                del sys.modules[module]
        return trial

    def _try(self, trial: Trial, spec: Path, name: str, steps: Collection[Step]) -> None:
        if "lint" in steps:
            lint(spec, spec.name, LintSettings({}))
        package = package_of(spec, self.folder, name)
        trial.seen["generated"] += 1
        for module in _MODULES:
            package.module(module)
        listed = list(targets(package)) if {"values", "invalid values"} & {*steps} else []
        if "values" in steps:
            _note(trial, try_valid(package, listed, _VALUES), "values")
        if "invalid values" in steps:
            _note(trial, try_invalid(package, listed, _VALUES), "invalid values")
        for kind in CALLERS if "messages" in steps else ():
            came = traffic(package, kind, _MESSAGES, 1)
            _note(trial, came.valid, "messages")
            _note(trial, came.invalid, "messages")

    def mypy(self) -> dict[str, str]:
        """The first error of each package that was generated. Their runtimes become one."""
        made = [each.parent for each in self.folder.glob("*/.codegen.json")]
        for package in made:
            shutil.rmtree(self.folder / "runtime", ignore_errors=True)
            (package / "runtime").rename(self.folder / "runtime")
            for path in package.rglob("*.py"):
                path.write_text(_OWN_RUNTIME.sub("from runtime", path.read_text()))
        command = [sys.executable, "-m", "mypy", "runtime", *(each.name for each in made)]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        told: dict[str, str] = {}
        for line in done.stdout.splitlines():
            if ": error:" in line:
                told.setdefault(line.partition("/")[0], line)
        if done.returncode and not told:
            raise RuntimeError(f"mypy failed: {done.stdout}{done.stderr}")
        return told


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Of this process's own time. What proposes values may look for one for hours."""

    def stop(number: int, frame: object) -> None:
        raise _TooLongError

    before = signal.signal(signal.SIGPROF, stop)
    # Again each second: where Python collects garbage just then, what is raised is ignored.
    signal.setitimer(signal.ITIMER_PROF, seconds, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


class _TooLongError(BaseException):
    """Nobody else is to catch it."""


def _note(trial: Trial, tally: Tally, what: str) -> None:
    trial.seen[what] += tally.seen["values"]
    trial.seen[f"{what} not drawn"] += len(tally.without_values)
    for where, told in tally.findings.items():
        trial.findings.append(Finding(what, f"{where}: {told[:1500]}"))


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].name}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.round_trips.random_contracts")
    parser.add_argument("--contracts", type=int, default=50, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="the number of the first contract")
    parser.add_argument(
        "--calls", type=int, default=4, metavar="N", help="of each N-th; 0: of none"
    )
    parser.add_argument("--no-mypy", action="store_true")
    parser.add_argument("--no-reduction", action="store_true", help="show contracts as they are")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="random-contracts-") as folder:
        found = _run(Bench(Path(folder)), arguments)
    sys.exit(1 if found else 0)


def _run(bench: Bench, arguments: argparse.Namespace) -> int:
    seen, found = Counter[str](), 0
    for place, number in enumerate(range(arguments.seed, arguments.seed + arguments.contracts)):
        has_calls = arguments.calls > 0 and place % arguments.calls == 0
        document = contract(number)
        trial = bench.tried(document, _STEPS if has_calls else _STEPS[:-1])
        seen += trial.seen
        seen["refused"] += bool(trial.refused)
        for told in trial.refused:
            print(f"contract {number} refused: {told}", flush=True)
        kinds = {finding.kind: finding for finding in trial.findings}
        found += len(kinds)
        for finding in kinds.values():
            seconds = 0 if arguments.no_reduction else _SECONDS_OF_REDUCTION
            smaller = reduced(document, partial(_shows, bench, finding.kind), seconds)
            print(f"contract {number}, {finding.kind}: {finding.told}", flush=True)
            print(json.dumps(smaller, ensure_ascii=False), flush=True)
    found += 0 if arguments.no_mypy else _typed(bench)
    print(", ".join(f"{many} {what}" for what, many in sorted(seen.items())), f"{found} findings")
    return found


def _typed(bench: Bench) -> int:
    told = bench.mypy()
    for line in told.values():
        print(line)
    return len(told)


def _shows(bench: Bench, kind: str, document: dict[str, Any]) -> bool:
    # A traceback may come of any of them.
    steps = [step for step in _STEPS if step == kind] or _STEPS
    return any(each.kind == kind for each in bench.tried(document, steps).findings)


if __name__ == "__main__":
    main()
