"""The automaton of a pattern, a state for each character class in it (Glushkov's construction).

An edge counts how many ways lead along it: two ways to repeat the same thing, as in `(a*)*`, are
two ways for an engine that tries one after the other.
"""

from dataclasses import dataclass, field

from .characters import Characters, contains, overlap
from .expression import Assertion, Backreference, Choice, Node, One, Repeat, Sequence

MAX_STATES = 400
# States, and the number of ways to each, 2 standing for more.
Ends = dict[int, int]


class TooLargeError(Exception):
    """The pattern has more states than are looked at."""


@dataclass(slots=True)
class Automaton:
    """`edges[p]` are the states that may follow p."""

    characters: list[Characters] = field(default_factory=list)
    edges: list[Ends] = field(default_factory=list)
    first: frozenset[int] = frozenset()
    last: frozenset[int] = frozenset()

    def overlaps(self, one: int, other: int) -> bool:
        return overlap(self.characters[one], self.characters[other])

    def takes(self, state: int, characters: Characters) -> bool:
        return contains(self.characters[state], characters)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of the pattern in the automaton: its ends, and the ways in which it may be empty."""

    first: Ends = field(default_factory=dict)
    last: Ends = field(default_factory=dict)
    empty: int = 1


_NOTHING = _Piece()


def automaton(node: Node, loops_from: int, most_copies: int = MAX_STATES) -> Automaton:
    """A repeat with a range of counts up to `loops_from` or more stands for one without an end.

    Of other repeats there are at most `most_copies` of the part. Raises TooLargeError.
    """
    builder = _Builder(loops_from, most_copies)
    whole = builder.build(node)
    built = builder.automaton
    built.first, built.last = frozenset(whole.first), frozenset(whole.last)
    return built


class _Builder:
    def __init__(self, loops_from: int, most_copies: int) -> None:
        self.automaton = Automaton()
        self._loops_from = loops_from
        self._most_copies = most_copies

    def build(self, node: Node) -> _Piece:
        match node:
            case One(characters):
                return self._state(characters)
            case Assertion() | Backreference():
                return _NOTHING
            case Sequence(parts):
                piece = _NOTHING
                for part in parts:
                    piece = self._follow(piece, self.build(part))
                return piece
            case Choice(branches):
                pieces = [self.build(branch) for branch in branches]
                return _Piece(
                    _sum(*((piece.first, 1) for piece in pieces)),
                    _sum(*((piece.last, 1) for piece in pieces)),
                    min(sum(piece.empty for piece in pieces), 2),
                )
            case Repeat():
                return self._repeat(node)

    def _state(self, characters: Characters) -> _Piece:
        state = len(self.automaton.characters)
        if state >= MAX_STATES:
            raise TooLargeError
        self.automaton.characters.append(characters)
        self.automaton.edges.append({})
        return _Piece({state: 1}, {state: 1}, empty=0)

    def _repeat(self, node: Repeat) -> _Piece:
        least, most = node.least, node.most
        if most is not None and (most == least or most < self._loops_from):
            needed = self._copies(node.part, least)
            return self._follow(needed, self._optional(node.part, most - least))
        before = self._copies(node.part, least - 1)
        loop = self.build(node.part)
        self._connect(loop, loop)
        # A repetition that is empty is none, but where one is required.
        return self._follow(before, _Piece(loop.first, loop.last, loop.empty if least else 1))

    def _copies(self, part: Node, count: int) -> _Piece:
        piece = _NOTHING
        for _ in range(min(count, self._most_copies)):
            once = self.build(part)
            if not once.first:
                return piece
            piece = self._follow(piece, once)
        return piece

    def _optional(self, part: Node, count: int) -> _Piece:
        """Up to `count` of a part, each only after the one before: `(a(a(a)?)?)?`."""
        piece = _NOTHING
        for _ in range(min(count, self._most_copies)):
            once = self.build(part)
            inner = self._follow(_Piece(once.first, once.last, empty=0), piece)
            piece = _Piece(inner.first, inner.last)
        return piece

    def _follow(self, one: _Piece, other: _Piece) -> _Piece:
        self._connect(one, other)
        return _Piece(
            _sum((one.first, 1), (other.first, one.empty)),
            _sum((other.last, 1), (one.last, other.empty)),
            min(one.empty * other.empty, 2),
        )

    def _connect(self, one: _Piece, other: _Piece) -> None:
        for state, ways in one.last.items():
            edges = self.automaton.edges[state]
            self.automaton.edges[state] = _sum((edges, 1), (other.first, ways))


def _sum(*terms: tuple[Ends, int]) -> Ends:
    """The ends of all terms, each term as many times as its factor says."""
    found: Ends = {}
    for ends, factor in terms:
        for state, ways in ends.items() if factor else ():
            found[state] = min(found.get(state, 0) + ways * factor, 2)
    return found
