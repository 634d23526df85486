"""What a run found, as tables for people and as JSON for machines."""

import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any, Final

from bench.rounds import Measurement, Plan, Results
from bench.workload import LIST, NOT_MODIFIED, Workload

SERVERS: Final = ("ours", "fastapi", "connexion", "bare")
_COMPARED: Final = {"ours": "ours", "fastapi": "FastAPI", "connexion": "Connexion"}
_LIBRARIES: Final = (
    "connexion",
    "fastapi",
    "flask",
    "jsonschema",
    "pydantic",
    "sqlalchemy",
    "starlette",
    "uvicorn",
)
Of = Callable[[Measurement], float]


def markdown(plan: Plan, results: Results, about: str) -> str:
    single = [workload for workload in plan.workloads if not workload.lines]
    batches = [workload for workload in plan.workloads if workload.lines]
    parts = []
    if single:
        parts += [_rates(single, results), _times(single, results)]
    names = {workload.name for workload in single}
    if {LIST.name, NOT_MODIFIED.name} <= names:
        gain = results.ratio(NOT_MODIFIED.name, "ours", LIST.name, "fastapi")
        parts.append(f"Ours, {NOT_MODIFIED.name} / FastAPI, {LIST.name}: {gain:.2f}")
    parts += [_batch(workload, results) for workload in batches]
    return "\n\n".join([*parts, about])


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [list(head), ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _rates(workloads: Sequence[Workload], results: Results) -> str:
    rated = {**_COMPARED, "pgbench": "pgbench, same SQL", "bare": "bare Starlette"}
    head = ["requests a second", *rated.values(), "ours / FastAPI", "ours / Connexion"]
    return table(
        head,
        [
            [
                workload.name,
                *(_figure(results, workload, name, _rate) for name in rated),
                *(
                    f"{results.ratio(workload.name, 'ours', workload.name, peer):.2f}"
                    for peer in ("fastapi", "connexion")
                ),
            ]
            for workload in workloads
        ],
    )


def _times(workloads: Sequence[Workload], results: Results) -> str:
    head = [
        "milliseconds",
        *(f"{shown}: p50 / p95" for shown in _COMPARED.values()),
        "pgbench: p50 / p95",
        *(f"{shown}: CPU" for shown in _COMPARED.values()),
    ]
    return table(
        head,
        [
            [
                workload.name,
                *(_quantiles(results, workload, name) for name in (*_COMPARED, "pgbench")),
                *(_figure(results, workload, name, _cpu_milliseconds, 2) for name in _COMPARED),
            ]
            for workload in workloads
        ],
    )


def _batch(workload: Workload, results: Results) -> str:
    shown = {**_COMPARED, "copy": "bare COPY"}
    head = [workload.name, "reports a second", "share of bare COPY", "p50, ms", "CPU a report, µs"]
    rows = []
    for name, label in shown.items():
        rate = results.median(workload.name, name, lambda m: m.rate * workload.lines)
        p50 = results.median(workload.name, name, lambda m: m.figures.p50 * 1000)
        cpu = results.median(
            workload.name, name, lambda m: _cpu_milliseconds(m) * 1000 / workload.lines
        )
        share = results.ratio(workload.name, name, workload.name, "copy")
        rows.append(
            [label, f"{rate:,.0f}", f"{share:.0%}", f"{p50:,.0f}", f"{cpu:.0f}" if cpu else "-"]
        )
    return table(head, rows)


def _figure(results: Results, workload: Workload, subject: str, of: Of, digits: int = 0) -> str:
    found = results.median(workload.name, subject, of)
    return "-" if found is None else f"{found:,.{digits}f}"


def _quantiles(results: Results, workload: Workload, subject: str) -> str:
    p50 = results.median(workload.name, subject, lambda m: m.figures.p50 * 1000)
    p95 = results.median(workload.name, subject, lambda m: m.figures.p95 * 1000)
    return "-" if p50 is None else f"{p50:.1f} / {p95:.1f}"


def _rate(measurement: Measurement) -> float:
    return measurement.rate


def _cpu_milliseconds(measurement: Measurement) -> float:
    return measurement.cpu * 1000 / measurement.figures.answered


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
        "ratios": {
            workload.name: {
                peer: results.ratio(workload.name, "ours", workload.name, peer)
                for peer in ("fastapi", "connexion")
            }
            for workload in plan.workloads
        },
        "measurements": [{**asdict(m), "rate": m.rate} for m in results.measurements],
    }
