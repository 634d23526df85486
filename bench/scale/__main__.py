"""`python -m bench.scale`: one tenant at several sizes, on one PostgreSQL, through the HTTP API.

Needs room on disk: about 2.2 GB a million reports, all sizes at once. What was made is deleted at
the end, however it ends.
"""

import argparse
import json
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Final

from bench.processes import BenchError, Server, environment, serving
from bench.rounds import Plan
from bench.scale import table
from bench.scale.disk import disk_use
from bench.scale.fill import Size, filled_cluster
from bench.scale.latency import Asked, Asker, ask_in_turn
from bench.servers import ServerSubject
from bench.show import say, show
from bench.workload import INGEST, batch
from db.access import APP, OWNER
from db.embedded import EmbeddedDatabase

_BYTES_A_REPORT: Final = 2_200
_POOL_SIZE: Final = 8


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument(
        "--sizes", default="10000,1000000,10000000", help="reports, comma-separated (%(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=5, help="of latencies (%(default)s)")
    parser.add_argument(
        "--requests", type=int, default=100, help="of a question in a round (%(default)s)"
    )
    parser.add_argument(
        "--seconds", type=float, default=3.0, help="at most, of a question in a round (%(default)s)"
    )
    parser.add_argument("--ingest-seconds", type=float, default=5.0, help="of ingest (%(default)s)")
    parser.add_argument("--lines", type=int, default=10_000, help="of a batch (%(default)s)")
    parser.add_argument("--home", type=Path, help="folder for the database (a temporary one)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure to FILE")
    return parser.parse_args()


def _require_room(home: Path, counts: Sequence[int]) -> None:
    needed, free = sum(counts) * _BYTES_A_REPORT, shutil.disk_usage(home).free
    if needed > free:
        raise BenchError(
            f"{home} has {free / 1e9:.0f} GB free, and these sizes take about {needed / 1e9:.0f}: "
            "name another folder with --home, or smaller sizes with --sizes"
        )


def _run(arguments: argparse.Namespace, counts: Sequence[int], home: Path) -> None:
    with ExitStack() as stack:
        embedded, sizes = stack.enter_context(filled_cluster(home, counts, say))
        disks = [disk_use(embedded.libpq_dsn(OWNER, size.database)) for size in sizes]
        servers = [_serving(stack, embedded, size) for size in sizes]
        askers = [Asker(server, size) for server, size in zip(servers, sizes, strict=True)]
        for asker in askers:
            stack.callback(asker.close)
        asked = ask_in_turn(
            askers,
            rounds=arguments.rounds,
            requests=arguments.requests,
            seconds=arguments.seconds,
            say=say,
        )
        print(f"{table.latencies(counts, asked)}\n", flush=True)
        rates = _ingest_rates(servers, arguments.ingest_seconds, arguments.lines)
        print(table.growth(counts, rates, disks))
        if arguments.json:
            arguments.json.write_text(json.dumps(_as_json(asked, rates), indent=2) + "\n")


def _serving(stack: ExitStack, embedded: EmbeddedDatabase, size: Size) -> Server:
    logs = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="qc-scale-logs-")))
    settings = environment(embedded.url(APP, size.database), _POOL_SIZE)
    return stack.enter_context(serving("ours", settings, logs))


def _ingest_rates(servers: Sequence[Server], seconds: float, lines: int) -> list[dict[str, float]]:
    """Reports a second at each size: one by one from 16 clients, and in batches from one."""
    plan = Plan(rounds=1, seconds=seconds, warm_up=1.0, clients=16, batches=2, workloads=[])
    many = batch(lines)
    rates = []
    for server in servers:
        say("ingest …")
        single, _ = ServerSubject(server).run(plan, INGEST)
        batches, _ = ServerSubject(server).run(plan, many)
        rates.append(
            {
                "reports a second, one by one": single.answered / single.seconds,
                f"reports a second, batches of {many.lines:,}": many.lines
                * batches.answered
                / batches.seconds,
            }
        )
    return rates


def _as_json(asked: Sequence[Asked], rates: Sequence[dict[str, float]]) -> dict[str, object]:
    return {"asked": [asdict(row) for row in asked], "ingested": list(rates)}


def main() -> None:
    arguments = _arguments()
    counts = sorted({int(text) for text in arguments.sizes.split(",")})
    with show("scale", arguments.home) as home:
        _require_room(home, counts)
        _run(arguments, counts, home)


if __name__ == "__main__":
    main()
