"""`python -m bench.journal`: what the journal of ingest costs, one tenant, in one run.

The service as it is beside itself without the journal, on one database, in turn. While the former
is measured its journal is sealed every second, sixty times as often as the worker does.
"""

import argparse
import json
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from bench.data import filled_database
from bench.load import Figures
from bench.processes import BenchError, environment, serving
from bench.rounds import Plan, Results, Subject, measure
from bench.servers import ServerSubject
from bench.workload import INGEST, Workload, batch
from db.audit_upkeep import seal_journal
from db.session import Database

_WITH: Final = "ours"
_WITHOUT: Final = "unjournaled"
_SEAL_EVERY_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Sealed:
    """A server whose journal is sealed while it is measured. What is left after it isn't counted
    against anyone.
    """

    server: ServerSubject
    maintenance: Database

    @property
    def name(self) -> str:
        return self.server.name

    def takes(self, workload: Workload) -> bool:
        return self.server.takes(workload)

    def run(self, plan: Plan, workload: Workload) -> tuple[Figures, float]:
        with _sealing(self.maintenance):
            return self.server.run(plan, workload)


@contextmanager
def _sealing(maintenance: Database) -> Iterator[None]:
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(_SEAL_EVERY_SECONDS):
            seal_journal(maintenance)

    thread = threading.Thread(target=run, name="sealing")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        seal_journal(maintenance)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.journal", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="rounds, each of both (%(default)s)")
    parser.add_argument("--seconds", type=float, default=4.0, help="of a measurement (%(default)s)")
    parser.add_argument("--clients", type=int, default=8, help="connections (%(default)s)")
    parser.add_argument("--lines", type=int, default=10_000, help="of a batch (%(default)s)")
    parser.add_argument("--reports", type=int, default=20_000, help="stored first (%(default)s)")
    parser.add_argument("--only", default="", help="workloads with this word in their name")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure to FILE")
    return parser.parse_args()


def _run(plan: Plan, reports: int) -> Results:
    with ExitStack() as stack:
        database = stack.enter_context(filled_database(reports))
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="qc-bench-logs-")))
        settings = environment(database.app_url, plan.clients)
        with_it, without = (
            ServerSubject(stack.enter_context(serving(name, settings, logs)))
            for name in (_WITH, _WITHOUT)
        )
        maintenance = Database(database.maintenance_url, statement_timeout_ms=60_000)
        stack.callback(maintenance.close)
        subjects: list[Subject] = [Sealed(with_it, maintenance), without]
        results = measure(plan, subjects, lambda line: print(line, file=sys.stderr, flush=True))
        _require_sealed(maintenance)
        return results


def _require_sealed(maintenance: Database) -> None:
    """Raise BenchError if there is nothing to show for the journal, or it wasn't sealed."""
    with maintenance.system_transaction(read_only=True) as tx:
        row = tx.row("SELECT (SELECT count(*) FROM ingest_journal), count(*) FROM audit_segments")
    if row is None or row[0] or not row[1]:
        raise BenchError(f"left in the journal and sealed segments: {row}")


def _markdown(plan: Plan, results: Results) -> str:
    lines = [
        "| reports a second | with the journal | without | with / without |",
        "| --- | ---: | ---: | ---: |",
    ]
    for workload in plan.workloads:
        reports = max(1, workload.lines)
        rates = [
            results.median(workload.name, name, lambda each: each.rate) or 0.0
            for name in (_WITH, _WITHOUT)
        ]
        ratio = results.ratio(workload.name, _WITH, workload.name, _WITHOUT)
        shown = " | ".join(f"{rate * reports:,.0f}" for rate in rates)
        lines.append(f"| {workload.name} | {shown} | {ratio:.2f} |")
    return "\n".join(lines)


def main() -> None:
    arguments = _arguments()
    plan = Plan(
        rounds=arguments.rounds,
        seconds=arguments.seconds,
        warm_up=min(1.0, arguments.seconds / 3),
        clients=arguments.clients,
        batches=2,
        workloads=[
            workload
            for workload in (INGEST, batch(arguments.lines))
            if arguments.only in workload.name
        ],
    )
    if not plan.workloads:
        sys.exit(f"No workload's name holds {arguments.only!r}.")
    try:
        results = _run(plan, arguments.reports)
    except BenchError as error:
        sys.exit(f"bench: {error}")
    print(_markdown(plan, results))
    if arguments.json:
        found = [asdict(measurement) for measurement in results.measurements]
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
