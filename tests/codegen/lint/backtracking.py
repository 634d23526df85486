"""How many ways a backtracking engine tries before it refuses a text, counted without trying them.

Where no way leads to a match, all of them are gone through. Ways that stand at the same place of
the text with the same rest of the pattern are counted together, so that millions take no time.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from codegen.lint.regex.characters import overlap, single
from codegen.lint.regex.expression import (
    Assertion,
    Backreference,
    Choice,
    Node,
    One,
    Repeat,
    Sequence,
)


@dataclass(frozen=True, slots=True)
class _Again:
    """What comes after a repetition; one that took no text is no repetition, as in ECMA-262."""

    node: Repeat
    count: int
    progressed: bool


Rest = tuple[Node | _Again, ...]


def steps_to_refuse(node: Node, text: str) -> int:
    """How often a character is looked at. The text must not match."""
    ways: Counter[Rest] = Counter({(node,): 1})
    steps = 0
    for at in range(len(text) + 1):
        following: Counter[Rest] = Counter()
        for rest, count in ways.items():
            for head in _heads(rest, at == 0, at == len(text)):
                assert head, "the text matches"
                steps += count
                one = head[0]
                assert isinstance(one, One)
                if at < len(text) and overlap(one.characters, single(text[at])):
                    following[_progressed(head[1:])] += count
        ways = following
    return steps


def _progressed(rest: Rest) -> Rest:
    return tuple(
        _Again(part.node, part.count, progressed=True) if isinstance(part, _Again) else part
        for part in rest
    )


def _heads(rest: Rest, at_start: bool, at_end: bool) -> Iterator[Rest]:
    """What is left of the pattern in each way up to the next character, or to its end."""
    todo = [rest]
    while todo:
        current = todo.pop()
        if not current or isinstance(current[0], One):
            yield current
            continue
        top, below = current[0], current[1:]
        match top:
            case Sequence(parts):
                todo.append((*parts, *below))
            case Choice(branches):
                todo.extend((branch, *below) for branch in branches)
            case Repeat():
                todo.extend(_turns(top, 0, below))
            case _Again(node, count, progressed):
                if progressed or count <= node.least:
                    todo.extend(_turns(node, count, below))
            case Assertion(kind):
                if at_start if kind == "start" else at_end:
                    todo.append(below)
            case Backreference():
                raise AssertionError("the patterns of the tests have none")


def _turns(node: Repeat, count: int, below: Rest) -> Iterator[Rest]:
    if node.most is None or count < node.most:
        counted = min(count, node.least) if node.most is None else count
        yield (node.part, _Again(node, counted + 1, progressed=False), *below)
    if count >= node.least:
        yield below
