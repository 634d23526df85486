"""What a run found, as a table for people and as JSON for machines."""

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from bench.rounds import Measurement, Plan, Results

_LIBRARIES = ("connexion", "fastapi", "pydantic", "sqlalchemy", "starlette", "uvicorn")
_COLUMNS = (
    "operation",
    "ours, req/s",
    "FastAPI, req/s",
    "ours / FastAPI",
    "ours p50 / p95, ms",
    "FastAPI p50 / p95, ms",
    "ours CPU ms / req",
    "FastAPI CPU ms / req",
    "bare Starlette, req/s",
)


def markdown(plan: Plan, results: Results) -> str:
    rows = [list(_COLUMNS), ["---", *["---:"] * (len(_COLUMNS) - 1)]]
    rows += [_row(workload.name, results) for workload in plan.workloads]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(workload: str, results: Results) -> list[str]:
    def rate(server: str) -> str:
        return f"{results.median(workload, server, lambda m: m.rate):,.0f}"

    def times(server: str) -> str:
        p50 = results.median(workload, server, lambda m: m.figures.p50 * 1000)
        p95 = results.median(workload, server, lambda m: m.figures.p95 * 1000)
        return f"{p50:.1f} / {p95:.1f}"

    def cpu(server: str) -> str:
        return f"{results.median(workload, server, _cpu_milliseconds):.2f}"

    ratio = f"{results.ratio(workload, 'ours', workload, 'peer'):.2f}"
    return [
        workload,
        rate("ours"),
        rate("peer"),
        ratio,
        times("ours"),
        times("peer"),
        cpu("ours"),
        cpu("peer"),
        rate("bare"),
    ]


def _cpu_milliseconds(measurement: Measurement) -> float:
    return measurement.cpu * 1000 / measurement.figures.answered


def conditional_gain(plan: Plan, results: Results) -> str:
    """How an unchanged page compares to a whole one of the peer's."""
    whole = next(w.name for w in plan.workloads if w.status == 200)
    unchanged = next(w.name for w in plan.workloads if w.conditional)
    gain = results.ratio(unchanged, "ours", whole, "peer")
    return f"ours, {unchanged} / FastAPI, {whole}: {gain:.2f}"


def circumstances(plan: Plan, reports: int, pool_size: int, postgres: str) -> str:
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    load = os.getloadavg()[0]
    return (
        f"{plan.clients} clients, {plan.rounds} rounds of {plan.seconds:g} s, {reports:,} reports, "
        f"{pool_size} connections; {os.cpu_count()} processors, load average {load:.1f}; "
        f"Python {platform.python_version()}, PostgreSQL {postgres}, {libraries}"
    )


def as_json(plan: Plan, results: Results, about: str) -> dict[str, Any]:
    return {
        "about": about,
        "ratios": {w.name: results.ratio(w.name, "ours", w.name, "peer") for w in plan.workloads},
        "measurements": _measurements(results.measurements),
    }


def _measurements(measurements: Sequence[Measurement]) -> list[dict[str, Any]]:
    return [{**asdict(measurement), "rate": measurement.rate} for measurement in measurements]
