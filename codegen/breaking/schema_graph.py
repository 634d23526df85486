"""Compares pairs of schemas, each once, and knows which operations meet what was found.

Pairs are visited once for each direction, so contracts that refer in circles come to an end.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from ..shape import Pointer
from .alike import Alike
from .change import Direction
from .compare_choices import compare_choices, replaced, wrapped
from .compare_objects import Pairs, compare_arrays, compare_objects
from .compare_values import compare_values
from .same import Sameness
from .side import Side, Unchanged
from .tell import Tell, Told
from .view import Places, View
from .views import Views

Pair = tuple[Places, Places, Direction]


@dataclass(slots=True)
class _Node:
    found: list[Told] = field(default_factory=list)
    tells_null: bool = False
    users: list[Pair] = field(default_factory=list)
    operations: dict[str, None] = field(default_factory=dict)


class SchemaGraph:
    def __init__(self, old: Side, new: Side, today: date) -> None:
        self._sides = (old, new)
        self._views = (Views(old), Views(new))
        self._unchanged = Unchanged(old, new)
        self._alike = Alike(self._views, Sameness(old, new, self._unchanged))
        self._today = today
        self._nodes: dict[Pair, _Node] = {}
        self._visited: set[Pair] = set()
        self._null_told: set[Pair] = set()

    def compare(
        self, old: Pointer | None, new: Pointer | None, direction: Direction, operation: str
    ) -> None:
        """None stands for a schema that isn't there, which allows everything."""
        old_places = () if old is None else (self._sides[0].canonical(old),)
        new_places = () if new is None else (self._sides[1].canonical(new),)
        root = (old_places, new_places, direction)
        self._visit(root)
        self._nodes[root].operations[operation] = None

    def found(self) -> Iterator[tuple[Told, dict[str, None]]]:
        """Everything found, with the operations that meet it."""
        for pair, node in self._nodes.items():
            if node.found:
                operations = self._operations(pair)
                for told in node.found:
                    yield told, operations

    def _visit(self, root: Pair) -> None:
        stack = [root]
        self._nodes.setdefault(root, _Node())
        while stack:
            pair = stack.pop()
            if pair in self._visited:
                continue
            self._visited.add(pair)
            for old, new in self._compare(pair):
                inner = (old, new, pair[2])
                if self._nodes[pair].tells_null:
                    self._null_told.add(inner)
                self._nodes.setdefault(inner, _Node()).users.append(pair)
                stack.append(inner)

    def _compare(self, pair: Pair) -> Pairs:
        if self._is_unchanged(pair):
            return []
        old_places, new_places, direction = pair
        old = self._views[0].view(old_places, direction)
        new = self._views[1].view(new_places, direction)
        if bool(old.choices) != bool(new.choices) and (old.has_single or new.has_single):
            old = self._views[0].view(old_places, direction, keeps_single=True)
            new = self._views[1].view(new_places, direction, keeps_single=True)
        node = self._nodes[pair]
        tell = Tell(self._sides, (old, new), direction, node.found, pair in self._null_told)
        if old.never or new.never:
            if old.never != new.never:
                tell("nothing-allowed" if new.never else "something-allowed", "", "")
            return []
        inner = self._compare_views(tell, old, new)
        node.tells_null = tell.null_is_told and pair not in self._null_told
        return inner

    def _compare_views(self, tell: Tell, old: View, new: View) -> Pairs:
        inner = wrapped(tell, old, new, self._alike)
        if inner is not None:
            return inner
        if replaced(tell, old, new):
            return []
        compare_values(tell, old, new)
        if old.types and new.types and not old.types & new.types:
            # Nothing is left of what was, so its parts say nothing more.
            return []
        return [
            *compare_objects(tell, old, new, self._today),
            *compare_arrays(old, new),
            *compare_choices(tell, old, new, self._alike),
        ]

    def _is_unchanged(self, pair: Pair) -> bool:
        old, new, _ = pair
        return len(old) == len(new) and all(map(self._unchanged.is_same, old, new))

    def _operations(self, start: Pair) -> dict[str, None]:
        operations: dict[str, None] = {}
        seen = {start}
        stack = [start]
        while stack:
            node = self._nodes[stack.pop()]
            operations |= node.operations
            stack.extend(user for user in node.users if user not in seen)
            seen.update(node.users)
        return operations
