"""What can be said of a parsed pattern without running it: its anchors, its longest match."""

from .characters import IN_A_LINE, SPACES, complement, contains
from .expression import (
    Assertion,
    Backreference,
    Choice,
    ExpressionError,
    Node,
    One,
    Repeat,
    Sequence,
    parse,
)

NO_SPACES = complement(SPACES)


def longest_match(pattern: str) -> int | None:
    """How many characters a text that matches has at most; None where there is no end to it."""
    try:
        node = parse(pattern)
    except ExpressionError:
        return None
    if not (is_anchored(node, "start") and is_anchored(node, "end")):
        return None
    return _longest(node)


def _longest(node: Node) -> int | None:
    match node:
        case One():
            return 1
        case Assertion():
            return 0
        case Backreference():
            return None
        case Repeat(part, _, most):
            once = _longest(part)
            return 0 if once == 0 else None if most is None or once is None else most * once
        case Sequence(parts):
            lengths = [_longest(part) for part in parts]
            return None if None in lengths else sum(each or 0 for each in lengths)
        case Choice(branches):
            lengths = [_longest(branch) for branch in branches]
            return None if None in lengths else max(each or 0 for each in lengths)


def is_anchored(node: Node, at: str) -> bool:
    """Whether every match begins at the text's start, or ends at its end."""
    match node:
        case Assertion(kind):
            return kind == at
        case Choice(branches):
            return all(is_anchored(branch, at) for branch in branches)
        case Sequence(parts):
            ordered = parts if at == "start" else tuple(reversed(parts))
            for part in ordered:
                if is_anchored(part, at):
                    return True
                if not isinstance(part, Assertion):
                    return False
            return False
        case _:
            return False


def half_anchored_choice(node: Node) -> bool:
    """Whether `^` or `$` holds for some branches alone, as in `^a|b$`."""
    if not isinstance(node, Choice):
        return False
    return any(
        any(is_anchored(branch, at) for branch in node.branches) and not is_anchored(node, at)
        for at in ("start", "end")
    )


def is_search(node: Node) -> bool:
    """Whether a pattern is anchored somewhere, or is meant to be found inside of the text.

    So is one that asks for a character that is no space (`\\S+`), or that passes over anything
    between its parts.
    """
    match node:
        case Assertion():
            return True
        case One(characters):
            return characters == NO_SPACES
        case Repeat(One(characters)):
            return characters == NO_SPACES or contains(characters, IN_A_LINE)
        case Repeat(part):
            return is_search(part)
        case Sequence(parts) | Choice(parts):
            return any(is_search(part) for part in parts)
        case _:
            return False


def irregular_parts(node: Node) -> set[str]:
    """What in it no engine can do in time linear in the text."""
    match node:
        case Assertion(kind) if kind.startswith("look"):
            return {kind}
        case Backreference():
            return {"a backreference"}
        case Repeat(part):
            return irregular_parts(part)
        case Sequence(parts):
            return set().union(*map(irregular_parts, parts))
        case Choice(branches):
            return set().union(*map(irregular_parts, branches))
        case _:
            return set()
