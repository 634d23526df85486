"""Strongly connected components of a directed graph, by Tarjan's algorithm without recursion."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field


def strong_components(edges: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """What each leads to comes before it; otherwise in the order of `edges`.

    Edges to what is no key of `edges` are passed over.
    """
    search = _Search(edges)
    for node in edges:
        if node not in search.index:
            search.run(node)
    return search.found


@dataclass(slots=True)
class _Search:
    edges: Mapping[str, Iterable[str]]
    index: dict[str, int] = field(default_factory=dict)
    found: list[list[str]] = field(default_factory=list)
    _lowest: dict[str, int] = field(default_factory=dict)
    _open: dict[str, None] = field(default_factory=dict)

    def run(self, start: str) -> None:
        path: list[tuple[str, Iterator[str]]] = [self._enter(start)]
        while path:
            node, rest = path[-1]
            for following in rest:
                if following not in self.edges:
                    continue
                if following not in self.index:
                    path.append(self._enter(following))
                    break
                if following in self._open:
                    self._lowest[node] = min(self._lowest[node], self.index[following])
            else:
                path.pop()
                self._leave(node)
                if path:
                    above = path[-1][0]
                    self._lowest[above] = min(self._lowest[above], self._lowest[node])

    def _enter(self, node: str) -> tuple[str, Iterator[str]]:
        self.index[node] = self._lowest[node] = len(self.index)
        self._open[node] = None
        return node, iter(self.edges[node])

    def _leave(self, node: str) -> None:
        if self._lowest[node] < self.index[node]:
            return
        component: list[str] = []
        while node in self._open:
            component.append(self._open.popitem()[0])
        self.found.append(component[::-1])
