"""Starts the service with keys of two tenants and four roles, seeds it, and runs `st` as each role.

Prints one summary at the end; exits with 1 if a role's run found anything. Knows no check: those
are Schemathesis's own and the ones in `schemathesis_hooks`.
"""

import argparse
import json
import os
import re
import secrets
import subprocess
import sys
import time
from dataclasses import dataclass

from tests.e2e.service_process import (
    BIN,
    ROLES,
    ROOT,
    Service,
    clean_environment,
    running,
    short_folder,
)

TENANT = "fuzzed-tenant"
OTHER_TENANT = "neighbour-tenant"
MARK = "neighbour-secret-marker"
SEEDED = 25


@dataclass(frozen=True, slots=True)
class RoleRun:
    """What one role's run came to."""

    role: str
    exit_code: int
    seconds: float
    cases: str
    operations: str


RATE_LIMITS = (
    "RATE_LIMIT_KEY_READS",
    "RATE_LIMIT_KEY_WRITES",
    "RATE_LIMIT_TENANT_READS",
    "RATE_LIMIT_TENANT_WRITES",
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("roles", nargs="*", default=ROLES, help="default: all four")
    parser.add_argument("--seed", help="instead of the one in schemathesis.toml")
    chosen = parser.parse_args()
    keys = {(t, r): secrets.token_hex(20) for t in (TENANT, OTHER_TENANT) for r in ROLES}
    entries = [f"{r}-of-{t}:{t}:{r}:{secret}" for (t, r), secret in keys.items()]
    with short_folder() as folder:
        environment = clean_environment(
            COLLECTOR_HOME=str(folder / "home"),
            API_KEYS=",".join(entries),
            LOG_LEVEL="error",
            # Nobody but a fuzzer asks as much of one key.
            **dict.fromkeys(RATE_LIMITS, "off"),
        )
        with running("up", environment, folder / "log") as service:
            own = _seed(service, TENANT, keys[TENANT, "operator"], "seeded")
            others = _seed(service, OTHER_TENANT, keys[OTHER_TENANT, "operator"], MARK)
            runs = []
            for role in chosen.roles:
                facts = {
                    "role": role,
                    "own_ids": own,
                    "hidden": [OTHER_TENANT, MARK, *others, *keys.values()],
                }
                runs.append(_run(service, role, keys[TENANT, role], facts, chosen.seed))
            errors = [line for line in service.log().splitlines() if '"level": "error"' in line]
            stopped = service.stop()
    _summarise(runs)
    if errors:
        print("The service logged errors:", *errors[:20], sep="\n")
    return int(bool(errors) or stopped != 0 or any(run.exit_code for run in runs))


def _seed(service: Service, tenant: str, key: str, mark: str) -> list[str]:
    """Ids of reports of every severity that the tenant now has, with `mark` in each."""
    ids = []
    service.keys["operator"] = key
    with service.client(tenant=tenant) as client:
        for number in range(SEEDED):
            report = {
                "status": {"api": ("pass", "warn", "fail")[number % 3]},
                "source": {"tool": f"{mark}-tool"},
                "stream": f"{mark}/main",
                "notes": [f"{mark} {number}"],
            }
            posted = client.post("/ingest/qc", json=report)
            posted.raise_for_status()
            ids.append(posted.json()["id"])
    return ids


def _run(
    service: Service, role: str, key: str, facts: dict[str, object], seed: str | None
) -> RoleRun:
    print(f"\n== As {role}", flush=True)
    command = [str(BIN / "st"), "run", "openapi.yaml", "--url", service.url]
    command += ["--seed", seed] if seed else []
    environment = {
        **os.environ,
        "API_KEY": key,
        "TENANT_ID": TENANT,
        "FUZZ_FACTS": json.dumps(facts),
    }
    began = time.monotonic()
    ran = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    print(ran.stdout)
    cases = re.search(r"(\d+) generated", ran.stdout)
    tested = re.search(r"Tested: (\d+)", ran.stdout)
    return RoleRun(
        role,
        ran.returncode,
        time.monotonic() - began,
        cases[1] if cases else "?",
        tested[1] if tested else "?",
    )


def _summarise(runs: list[RoleRun]) -> None:
    print("\n== Schemathesis")
    for run in runs:
        verdict = "ok" if run.exit_code == 0 else "FAILED"
        print(
            f"{verdict:<7} {run.role:<9} {run.operations} operations, {run.cases} cases, "
            f"{run.seconds:.0f} s"
        )


if __name__ == "__main__":
    sys.exit(main())
