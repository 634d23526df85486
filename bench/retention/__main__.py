"""`python -m bench.retention`: what others feel while half of a tenant's reports is deleted.

Ingest, lists and exports go on before, meanwhile and after; the worker is killed in the middle.
Needs about 5 GB of disk for two million reports; what was made is deleted at the end.
"""

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import httpx2

from bench.deployment import Deployment, deployed, wait_for
from bench.processes import BenchError
from bench.retention.drops import Dropped, dropped
from bench.retention.others import Felt, felt
from bench.retention.rows import (
    a_report_that_cannot_be_deleted,
    are_there,
    count_before,
    newest_before,
)
from bench.scale.fill import WEEKS
from bench.show import say, show

_RETAIN_DAYS: Final = WEEKS * 7 // 2
_LONGEST_SECONDS: Final = 900.0
_FIRST_STRETCH_SECONDS: Final = 20.0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.retention", description=__doc__)
    parser.add_argument(
        "--reports", type=int, default=2_000_000, help="of the tenant (%(default)s)"
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="of a stretch (%(default)s)")
    parser.add_argument("--home", type=Path, help="folder for the database (a temporary one)")
    return parser.parse_args()


class Retention:
    """Runs of retention as an administrator asks for them."""

    def __init__(self, admin: httpx2.Client) -> None:
        self._admin = admin

    def plan(self) -> dict[str, Any]:
        return self._asked(None, 200)

    def commit(self, plan: dict[str, Any], plan_hash: str, status: int) -> dict[str, Any]:
        body = {"mode": "commit", "run_id": plan["run_id"], "plan_hash": plan_hash}
        return self._asked(body, status)

    def run(self, run_id: str) -> dict[str, Any]:
        answer = self._admin.get(f"/admin/retention/runs/{run_id}").raise_for_status()
        told: dict[str, Any] = answer.json()
        return {**told["run"], "failures": told["failures"]}

    def finish(self) -> None:
        """Plan, commit, and wait."""
        plan = self.plan()
        self.commit(plan, plan["plan_hash"], 202)
        wait_for("a run", lambda: self.is_ended(plan["run_id"]), _LONGEST_SECONDS)

    def is_ended(self, run_id: str) -> bool:
        return self.run(run_id)["status"] not in {"queued", "running"}

    def hold(self, report_id: str) -> None:
        path = f"/reports/{report_id}/hold"
        self._admin.put(path, json={"reason": "kept by the benchmark"}).raise_for_status()

    def _asked(self, body: dict[str, Any] | None, status: int) -> dict[str, Any]:
        answer = (
            self._admin.post("/admin/retention/run", json=body)
            if body
            else self._admin.post("/admin/retention/run")
        )
        if answer.status_code != status:
            raise BenchError(f"retention: status {answer.status_code}: {answer.text[:300]}")
        found: dict[str, Any] = answer.json()
        return found


def _run(arguments: argparse.Namespace, home: Path) -> None:
    settings = {"RETAIN_DAYS": str(_RETAIN_DAYS)}
    with deployed(home, arguments.reports, say, **settings) as deployment:
        retention = Retention(deployment.admin)
        say("others alone")
        felt(deployment, _FIRST_STRETCH_SECONDS / 4)
        before = felt(deployment, _FIRST_STRETCH_SECONDS)
        began = time.monotonic()
        plan = retention.plan()
        planned = time.monotonic() - began
        retention.commit(plan, "0" * len(plan["plan_hash"]), 409)
        there = count_before(deployment, plan["cutoff"])
        if there != plan["candidates"]:
            raise BenchError(f"a wrong plan_hash: {there} of {plan['candidates']} are left")
        held = newest_before(deployment, plan["cutoff"])
        stubborn = a_report_that_cannot_be_deleted(
            deployment, plan["cutoff"], plan["candidates"] // 3
        )
        retention.commit(plan, plan["plan_hash"], 202)
        began = time.monotonic()
        retention.hold(held)
        meanwhile, seconds = _meanwhile(deployment, retention, plan, arguments.seconds, began)
        run = retention.run(plan["run_id"])
        _require_kept(deployment, plan, run, held, stubborn)
        after = felt(deployment, _FIRST_STRETCH_SECONDS)
        print(_table(before, meanwhile, after), flush=True)
        print(
            f"\n{plan['candidates']:,} of {arguments.reports:,} reports: planned in "
            f"{planned:.1f} s, {run['deleted']:,} deleted in {seconds:.0f} s "
            f"({run['deleted'] / seconds:,.0f} a second), the worker killed on the way; "
            f"wrong hash: 409 and nothing deleted; held meanwhile: kept; "
            f"failures listed: {run['failures']}",
            flush=True,
        )
        say("the neighbour's retention, and drops")
        Retention(deployment.neighbour).finish()
        drops = dropped(deployment, datetime.fromisoformat(plan["cutoff"]), _FIRST_STRETCH_SECONDS)
        print(_drops_told(drops))


def _meanwhile(
    deployment: Deployment,
    retention: Retention,
    plan: dict[str, Any],
    seconds: float,
    began: float,
) -> tuple[list[Felt], float]:
    """What others felt until the run ended, and how many seconds it took."""

    def killed_in_the_middle() -> float:
        def is_half_done() -> bool:
            return bool(retention.run(plan["run_id"])["deleted"] > plan["candidates"] / 2)

        wait_for("half of the run", is_half_done, _LONGEST_SECONDS)
        say("the worker is killed")
        deployment.worker.kill_and_start_again()
        wait_for("the run", lambda: retention.is_ended(plan["run_id"]), _LONGEST_SECONDS)
        return time.monotonic() - began

    found = []
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(killed_in_the_middle)
        while not running.done():
            say("retention, and others")
            found.append(felt(deployment, seconds))
        return found, running.result()


def _require_kept(
    deployment: Deployment, plan: dict[str, Any], run: dict[str, Any], held: str, stubborn: str
) -> None:
    left = count_before(deployment, plan["cutoff"])
    if run["deleted"] + left != plan["candidates"]:
        raise BenchError(f"{run['deleted']} deleted and {left} left of {plan['candidates']}")
    if not are_there(deployment, held, stubborn):
        raise BenchError("the report that was held, or the one that can't be deleted, is gone")
    if not run["failures"]:
        raise BenchError("the chunk that failed is not listed")


def _drops_told(drops: Dropped) -> str:
    times = ", ".join(f"{seconds * 1e3:.0f}" for seconds in drops.seconds)
    noticed = drops.felt
    return (
        f"Partitions dropped, ms each: {times} ({drops.in_use} more tries found it in use); "
        f"meanwhile ingest p95 {noticed.ingest.p95 * 1e3:.1f} ms, the slowest "
        f"{noticed.ingest.longest * 1e3:.0f} ms; lists {noticed.listed.p95 * 1e3:.1f} and "
        f"{noticed.listed.longest * 1e3:.0f} ms"
    )


def _table(before: Felt, meanwhile: list[Felt], after: Felt) -> str:
    lines = [
        "| p95, ms (slowest) | without | with retention | after | with / without |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name in ("ingest", "listed"):
        alone, later = getattr(before, name), getattr(after, name)
        stretches = [getattr(each, name) for each in meanwhile]
        p95 = max(each.p95 for each in stretches)
        longest = max(each.longest for each in stretches)
        lines.append(
            f"| {name} | {alone.p95 * 1e3:.1f} ({alone.longest * 1e3:.0f}) "
            f"| {p95 * 1e3:.1f} ({longest * 1e3:.0f}) "
            f"| {later.p95 * 1e3:.1f} ({later.longest * 1e3:.0f}) | {p95 / alone.p95:.2f} |"
        )
    return "\n".join(lines)


def main() -> None:
    arguments = _arguments()
    with show("retention", arguments.home) as home:
        _run(arguments, home)


if __name__ == "__main__":
    main()
