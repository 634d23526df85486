"""`make fuzz`: raw requests, translators in process, and Schemathesis as each role, for long.

Prints its seed, leaves reports and what reproduces a finding in .fuzzing/, and exits with 1 if
anything was found.
"""

import argparse
import secrets
import sys
from collections import Counter

from ci.fuzzing.neighbours import TENANT
from ci.fuzzing.raw_http import fuzz_raw
from ci.fuzzing.raw_requests import Caller
from ci.fuzzing.run import Fuzzed, Plan, empty_reports, fuzz_as_roles, fuzzed_service, summarise
from ci.fuzzing.translators import TranslatorFuzz
from tests.e2e.service_process import ROLES

_EXAMPLES = 3000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, help="default: another one each time")
    parser.add_argument("--examples", type=int, help=f"of the busiest role; default {_EXAMPLES}")
    parser.add_argument("--seconds", type=int, help="for Schemathesis, in place of --examples")
    chosen = parser.parse_args()
    seed = secrets.randbelow(2**32) if chosen.seed is None else chosen.seed
    examples = chosen.examples or (300 if chosen.seconds else _EXAMPLES)
    seconds = chosen.seconds // len(ROLES) if chosen.seconds else None
    print(f"Seed {seed}: `make fuzz SEED={seed}` does this again.", flush=True)
    reports = empty_reports()
    found = _fuzz_translators(seed, examples)
    with fuzzed_service() as fuzzed:
        fuzzed.findings += found
        _fuzz_raw(fuzzed, seed, examples)
        plan = Plan(ROLES, str(seed), examples, seconds)
        runs, tallied = fuzz_as_roles(fuzzed, plan, reports)
    exit_code = summarise(runs, tallied, fuzzed, reports, must_reach=not chosen.seconds)
    (reports / "findings.txt").write_text("\n".join([f"seed {seed}", *fuzzed.findings, ""]))
    return exit_code


def _fuzz_translators(seed: int, examples: int) -> list[str]:
    print(f"\n== Translators: {examples} outputs of each format", flush=True)
    translators = TranslatorFuzz()
    translators.run(seed, examples)
    for (name, outcome), times in sorted(translators.reached.items()):
        print(f"{times:8} {name}: {outcome}")
    return translators.findings


def _fuzz_raw(fuzzed: Fuzzed, seed: int, count: int) -> None:
    print(f"\n== Raw requests: {count}", flush=True)
    key = fuzzed.neighbourhood.keys[TENANT, "operator"]
    outcome = fuzz_raw(fuzzed.service.url, Caller(key, TENANT, fuzzed.canary), seed, count)
    fuzzed.findings += outcome.findings
    statuses: Counter[int] = Counter()
    for (_, status), times in outcome.seen.items():
        statuses[status] += times
    for status, times in sorted(statuses.items()):
        print(f"{times:8} {status or 'closed without an answer'}")


if __name__ == "__main__":
    sys.exit(main())
