"""Measures whatever is compared in turn, round after round, so that the machine's moods meet all
alike."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bench.load import Figures
from bench.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is measured; times in seconds. `batches` is how many of them a round has."""

    rounds: int
    seconds: float
    warm_up: float
    clients: int
    batches: int
    workloads: Sequence[Workload]


class Subject(Protocol):
    """What can be measured: a server, or a limit that no server can pass."""

    @property
    def name(self) -> str: ...

    def takes(self, workload: Workload) -> bool:
        """Whether the workload means anything here."""
        ...

    def run(self, plan: Plan, workload: Workload) -> tuple[Figures, float]:
        """The figures of one measurement, and the processor time it took, in seconds.

        Raises BenchError where an answer is wrong.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One subject under one workload in one round. `cpu` is its processor time, in seconds."""

    workload: str
    subject: str
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

    def of(self, workload: str, subject: str) -> list[Measurement]:
        return [m for m in self.measurements if (m.workload, m.subject) == (workload, subject)]

    def median(
        self, workload: str, subject: str, of: Callable[[Measurement], float]
    ) -> float | None:
        """None where nothing was measured."""
        values = [of(measurement) for measurement in self.of(workload, subject)]
        return statistics.median(values) if values else None

    def ratio(self, workload: str, subject: str, other_workload: str, other: str) -> float:
        """Median over rounds of one rate divided by the other in the same round."""
        pairs = zip(self.of(workload, subject), self.of(other_workload, other), strict=True)
        return statistics.median(one.rate / two.rate for one, two in pairs)


def measure(plan: Plan, subjects: Sequence[Subject], say: Callable[[str], None]) -> Results:
    found = []
    for number in range(1, plan.rounds + 1):
        for workload in plan.workloads:
            # Whoever goes second finds warmer caches, so they take turns at that as well.
            for subject in subjects if number % 2 else tuple(reversed(subjects)):
                if not subject.takes(workload):
                    continue
                figures, cpu = subject.run(plan, workload)
                found.append(
                    Measurement(
                        workload=workload.name,
                        subject=subject.name,
                        round=number,
                        figures=figures,
                        cpu=cpu,
                    )
                )
                say(
                    f"round {number} of {plan.rounds}: {workload.name}: {subject.name} "
                    f"{found[-1].rate * max(1, workload.lines):,.0f} a second"
                )
    return Results(found)
