"""Sets of characters as ranges of code points, as the classes of a regular expression need them."""

from collections.abc import Iterable

Characters = tuple[tuple[int, int], ...]

LAST = 0x10FFFF
ANY: Characters = ((0, LAST),)
DIGITS: Characters = ((0x30, 0x39),)
WORD: Characters = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_LETTERS: Characters = ((0x41, 0x5A), (0x61, 0x7A))
_BEYOND_ASCII: Characters = ((0x80, LAST),)


def union(sets: Iterable[Characters]) -> Characters:
    merged: list[tuple[int, int]] = []
    for low, high in sorted(piece for each in sets for piece in each):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def complement(characters: Characters) -> Characters:
    found = []
    start = 0
    for low, high in characters:
        if low > start:
            found.append((start, low - 1))
        start = high + 1
    return (*found, (start, LAST)) if start <= LAST else tuple(found)


def overlap(one: Characters, other: Characters) -> bool:
    return any(low <= end and start <= high for low, high in one for start, end in other)


def intersection(one: Characters, other: Characters) -> Characters:
    return tuple(
        (max(low, start), min(high, end))
        for low, high in one
        for start, end in other
        if low <= end and start <= high
    )


def contains(outer: Characters, inner: Characters) -> bool:
    return not overlap(complement(outer), inner)


def single(character: str) -> Characters:
    return ((ord(character), ord(character)),)


SPACES: Characters = union(
    [
        ((0x2000, 0x200A),),
        *map(single, "\u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff \t\n\v\f\r"),
    ]
)
# What a dot stands for.
IN_A_LINE: Characters = complement(union(map(single, "\n\r\u2028\u2029")))


def of_property(name: str) -> Characters:
    """Of `\\p{…}`, roughly: beyond ASCII every character may have the property."""
    if name.startswith(("L", "Alpha", "Script", "sc=", "Lowercase", "Uppercase")):
        return union([_LETTERS, _BEYOND_ASCII])
    if name.startswith("N"):
        return union([DIGITS, _BEYOND_ASCII])
    return ANY
