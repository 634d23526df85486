"""Reads the lines of a batch and makes of them chunks that are ready to be stored."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from generated.models import QcReport
from generated.runtime.json_lines import JsonLines
from generated.runtime.problems import InputError, Problem, invalid_input
from handlers.errors import InvalidValue
from handlers.preparation import Preparation, PreparedReport
from handlers.sealing import RawSealer, require_sealer

# What is stored by one statement: a fraction of a second of work.
_REPORTS_A_STATEMENT: Final = 500
_BYTES_A_STATEMENT: Final = 1024 * 1024
# What is prepared at a time: few enough that one secret among them slows few others down.
_REPORTS_A_GROUP: Final = 50
_BYTES_A_GROUP: Final = 60_000

Outcome = dict[str, Any]
"""What the answer says of a line."""


class _Read(NamedTuple):
    """A line that fits the contract, and the outcome that is begun for it."""

    value: Any
    outcome: Outcome


class ReadyLine(NamedTuple):
    """A line ready to be stored; its outcome is filled in once it is."""

    prepared: PreparedReport
    outcome: Outcome


@dataclass(slots=True)
class BatchReader:
    """Reads and prepares lines; begins an outcome for each."""

    preparation: Preparation
    own_secret: str | None
    sealer: RawSealer | None
    lines: JsonLines[QcReport]
    outcomes: list[Outcome] = field(default_factory=list)
    refused: int = 0

    def chunks(self) -> Iterator[list[ReadyLine]]:
        chunk: list[ReadyLine] = []
        size = 0
        for lines, bytes_of_lines in self._groups():
            chunk += self._ready(lines)
            size += bytes_of_lines
            if len(chunk) >= _REPORTS_A_STATEMENT or size >= _BYTES_A_STATEMENT:
                yield chunk
                chunk, size = [], 0
        if chunk:
            yield chunk

    def _groups(self) -> Iterator[tuple[list[_Read], int]]:
        """Lines to prepare together, and their size in bytes."""
        group: list[_Read] = []
        size = 0
        for line in self.lines:
            outcome: Outcome = {"line": line.number}
            self.outcomes.append(outcome)
            if line.problem is not None:
                self._refuse(outcome, line.problem)
                continue
            group.append(_Read(line.value, outcome))
            size += line.size
            if len(group) >= _REPORTS_A_GROUP or size >= _BYTES_A_GROUP:
                yield group, size
                group, size = [], 0
        if group:
            yield group, size

    def _ready(self, lines: list[_Read]) -> Iterator[ReadyLine]:
        sent = [line.value for line in lines]
        each = self.preparation.prepare_each(sent, self.own_secret)
        for line, prepared in zip(lines, each, strict=True):
            if isinstance(prepared, InvalidValue):
                self._refuse(line.outcome, _unfit(prepared))
                continue
            if prepared.raw is not None:
                require_sealer(self.sealer)
            yield ReadyLine(prepared, line.outcome)

    def _refuse(self, outcome: Outcome, problem: Problem) -> None:
        self.refused += 1
        outcome.update(outcome="refused", problem=problem.as_json())


def _unfit(error: InvalidValue) -> Problem:
    entry = InputError(error.location, error.pointer, error.keyword, error.limit)
    return invalid_input([entry], error.detail)
