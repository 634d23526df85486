"""What a run found, as tables for people."""

from collections.abc import Sequence

from bench.scale.disk import Disk
from bench.scale.latency import Asked
from bench.table import table

_SHARES = {"p50": 0.50, "p99": 0.99}


def latencies(counts: Sequence[int], asked: Sequence[Asked]) -> str:
    """A row a question: each size's quantiles, and how far the slowest size is from the fastest."""
    head = [
        "milliseconds, p50 / p99",
        *(f"{count:,}" for count in counts),
        "p50 ratio",
        "p99 ratio",
    ]
    questions = [row.question for row in asked if row.size == counts[0]]
    rows = []
    for question in questions:
        found = [row for row in asked if row.question.name == question.name]
        name = f"{question.kind}: {question.name}" if question.kind != "other" else question.name
        rows.append([name, *map(_quantiles, found), *_spread(found)])
    return table(head, rows)


def _quantiles(row: Asked) -> str:
    refused = f" ({len(row.refused)} of {len(row.times)} refused)" if row.refused else ""
    p50, p99 = (row.at(share) * 1000 for share in _SHARES.values())
    return f"{p50:.2f} / {p99:.2f}{refused}"


def _spread(rows: Sequence[Asked]) -> list[str]:
    found = []
    for share in _SHARES.values():
        values = [row.at(share) for row in rows]
        found.append(f"{max(values) / min(values):.2f}")
    return found


def growth(counts: Sequence[int], rates: Sequence[dict[str, float]], disks: Sequence[Disk]) -> str:
    """How fast reports go in at each size, and the room that a million of them take."""
    head = ["at a size of", *(f"{count:,}" for count in counts)]
    rows = [[name, *(f"{rate[name]:,.0f}" for rate in rates)] for name in rates[0]]
    parts = {
        "heap": [disk.heap for disk in disks],
        "TOAST": [disk.toast for disk in disks],
        "indexes": [disk.indexes for disk in disks],
        "digests and their index": [disk.digests for disk in disks],
        "all": [disk.total for disk in disks],
    }
    rows += [
        [f"MB a million reports: {name}", *(f"{size / 1e6:,.0f}" for size in sizes)]
        for name, sizes in parts.items()
    ]
    return table(head, rows)
