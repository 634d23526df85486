"""The rows of a batch by COPY, as the tables' owner: how fast a batch of nothing else could be.

The rows are made beforehand, and not timed.
"""

import csv
import io
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg2

from bench.callers import Principal
from bench.load import Figures, quantile
from bench.rounds import Plan
from bench.store.preparation import stored_values
from bench.workload import COUNTER, TENANT, Workload

_CALLER: Final = Principal(TENANT, "bench-operator", "operator")


@dataclass(frozen=True, slots=True)
class BareCopy:
    """`dsn` is the owner's login, whom row level security doesn't bind."""

    dsn: str
    name: str = field(default="copy", init=False)

    def takes(self, workload: Workload) -> bool:
        return workload.lines > 0

    def run(self, plan: Plan, workload: Workload) -> tuple[Figures, float]:
        times = []
        connection = psycopg2.connect(self.dsn)
        try:
            for _ in range(plan.batches):
                times.append(_copied(connection, list(_rows(workload))))
        finally:
            connection.close()
        figures = Figures(
            answered=len(times),
            seconds=sum(times),
            p50=quantile(sorted(times), 0.50),
            p95=quantile(sorted(times), 0.95),
            longest=max(times),
            errors=0,
            first_error="",
        )
        return figures, 0.0


def _rows(workload: Workload) -> Iterator[dict[str, Any]]:
    number = time.time_ns() // 1000
    for line in workload.body.replace(COUNTER, f"{number:016d}").splitlines():
        yield stored_values(json.loads(line), _CALLER, "bare-copy")


def _copied(connection: Any, rows: list[dict[str, Any]]) -> float:
    """Seconds from the first byte to the end of COMMIT."""
    reports = _csv(rows, list(rows[0]))
    digests = _csv(
        [{**row, "report_id": row["id"]} for row in rows], ["tenant_id", "sha256", "report_id"]
    )
    begun = time.perf_counter()
    with connection, connection.cursor() as cursor:
        columns = ", ".join(rows[0])
        cursor.copy_expert(f"COPY reports ({columns}) FROM STDIN (FORMAT csv)", reports)
        cursor.copy_expert(
            "COPY report_digests (tenant_id, sha256, report_id) FROM STDIN (FORMAT csv)", digests
        )
    return time.perf_counter() - begun


def _csv(rows: list[dict[str, Any]], columns: list[str]) -> io.StringIO:
    text = io.StringIO()
    csv.writer(text).writerows([_field(row[column]) for column in columns] for row in rows)
    text.seek(0)
    return text


def _field(value: Any) -> Any:
    return f"\\x{value.hex()}" if isinstance(value, bytes) else value
