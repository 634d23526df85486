"""A server as a subject of measurement: requests over HTTP, each answer's status looked at."""

import time
from dataclasses import dataclass

from bench.agreement import entity_tag
from bench.load import Figures, Orders
from bench.processes import BenchError, Server, send_load
from bench.rounds import Plan
from bench.workload import Workload, headers


@dataclass(frozen=True, slots=True)
class ServerSubject:
    """One server. `server` may be the bare one, which takes no batch worth the name."""

    server: Server

    @property
    def name(self) -> str:
        return self.server.name

    def takes(self, workload: Workload) -> bool:
        return not workload.lines or self.name != "bare"

    def run(self, plan: Plan, workload: Workload) -> tuple[Figures, float]:
        orders = Orders(
            port=self.server.port,
            clients=1 if workload.lines else plan.clients,
            warm_up=plan.warm_up,
            seconds=plan.seconds,
            head=self._head(workload),
            body=workload.body,
            status=workload.status,
            # Microseconds, shifted: no two measurements of a machine's life share a number.
            first_number=time.time_ns() // 1000,
            requests=plan.batches if workload.lines else 0,
        )
        before = self.server.cpu_seconds()
        figures = send_load(orders)
        spent = self.server.cpu_seconds() - before
        if figures.errors or not figures.answered:
            raise BenchError(
                f"{workload.name}: {self.name} gave {figures.errors} wrong answers beside "
                f"{figures.answered} right ones, the first: {figures.first_error or 'none at all'}"
            )
        counted = 1.0 if workload.lines else plan.seconds / (plan.seconds + plan.warm_up)
        return figures, spent * counted

    def _head(self, workload: Workload) -> str:
        """The request's first lines, ready to send."""
        lines = {**headers(), "Host": f"127.0.0.1:{self.server.port}", "Accept": "*/*"}
        if workload.conditional:
            lines["If-None-Match"] = entity_tag(self.server, workload.path)
        if workload.body:
            lines["Content-Type"] = workload.media_type
            lines["Content-Length"] = str(len(workload.body.encode()))
        text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"{workload.method} {workload.path} HTTP/1.1\r\n{text}\r\n"
