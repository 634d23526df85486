"""A few contracts made at random: linted, generated, imported, and filled with values.

`make bench-random-contracts` tries as many as one likes, whole messages and mypy too.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.round_trips.invented import contract
from bench.round_trips.random_contracts import Bench
from bench.round_trips.reduction import reduced


def test_random_contracts_give_code_that_does_what_they_say(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    trials = [bench.tried(contract(n), ("lint", "values", "invalid values")) for n in range(10)]
    assert [finding for trial in trials for finding in trial.findings] == []
    assert [message for trial in trials for message in trial.refused] == []
    assert sum(trial.seen["values"] for trial in trials) > 100


def test_a_number_makes_one_contract_and_most_make_others() -> None:
    assert contract(7) == contract(7)
    assert len({json.dumps(contract(number)) for number in range(20)}) == 20
    assert {contract(number)["openapi"] for number in range(20)} == {"3.0.3", "3.1.0"}


@pytest.mark.parametrize("number", [1, 2])
def test_what_shows_a_fault_is_made_as_small_as_shows_it_still(number: int) -> None:
    def shows(document: dict[str, Any]) -> bool:
        return any(node.get("type") == "integer" for node in nodes(document))

    assert shows(contract(number))
    smaller = reduced(contract(number), shows, seconds=60)
    assert shows(smaller)
    assert len(list(nodes(smaller))) < 10


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, dict | list):
            yield from nodes(inner)
