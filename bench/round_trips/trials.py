"""Puts random values of every schema of a package to the test, and counts what comes of them."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.core.errors import UnsupportedSchema

from bench.round_trips.looseness import classes_of
from bench.round_trips.models import Refused, Target, round_trip, takes
from bench.round_trips.package import Package
from bench.round_trips.sameness import Changed
from bench.round_trips.values import Values
from codegen.runtime.schema_views import Direction


@dataclass(slots=True)
class Tally:
    """`seen` counts values and by which difference they came back, or were taken; `findings` are
    the first of each schema that none of the documented differences covers."""

    seen: Counter[str] = field(default_factory=Counter)
    findings: dict[str, str] = field(default_factory=dict)
    without_values: list[str] = field(default_factory=list)

    def find(self, target: Target, told: object) -> None:
        self.seen["findings"] += 1
        self.findings.setdefault(f"{target.name} ({target.direction})", str(told))


def try_valid(package: Package, targets: Iterable[Target], examples: int) -> Tally:
    """Each value through the type and back."""

    def judge(tally: Tally, target: Target, value: Any) -> None:
        try:
            tally.seen.update(round_trip(target, value))
        except (Refused, Changed) as error:
            tally.find(target, error)

    return _tried(package, targets, examples, Values.valid, judge)


def try_invalid(package: Package, targets: Iterable[Target], examples: int) -> Tally:
    """Each value, which the contract and so the server refuses, to the type."""

    def judge(tally: Tally, target: Target, value: Any) -> None:
        if not takes(target, value):
            tally.seen["refused by both"] += 1
            return
        why = classes_of(package.schemas, target.direction, target.pointer, value)
        if why is None:
            tally.find(target, f"takes {value!r}")
        tally.seen.update(why or ())

    return _tried(package, targets, examples, Values.invalid, judge)


def _tried(
    package: Package,
    targets: Iterable[Target],
    examples: int,
    strategy: Callable[[Values, str], st.SearchStrategy[Any]],
    judge: Callable[[Tally, Target, Any], None],
) -> Tally:
    tally, listed = Tally(), list(targets)
    directions: tuple[Direction, ...] = ("request", "response")
    values = {
        direction: Values(
            package.schemas,
            direction,
            [one.pointer for one in listed if one.direction == direction],
        )
        for direction in directions
    }
    for target in listed:

        def run(value: Any, target: Target = target) -> None:
            tally.seen["values"] += 1
            judge(tally, target, value)

        try:
            drawn(strategy(values[target.direction], target.pointer), examples, run)
        except (Unsatisfiable, UnsupportedSchema):
            tally.without_values.append(target.name)
    return tally


def drawn(strategy: st.SearchStrategy[Any], examples: int, run: Callable[[Any], None]) -> None:
    """The same values each time."""
    limited = settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    limited(given(strategy)(lambda value: run(value)))()
