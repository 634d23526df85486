"""The loops of a graph: its strongly connected parts (Tarjan's algorithm, without recursion)."""

from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

StateT = TypeVar("StateT", bound=Hashable)


def loops_of(graph: dict[StateT, list[StateT]]) -> list[list[StateT]]:
    """The parts in which every state can be reached from every other, and that hold an edge."""
    search = _Search(graph)
    for state in graph:
        if state not in search.order:
            search.run(state)
    return [part for part in search.parts if len(part) > 1 or part[0] in graph[part[0]]]


class _Search(Generic[StateT]):
    def __init__(self, graph: dict[StateT, list[StateT]]) -> None:
        self._graph = graph
        self.order: dict[StateT, int] = {}
        self.parts: list[list[StateT]] = []
        self._lowest: dict[StateT, int] = {}
        self._open: dict[StateT, None] = {}

    def run(self, start: StateT) -> None:
        path = [self._enter(start)]
        while path:
            state, following = path[-1]
            for other in following:
                if other not in self.order:
                    path.append(self._enter(other))
                    break
                if other in self._open:
                    self._lower(state, self.order[other])
            else:
                path.pop()
                if path:
                    self._lower(path[-1][0], self._lowest[state])
                self._leave(state)

    def _enter(self, state: StateT) -> tuple[StateT, Iterator[StateT]]:
        self.order[state] = self._lowest[state] = len(self.order)
        self._open[state] = None
        return state, iter(self._graph[state])

    def _lower(self, state: StateT, to: int) -> None:
        self._lowest[state] = min(self._lowest[state], to)

    def _leave(self, state: StateT) -> None:
        """Ends a part where its first state is left."""
        if self._lowest[state] != self.order[state]:
            return
        part = []
        while True:
            last, _ = self._open.popitem()
            part.append(last)
            if last == state:
                self.parts.append(part)
                return
