"""How long a backtracking engine may take for a pattern: the ambiguity of its automaton.

An engine that fails has tried every way to match. The ways double with each character where a loop
can be gone through in two ways by the same text (exponential), and grow with a power of the text's
length where two loops in a row take the same text (polynomial). After Weideman et al. (2016),
"Analyzing Matching Time Behavior of Backtracking Regular Expression Matchers by Using Ambiguity of
NFA".
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from .automaton import Automaton, TooLargeError, automaton
from .characters import ANY, IN_A_LINE, intersection, overlap
from .expression import Choice, Node
from .loops import loops_of
from .shape import is_anchored

Growth = Literal["exponential", "polynomial"]
_GROWTHS: tuple[Growth, ...] = ("exponential", "polynomial")

# A range of counts that has room for this many ways is as bad as one without an end.
_MANY = 10
_VERY_MANY = 1000
# Looked at before giving up; what is given up counts as harmless.
_MAX_STEPS = 200_000


@dataclass(slots=True)
class _Budget:
    """What may still be looked at in one automaton."""

    left: int = _MAX_STEPS

    def spend(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise TooLargeError


@lru_cache(maxsize=4096)
def growth(node: Node) -> Growth | None:
    """None where time is linear in the text, or nothing was found within the limits."""
    if isinstance(node, Choice):
        found_in = {growth(branch) for branch in node.branches}
        return next((each for each in _GROWTHS if each in found_in), None)
    ends = is_anchored(node, "end")
    try:
        if _is_exponential(automaton(node, _MANY), ends):
            return "exponential"
        found = automaton(node, _VERY_MANY, most_copies=2)
        if not is_anchored(node, "start"):
            _add_search(found)
        return "polynomial" if _is_polynomial(found, ends) else None
    except TooLargeError:
        return None


def _add_search(found: Automaton) -> None:
    """An engine that searches begins anew at each character: a loop over anything, in front."""
    state = len(found.characters)
    found.characters.append(ANY)
    found.edges.append({state: 1, **dict.fromkeys(found.first, 1)})


def _is_exponential(found: Automaton, ends: bool) -> bool:
    graph = {state: list(edges) for state, edges in enumerate(found.edges)}
    for loop in loops_of(graph):
        inside = set(loop)
        if _ends_well(found, inside, ends):
            continue
        doubled = any(found.edges[state].get(other) == 2 for state in loop for other in inside)
        if doubled or _has_two_ways(found, inside):
            return True
    return False


def _has_two_ways(found: Automaton, inside: set[int]) -> bool:
    """Whether a text leads from a state back to it in two ways, without leaving the loop."""
    graph: dict[tuple[int, int], list[tuple[int, int]]] = {}
    todo = [(state, state) for state in inside]
    budget = _Budget()
    while todo:
        pair = todo.pop()
        if pair in graph:
            continue
        graph[pair] = [
            (one, other)
            for one in found.edges[pair[0]]
            for other in found.edges[pair[1]]
            if one in inside and other in inside and found.overlaps(one, other)
        ]
        budget.spend(1 + len(graph[pair]))
        todo.extend(graph[pair])
    return any(
        any(one == other for one, other in loop) and any(one != other for one, other in loop)
        for loop in loops_of(graph)
    )


def _is_polynomial(found: Automaton, ends: bool) -> bool:
    graph = {state: list(edges) for state, edges in enumerate(found.edges)}
    loops = [set(loop) for loop in loops_of(graph)]
    budget = _Budget()
    return any(
        _meet(found, one, first, second, budget)
        for first in loops
        for second in loops
        if first is not second and not _ends_well(found, second, ends)
        for one in first
    )


def _meet(found: Automaton, start: int, first: set[int], second: set[int], budget: _Budget) -> bool:
    """Whether a text leads from `start` to itself, from it to a state of `second`, and from there
    to itself: then the text repeated can be divided anywhere between both loops.
    """
    for end in second:
        seen: set[tuple[int, int, int]] = set()
        todo = [(start, start, end)]
        while todo:
            triple = todo.pop()
            for following in _steps(found, triple, first, second):
                if following == (start, end, end):
                    return True
                if following not in seen:
                    seen.add(following)
                    todo.append(following)
                    budget.spend(1)
    return False


def _steps(
    found: Automaton, triple: tuple[int, int, int], first: set[int], second: set[int]
) -> Iterable[tuple[int, int, int]]:
    for one in found.edges[triple[0]].keys() & first:
        for last in found.edges[triple[2]].keys() & second:
            shared = intersection(found.characters[one], found.characters[last])
            for between in found.edges[triple[1]]:
                if overlap(shared, found.characters[between]):
                    yield one, between, last


def _ends_well(found: Automaton, loop: set[int], ends: bool) -> bool:
    """Whether an engine that has gone through the loop can't fail any more, and so tries no more.

    A class that takes all but line ends is taken for one that takes all: so it is meant.
    """
    if not ends:
        return bool(loop & found.last)
    return loop <= found.last and all(found.takes(state, IN_A_LINE) for state in loop)
