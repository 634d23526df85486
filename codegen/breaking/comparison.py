"""What a whole comparison shares: both contracts, the schemas in pairs, and all that was found."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from ..shape import Pointer
from .change import Change, Direction, Judgement
from .rules import RULES
from .schema_graph import SchemaGraph
from .side import Side
from .tell import Told

_Key = tuple[str, str, Side, Pointer]


@dataclass(slots=True)
class Comparison:
    old: Side
    new: Side
    today: date
    graph: SchemaGraph
    _told: list[tuple[Told, dict[str, None]]] = field(default_factory=list)

    def gone(
        self, rule: str, message: str, pointer: Pointer, operation: str, way: Direction = "request"
    ) -> None:
        """Something of the old contract; `pointer` leads to it there."""
        self._told.append((Told(rule, message, self.old, pointer, way), {operation: None}))

    def now(
        self, rule: str, message: str, pointer: Pointer, operation: str, way: Direction = "request"
    ) -> None:
        """Something of the new contract; `pointer` leads to it there."""
        self._told.append((Told(rule, message, self.new, pointer, way), {operation: None}))

    def changes(self) -> Iterator[Change]:
        """What is the same at one place, in both directions or many operations, is one change."""
        judgements: dict[_Key, dict[Direction, Judgement]] = {}
        operations: dict[_Key, dict[str, None]] = {}
        for told, met_by in [*self._told, *self.graph.found()]:
            judgement = RULES[told.rule].judgement(told.direction)
            if judgement is not None:
                key = (told.rule, told.message, told.side, told.pointer)
                judgements.setdefault(key, {})[told.direction] = judgement
                operations.setdefault(key, {}).update(met_by)
        for key, found in judgements.items():
            rule, message, side, pointer = key
            met = tuple(operations[key])
            place = side.place(pointer)
            yield Change(rule, message, place, found.get("request"), found.get("response"), met)
