"""`python -m bench`: ours beside its peers and its limits, in one run, with tables at the end.

Fails when any answer is wrong, never because one is slower than the other.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from bench import table
from bench.agreement import require_agreement, store_one
from bench.data import filled_database
from bench.limits.copy import BareCopy
from bench.limits.pgbench import Pgbench
from bench.processes import BenchError, environment, recorded_sql, serving
from bench.rounds import Plan, Results, Subject, measure
from bench.servers import ServerSubject
from bench.workload import REPORT_ID, SINGLE, Workload, batch


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smoke run; its figures mean little")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, each of all (%(default)s)")
    parser.add_argument("--seconds", type=float, default=3.0, help="of a measurement (%(default)s)")
    parser.add_argument("--clients", type=int, default=16, help="connections (%(default)s)")
    parser.add_argument("--reports", type=int, default=20_000, help="stored first (%(default)s)")
    parser.add_argument("--pool-size", type=int, default=8, help="of each server (%(default)s)")
    parser.add_argument("--lines", type=int, default=10_000, help="of a batch (%(default)s)")
    parser.add_argument("--batches", type=int, default=2, help="a round (%(default)s)")
    parser.add_argument("--only", default="", help="workloads with this word in their name")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure to FILE")
    return parser.parse_args()


def _plan(arguments: argparse.Namespace) -> Plan:
    quick = arguments.quick
    workloads = [*SINGLE, batch(50 if quick else arguments.lines)]
    return Plan(
        rounds=1 if quick else arguments.rounds,
        seconds=0.3 if quick else arguments.seconds,
        warm_up=0.1 if quick else min(1.0, arguments.seconds / 3),
        clients=4 if quick else arguments.clients,
        batches=1 if quick else arguments.batches,
        workloads=[workload for workload in workloads if arguments.only in workload.name],
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _run(plan: Plan, reports: int, pool_size: int) -> tuple[Results, str]:
    with ExitStack() as stack:
        _say("Starting and filling a database …")
        database = stack.enter_context(filled_database(reports))
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="qc-bench-logs-")))
        settings = environment(database.app_url, pool_size)
        # The bare COPY encrypts as the servers do.
        os.environ["ENCRYPTION_KEYS"] = settings["ENCRYPTION_KEYS"]
        servers = [stack.enter_context(serving(name, settings, logs)) for name in table.SERVERS]
        _say("Asking all the same …")
        report_id = store_one(servers[0])
        plan = replace(plan, workloads=[_placed(each, report_id) for each in plan.workloads])
        ours, fastapi, connexion, _ = servers
        require_agreement(ours, (fastapi, connexion), report_id)
        messages = recorded_sql([w for w in plan.workloads if not w.lines], settings)
        subjects: list[Subject] = [
            *map(ServerSubject, servers),
            Pgbench(database.programs / "pgbench", database.app_dsn, messages),
            BareCopy(database.owner_dsn),
        ]
        results = measure(plan, subjects, _say)
        return results, table.circumstances(plan, reports, pool_size, database.version)


def _placed(workload: Workload, report_id: str) -> Workload:
    return replace(workload, path=workload.path.replace(REPORT_ID, report_id))


def main() -> None:
    # Leaving through every `with` block on the way out ends servers and database, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    arguments = _arguments()
    plan = _plan(arguments)
    if not plan.workloads:
        sys.exit(f"No workload's name holds {arguments.only!r}.")
    reports = 500 if arguments.quick else arguments.reports
    try:
        results, about = _run(plan, reports, arguments.pool_size)
    except BenchError as error:
        sys.exit(f"bench: {error}")
    print(table.markdown(plan, results, about))
    if arguments.json:
        arguments.json.write_text(json.dumps(table.as_json(plan, results, about), indent=2) + "\n")


if __name__ == "__main__":
    main()
