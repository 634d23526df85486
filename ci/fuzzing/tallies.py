"""Reads what each role's run counted."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ci.fuzzing.tally import COUNTS_FILE, TALLY_FILE


@dataclass(frozen=True, slots=True)
class Tallied:
    """One role's run. `statuses` are by operation id and status, `beside` those of our checks'
    own requests; `counts` is tracecov's.
    """

    role: str
    statuses: Counter[tuple[str, int]]
    beside: Counter[tuple[str, int]]
    phases: Counter[str]
    problems: Counter[str]
    transitions: Counter[str]
    counted: Counter[str]
    counts: bytes


def read_tallies(folders: Iterable[Path]) -> list[Tallied]:
    """Of the runs that came to their end: another has written nothing."""
    return [_read(folder) for folder in folders if (folder / COUNTS_FILE).exists()]


def _read(folder: Path) -> Tallied:
    told: dict[str, Any] = json.loads((folder / TALLY_FILE).read_text(encoding="utf-8"))
    return Tallied(
        told["role"],
        _by_operation(told["statuses"]),
        _by_operation(told["beside"]),
        Counter(told["phases"]),
        Counter(told["problems"]),
        Counter(told["transitions"]),
        Counter(told["counted"]),
        (folder / COUNTS_FILE).read_bytes(),
    )


def _by_operation(told: dict[str, int]) -> Counter[tuple[str, int]]:
    found: Counter[tuple[str, int]] = Counter()
    for key, times in told.items():
        operation, status = key.split(" ")
        found[operation, int(status)] = times
    return found
