"""Reads regular expressions as ECMA-262 has them, which is how `pattern` is written in a contract.

Python's `re` knows another dialect, and its parser is private. Group names and the meaning of
assertions are passed over: what is needed here is which characters may follow which.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from .characters import (
    ANY,
    DIGITS,
    IN_A_LINE,
    SPACES,
    WORD,
    Characters,
    complement,
    of_property,
    single,
    union,
)


@dataclass(frozen=True, slots=True)
class One:
    """One character out of a set."""

    characters: Characters


@dataclass(frozen=True, slots=True)
class Sequence:
    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Choice:
    branches: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """`most` is None where there is no end."""

    part: "Node"
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Assertion:
    kind: Literal["start", "end", "boundary", "look-ahead", "look-behind"]


@dataclass(frozen=True, slots=True)
class Backreference:
    pass


Node = One | Sequence | Choice | Repeat | Assertion | Backreference


class ExpressionError(ValueError):
    """The text is no expression of ECMA-262; the message says why, for a person."""


_QUANTIFIER = re.compile(r"(?:([*+?])|\{([0-9]+)(?:(,)([0-9]*))?\})")
_GROUP = re.compile(r"\((?:\?(:|=|!|<=|<!|<[A-Za-z_$][\w$]*>))?")
_NUMBERED = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]{1,6})\}|c([A-Za-z])")
_PROPERTY = re.compile(r"([pP])\{([^{}]*)\}")
_NAMED_BACK = re.compile(r"k<[^<>]*>")
_SETS: dict[str, Characters] = {
    "d": DIGITS, "D": complement(DIGITS), "w": WORD, "W": complement(WORD), "s": SPACES,
    "S": complement(SPACES),
}  # fmt: skip
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "v": "\v", "f": "\f", "0": "\0"}
# Letters that mean something in other dialects, where a reader would be misled.
_FOREIGN = frozenset("AZzGQEhHRX")
_MAX_DEPTH = 60
_MAX_REPEAT = 1 << 20


@lru_cache(maxsize=4096)
def parse(text: str) -> Node:
    """Raises ExpressionError."""
    reader = _Reader(text)
    node = reader.choice(0)
    if reader.at < len(text):
        raise ExpressionError("a ) closes no group")
    return node


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def choice(self, depth: int) -> Node:
        if depth > _MAX_DEPTH:
            raise ExpressionError("groups are nested too deep")
        branches = [self._sequence(depth)]
        while self._take("|"):
            branches.append(self._sequence(depth))
        return branches[0] if len(branches) == 1 else Choice(tuple(branches))

    def _sequence(self, depth: int) -> Node:
        parts: list[Node] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            parts.append(self._quantified(self._atom(depth)))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _quantified(self, atom: Node) -> Node:
        match = _QUANTIFIER.match(self.text, self.at)
        if match is None:
            return atom
        self.at = match.end()
        least, most = _counts(match)
        if most is not None and most < least:
            raise ExpressionError(f"the counts of {match[0]} are out of order")
        self._take("?")
        if self.text[self.at : self.at + 1] in ("*", "+") or _QUANTIFIER.match(self.text, self.at):
            raise ExpressionError("a quantifier follows another one")
        return Repeat(atom, least, most)

    def _atom(self, depth: int) -> Node:
        char = self.text[self.at]
        if char == "(":
            return self._group(depth)
        self.at += 1
        if char == "[":
            return One(self._character_class())
        if char == "\\":
            return self._escape()
        if char in "*+?":
            raise ExpressionError("a quantifier has nothing to repeat")
        if char in "^$":
            return Assertion("start" if char == "^" else "end")
        return One(IN_A_LINE if char == "." else single(char))

    def _group(self, depth: int) -> Node:
        match = _GROUP.match(self.text, self.at)
        assert match is not None
        self.at = match.end()
        if match[1] is None and self.text[self.at : self.at + 1] == "?":
            shown = self.text[self.at - 1 : self.at + 2]
            raise ExpressionError(f"a group may not begin with {shown} in ECMA-262")
        inside = self.choice(depth + 1)
        if not self._take(")"):
            raise ExpressionError("a group is not closed")
        if match[1] in ("=", "!"):
            return Assertion("look-ahead")
        return Assertion("look-behind") if match[1] in ("<=", "<!") else inside

    def _escape(self) -> Node:
        rest = self.text[self.at :]
        if rest[:1] in ("b", "B"):
            self.at += 1
            return Assertion("boundary")
        if named := _NAMED_BACK.match(rest):
            self.at += named.end()
            return Backreference()
        if rest[:1].isdigit() and rest[0] != "0":
            self.at += 1
            return Backreference()
        return One(self._escaped())

    def _escaped(self) -> Characters:
        """What a backslash makes of what follows, in and outside of classes."""
        char = self.text[self.at : self.at + 1]
        if not char:
            raise ExpressionError("it ends with a backslash")
        if numbered := _NUMBERED.match(self.text, self.at):
            self.at = numbered.end()
            if numbered[4]:
                return single(chr(ord(numbered[4].upper()) - 64))
            point = int(numbered[1] or numbered[2] or numbered[3], 16)
            return single(chr(point)) if point <= 0x10FFFF else ()
        if named := _PROPERTY.match(self.text, self.at):
            self.at = named.end()
            return of_property(named[2]) if named[1] == "p" else ANY
        self.at += 1
        if char in _FOREIGN:
            raise ExpressionError(f"\\{char} has no meaning in ECMA-262")
        return _SETS.get(char) or single(_CONTROLS.get(char, char))

    def _character_class(self) -> Characters:
        negated = self._take("^")
        found: list[Characters] = []
        while not self._take("]"):
            start = self._member()
            following = self.text[self.at : self.at + 2]
            if following[:1] == "-" and following[1:] not in ("", "]") and _is_single(start):
                self.at += 1
                end = self._member()
                if not _is_single(end):
                    found += [start, single("-"), end]
                    continue
                if start[0][0] > end[0][0]:
                    raise ExpressionError("a range in a class is out of order")
                start = ((start[0][0], end[0][0]),)
            found.append(start)
        merged = union(found)
        return complement(merged) if negated else merged

    def _member(self) -> Characters:
        if self.at >= len(self.text):
            raise ExpressionError("a class is not closed")
        char = self.text[self.at]
        self.at += 1
        if char != "\\":
            return single(char)
        if self._take("b"):
            return single("\b")
        return self._escaped()

    def _take(self, char: str) -> bool:
        found = self.text.startswith(char, self.at)
        self.at += found
        return found


def _counts(match: re.Match[str]) -> tuple[int, int | None]:
    if match[1]:
        return (1 if match[1] == "+" else 0), (1 if match[1] == "?" else None)
    least = min(int(match[2]), _MAX_REPEAT)
    if not match[3]:
        return least, least
    return least, min(int(match[4]), _MAX_REPEAT) if match[4] else None


def _is_single(characters: Characters) -> bool:
    return len(characters) == 1 and characters[0][0] == characters[0][1]
