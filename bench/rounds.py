"""Measures servers in turn, round after round, so that the machine's moods meet all alike."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.agreement import entity_tag
from bench.load import Figures, Orders
from bench.processes import BenchError, Server, send_load
from bench.workload import Workload, headers


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is measured; times in seconds."""

    rounds: int
    seconds: float
    warm_up: float
    clients: int
    workloads: Sequence[Workload]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One server under one workload in one round. `cpu` is its processor time, in seconds."""

    workload: str
    server: str
    round: int
    figures: Figures
    cpu: float

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.figures.answered / self.figures.seconds


@dataclass(frozen=True, slots=True)
class Results:
    """All measurements of a run; a median is over rounds, a ratio compares within a round."""

    measurements: Sequence[Measurement]

    def of(self, workload: str, server: str) -> list[Measurement]:
        return [m for m in self.measurements if (m.workload, m.server) == (workload, server)]

    def median(self, workload: str, server: str, of: Callable[[Measurement], float]) -> float:
        return statistics.median(of(m) for m in self.of(workload, server))

    def ratio(self, workload: str, server: str, other_workload: str, other: str) -> float:
        """Median over rounds of one rate divided by the other in the same round."""
        pairs = zip(self.of(workload, server), self.of(other_workload, other), strict=True)
        return statistics.median(one.rate / two.rate for one, two in pairs)


def measure(plan: Plan, servers: Sequence[Server], say: Callable[[str], None]) -> Results:
    """Raises BenchError at the first answer with another status than the workload's."""
    found = []
    for number in range(1, plan.rounds + 1):
        for workload in plan.workloads:
            # Whoever goes second finds warmer caches, so they take turns at that as well.
            for server in servers if number % 2 else tuple(reversed(servers)):
                found.append(_measure_one(plan, workload, server, number))
                say(
                    f"round {number} of {plan.rounds}: {workload.name}: {server.name} "
                    f"{found[-1].rate:.0f} requests/s"
                )
    return Results(found)


def _measure_one(plan: Plan, workload: Workload, server: Server, number: int) -> Measurement:
    orders = Orders(
        port=server.port,
        clients=plan.clients,
        warm_up=plan.warm_up,
        seconds=plan.seconds,
        head=_head(workload, server),
        body=workload.body,
        status=workload.status,
        # Microseconds, shifted: no two measurements of a machine's life share a number.
        first_number=time.time_ns() // 1000,
    )
    before = server.cpu_seconds()
    figures = send_load(orders)
    spent = server.cpu_seconds() - before
    if figures.errors or not figures.answered:
        raise BenchError(
            f"{workload.name}: {server.name} gave {figures.errors} wrong answers beside "
            f"{figures.answered} right ones, the first: {figures.first_error or 'none at all'}"
        )
    share = plan.seconds / (plan.seconds + plan.warm_up)
    return Measurement(
        workload=workload.name, server=server.name, round=number, figures=figures, cpu=spent * share
    )


def _head(workload: Workload, server: Server) -> str:
    """The request's first lines, ready to send."""
    lines = {**headers(), "Host": f"127.0.0.1:{server.port}", "Accept": "*/*"}
    if workload.conditional:
        lines["If-None-Match"] = entity_tag(server, workload.path)
    if workload.body:
        lines["Content-Type"] = "application/json"
        lines["Content-Length"] = str(len(workload.body.encode()))
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{workload.method} {workload.path} HTTP/1.1\r\n{text}\r\n"
