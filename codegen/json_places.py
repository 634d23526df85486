"""Reads JSON as fast as it can be read, and finds where a value stands when asked.

Takes only documents that nothing can be said against; of others `json_source` says what is wrong.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Iterable
from io import BytesIO
from itertools import accumulate
from typing import Any

import msgspec
import orjson

from .json_source import MAX_DEPTH, MAX_DIGITS, Pointer, Position

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_SPACE = re.compile(rb"[ \t\n\r]*")
_BETWEEN = re.compile(rb"[ \t\n\r,]*")
_KEY = re.compile(rb'"(?:[^"\\]|\\.)*"[ \t\n\r]*:[ \t\n\r]*')


class IrregularError(Exception):
    """Something stands in the text that has to be looked at more closely."""


def read_plain(data: bytes) -> Any:
    """The value of a JSON text, if it is written as it would be again but for what lies between.

    Else raises IrregularError, which says nothing of the text: `read_regular` takes longer to tell.
    """
    try:
        value = msgspec.json.decode(data)
        # A key that stands twice is written once, and what is large or deep isn't written at all.
        is_plain = orjson.dumps(value) == msgspec.json.format(data, indent=-1)
    except (ValueError, TypeError, RecursionError) as error:
        raise IrregularError from error
    if not is_plain:
        raise IrregularError
    return value


def read_regular(text: str) -> Any:
    """The value of a JSON text. Raises IrregularError where it isn't JSON or a key stands twice."""
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise IrregularError from error
    if _is_deep(value, MAX_DEPTH) or _has_half(text):
        raise IrregularError
    return value


def _has_half(text: str) -> bool:
    """Whether an escape stands for half a character, which isn't passed over in C."""
    if not _SURROGATE.search(text):
        return False
    try:
        msgspec.json.decode(text)
    except ValueError:
        return True
    return False


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
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
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


# Of a member or item: where it is shown, where its value begins, and that value's text.
_Found = tuple[int, int, bytes | msgspec.Raw]


class JsonPlaces:
    """Where the values of a regular JSON text stand. What isn't asked for is passed over in C."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._line_starts: list[int] = []
        # What stands in containers, by where these begin.
        self._members: dict[int, dict[str | int, _Found]] = {}

    def nearest(self, pointer: Pointer) -> Position:
        """Where a value stands, or the nearest value around it that does exist."""
        shown = at = _end(_SPACE, self._text, 0)
        value: bytes | msgspec.Raw = self._text
        for token in pointer:
            if at not in self._members:
                self._members[at] = self._read(at, value)
            if token not in self._members[at]:
                break
            shown, at, value = self._members[at][token]
        return self._position(shown)

    def _read(self, at: int, value: bytes | msgspec.Raw) -> dict[str | int, _Found]:
        """What stands in the value that begins there."""
        found: dict[str | int, _Found] = {}
        for token, inner in _contents(self._text[at : at + 1], value):
            shown = _end(_BETWEEN, self._text, at if found else at + 1)
            at = _end(_KEY, self._text, shown) if isinstance(token, str) else shown
            found[token] = (shown, at, inner)
            at += memoryview(inner).nbytes
        return found

    def _position(self, at: int) -> Position:
        if not self._line_starts:
            self._line_starts = list(accumulate(map(len, BytesIO(self._text)), initial=0))
        line = bisect_right(self._line_starts, at)
        return line, len(self._text[self._line_starts[line - 1] : at].decode()) + 1


def _contents(opened: bytes, value: bytes | msgspec.Raw) -> Iterable[tuple[str | int, msgspec.Raw]]:
    if opened == b"{":
        return _MEMBERS.decode(value).items()
    return enumerate(_ITEMS.decode(value)) if opened == b"[" else ()


def _end(pattern: re.Pattern[bytes], text: bytes, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at
