"""Shortened samples still are what their tools write; mutated ones differ and get far."""

import json
from collections import Counter

import pytest
from hypothesis import given, settings

from ci.fuzzing.tool_outputs import (
    ToolOutput,
    mutated_outputs,
    real_outputs,
    torn_outputs,
)
from formats.errors import TranslationError
from formats.registry import FORMATS

_CONTENTS = {output.content for output in real_outputs()}


def _is_translated(output: ToolOutput) -> bool:
    try:
        FORMATS[output.format].translate(output.content)
    except TranslationError:
        return False
    return True


def test_every_format_has_a_real_output_that_translates_into_something() -> None:
    assert {output.format for output in real_outputs()} == set(FORMATS)
    for output in real_outputs():
        translated = FORMATS[output.format].translate(output.content)
        assert translated["policy"]["evaluations"], output.format
        assert len(output.content) < 50_000


@pytest.mark.parametrize("name", FORMATS)
def test_mutated_outputs_are_well_formed_and_reach_both_ends_of_a_translator(name: str) -> None:
    reached: Counter[bool] = Counter()

    @settings(max_examples=80, database=None, derandomize=True)
    @given(mutated_outputs([output for output in real_outputs() if output.format == name]))
    def mutate(output: ToolOutput) -> None:
        output.as_body()
        if output.content not in _CONTENTS:
            reached[_is_translated(output)] += 1

    mutate()
    assert reached[True]
    # JUnit has no schema that well-formed XML could break, so what is left is nearly always taken.
    assert reached[False] or name == "junit"


def test_torn_outputs_are_mostly_not_well_formed() -> None:
    broken: Counter[bool] = Counter()

    @settings(max_examples=100, database=None, derandomize=True)
    @given(torn_outputs(real_outputs()))
    def tear(output: ToolOutput) -> None:
        if not output.content.startswith(b"<"):
            try:
                json.loads(output.content)
                broken[False] += 1
            except ValueError:
                broken[True] += 1

    tear()
    assert broken[True] > broken[False]
