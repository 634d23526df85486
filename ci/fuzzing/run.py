"""Runs Schemathesis against a service of its own, as each role, and says what came of it.

Knows no check: those are Schemathesis's own and the ones that `hooks` loads. Exits with 1 if a
role's run found anything, a log holds what it must not, or the contract was covered too little.
"""

import argparse
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ci.fuzzing.coverage import coverage_findings, print_coverage
from ci.fuzzing.facts import Facts
from ci.fuzzing.logs import log_findings, logs_below
from ci.fuzzing.neighbours import (
    NEIGHBOUR,
    TENANT,
    Neighbourhood,
    as_setting,
    new_keys,
    settle,
    signed_links,
)
from ci.fuzzing.sent_secrets import SENT_SECRETS
from ci.fuzzing.tallies import Tallied, read_tallies
from tests.e2e.service_process import (
    BIN,
    ROLES,
    ROOT,
    Service,
    clean_environment,
    running,
    short_folder,
)

REPORTS: Final = ROOT / ".fuzzing"
# Of two roles that may do the same, one is asked less: their difference is whom they are.
_EXAMPLES: Final = {"viewer": 80, "operator": 300, "auditor": 80, "admin": 150}
_RATE_LIMITS: Final = (
    "RATE_LIMIT_KEY_READS",
    "RATE_LIMIT_KEY_WRITES",
    "RATE_LIMIT_TENANT_READS",
    "RATE_LIMIT_TENANT_WRITES",
)


@dataclass(frozen=True, slots=True)
class Plan:
    """`examples` are of the role that gets most; `seconds` bounds each role's run, if given."""

    roles: Sequence[str]
    seed: str | None = None
    examples: int = max(_EXAMPLES.values())
    seconds: int | None = None

    def options(self, role: str) -> list[str]:
        share = _EXAMPLES[role] / max(_EXAMPLES.values())
        options = ["--max-examples", str(max(1, round(self.examples * share)))]
        options += ["--seed", self.seed] if self.seed else []
        return options + (["--max-time", str(self.seconds)] if self.seconds else [])


@dataclass(frozen=True, slots=True)
class RoleRun:
    """How one role's run ended."""

    role: str
    exit_code: int
    seconds: float


@dataclass(slots=True)
class Fuzzed:
    """A service under test with two tenants; `findings` grow as it is fuzzed."""

    service: Service
    neighbourhood: Neighbourhood
    canary: str
    findings: list[str]


@contextmanager
def fuzzed_service() -> Iterator[Fuzzed]:
    """A service until the block ends; then its logs are read and it must have stopped in order."""
    keys, canary = new_keys(), f"canary{secrets.token_hex(6)}n"
    with short_folder() as folder:
        environment = clean_environment(
            COLLECTOR_HOME=str(folder / "home"),
            API_KEYS=as_setting(keys),
            LOG_LEVEL="debug",
            DRAIN_SECONDS="0",
            # Nobody but a fuzzer asks as much of one key; the limits are counted all the same.
            **dict.fromkeys(_RATE_LIMITS, "1000000/second"),
        )
        with running("up", environment, folder / "log") as service:
            fuzzed = Fuzzed(service, settle(service, keys), canary, [])
            yield fuzzed
            if (stopped := service.stop()) != 0:
                fuzzed.findings.append(f"the service stopped with exit code {stopped}")
        # The tenant's name is logged with each of its requests, its export's id as that is written.
        known = {NEIGHBOUR, *fuzzed.neighbourhood.neighbours["export_id"]}
        hidden = [each for each in fuzzed.neighbourhood.hidden if each not in known]
        fuzzed.findings += log_findings(logs_below(folder), [*hidden, canary, *SENT_SECRETS])


def fuzz_as_roles(fuzzed: Fuzzed, plan: Plan, reports: Path) -> tuple[list[RoleRun], list[Tallied]]:
    """Runs Schemathesis as each role of the plan; what it wrote stays in `reports`."""
    runs = []
    for role in plan.roles:
        folder = reports / role
        folder.mkdir(parents=True)
        runs.append(_run(fuzzed, role, plan, folder))
        if runs[-1].exit_code:
            fuzzed.findings.append(f"as {role}: see above, and {folder} to reproduce it")
    tallied = read_tallies([reports / role for role in plan.roles])
    told = {tally.role for tally in tallied}
    fuzzed.findings += [f"as {role}: it ended uncounted" for role in plan.roles if role not in told]
    return runs, tallied


def _run(fuzzed: Fuzzed, role: str, plan: Plan, folder: Path) -> RoleRun:
    print(f"\n== As {role}", flush=True)
    around = fuzzed.neighbourhood
    told = Facts(
        role,
        around.own,
        around.neighbours,
        around.hidden,
        fuzzed.canary,
        str(folder),
        signed_links(fuzzed.service, around),
    )
    environment = {
        **os.environ,
        "API_KEY": around.keys[TENANT, role],
        "TENANT_ID": TENANT,
        **told.as_environment(),
    }
    command = [str(BIN / "st"), "run", "openapi.yaml", "--url", fuzzed.service.url]
    command += [*plan.options(role), "--report-pytest-path", str(folder / "reproduction.py")]
    began = time.monotonic()
    with (folder / "schemathesis.txt").open("w", encoding="utf-8") as output:
        ran = subprocess.run(command, cwd=ROOT, env=environment, stdout=output, check=False)
    print((folder / "schemathesis.txt").read_text(encoding="utf-8"))
    return RoleRun(role, ran.returncode, time.monotonic() - began)


def empty_reports() -> Path:
    """The folder of reports, with nothing left of the run before."""
    shutil.rmtree(REPORTS, ignore_errors=True)
    REPORTS.mkdir()
    return REPORTS


def summarise(
    runs: list[RoleRun],
    tallied: list[Tallied],
    fuzzed: Fuzzed,
    reports: Path,
    *,
    must_reach: bool = True,
) -> int:
    """Prints the figures and everything that was found; returns the exit code.

    A run of all roles is asked what it reached, unless time cut it short.
    """
    print("\n== Fuzzing, in all")
    cases = {tally.role: sum(tally.phases.values()) for tally in tallied}
    for run in runs:
        verdict = "ok" if run.exit_code == 0 else "FAILED"
        print(f"{verdict:<7} {run.role:<9} {cases.get(run.role, 0):6} cases, {run.seconds:.0f} s")
    print_coverage(tallied, reports)
    findings = fuzzed.findings
    if must_reach and {run.role for run in runs} == set(ROLES):
        findings += coverage_findings(tallied)
    print("\nFound:" if findings else "\nNothing found.", *findings[:40], sep="\n  ")
    return int(bool(findings))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("roles", nargs="*", default=ROLES, help="default: all four")
    parser.add_argument("--seed", help="instead of the one in schemathesis.toml")
    chosen = parser.parse_args()
    reports = empty_reports()
    with fuzzed_service() as fuzzed:
        runs, tallied = fuzz_as_roles(fuzzed, Plan(chosen.roles, chosen.seed), reports)
    return summarise(runs, tallied, fuzzed, reports)


if __name__ == "__main__":
    sys.exit(main())
