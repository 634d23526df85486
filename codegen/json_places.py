"""Reads JSON at the speed of the standard library, and finds where a value stands when asked.

Takes only documents that nothing can be said against; of others `json_source` says what is wrong.
"""

import json
import re
from bisect import bisect_right
from typing import Any

from .json_source import MAX_DEPTH, MAX_DIGITS, Pointer, Position

_SPACE = re.compile(r"[ \t\n\r]*")


class IrregularError(Exception):
    """Something stands in the text that has to be looked at more closely."""


def read_regular(text: str) -> Any:
    """The value of a JSON text. Raises IrregularError where it isn't JSON or a key stands twice."""
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise IrregularError from error
    if _is_deep(value, MAX_DEPTH):
        raise IrregularError
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise IrregularError
    return made


def _short(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise IrregularError
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise IrregularError
    return value


def _constant(text: str) -> Any:
    raise IrregularError


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_short, parse_float=_finite, parse_constant=_constant
)
_SCANNER = json.JSONDecoder()
_CONTAINERS = (dict, list)


def _is_deep(value: Any, left: int) -> bool:
    """Whether containers stand in more than `left` others."""
    level = [value] if isinstance(value, _CONTAINERS) else []
    # Level by level: a call for each value would take as long as to parse the text.
    while level and left > 0:
        left -= 1
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, dict) else each)
            if isinstance(inner, _CONTAINERS)
        ]
    return bool(level)


class JsonPlaces:
    """Where the values of a regular JSON text stand. What isn't asked for is passed over in C."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._line_starts: list[int] = []
        # Of containers by where they begin: what is shown of each member, and where its value is.
        self._members: dict[int, dict[str | int, tuple[int, int]]] = {}

    def nearest(self, pointer: Pointer) -> Position:
        """Where a value stands, or the nearest value around it that does exist."""
        shown = at = self._skip(0)
        for token in pointer:
            members = self._inside(at)
            if token not in members:
                break
            shown, at = members[token]
        return self._position(shown)

    def _inside(self, at: int) -> dict[str | int, tuple[int, int]]:
        if at not in self._members:
            opened = self._text[at]
            self._members[at] = self._read(at, opened) if opened in "{[" else {}
        return self._members[at]

    def _read(self, at: int, opened: str) -> dict[str | int, tuple[int, int]]:
        found: dict[str | int, tuple[int, int]] = {}
        at = self._skip(at + 1)
        while self._text[at] not in "}]":
            shown, key = at, len(found)
            if opened == "{":
                key, at = _SCANNER.raw_decode(self._text, at)
                # Behind the colon.
                at = self._skip(self._skip(at) + 1)
            found[key] = (shown, at)
            _, at = _SCANNER.raw_decode(self._text, at)
            at = self._skip(at)
            at = self._skip(at + 1) if self._text[at] == "," else at
        return found

    def _skip(self, at: int) -> int:
        match = _SPACE.match(self._text, at)
        return match.end() if match else at

    def _position(self, at: int) -> Position:
        if not self._line_starts:
            self._line_starts = [0, *(match.end() for match in re.finditer("\n", self._text))]
        line = bisect_right(self._line_starts, at)
        return line, at - self._line_starts[line - 1] + 1
