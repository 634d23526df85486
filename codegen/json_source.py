"""A JSON parser that remembers where each value stands; strict as RFC 8259 asks.

The standard library's parser knows no positions, and YAML's reads some JSON texts differently.
"""

import json
import re
from bisect import bisect_right
from typing import Any

Pointer = tuple[str | int, ...]
Position = tuple[int, int]
# A key that stands twice: where it is, and its first and its later position.
Repeated = tuple[Pointer, Position, Position]

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_DECODER = json.JSONDecoder()
_WORDS = {"true": True, "false": False, "null": None}
_KEY = "a key in double quotes is expected here"
_NO_COMMA = "no comma may stand before }"
MAX_DEPTH = 300
MAX_DIGITS = 400


class JsonError(Exception):
    def __init__(self, message: str, position: Position, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        self.hint = hint


def read_json(text: str) -> tuple[Any, dict[Pointer, Position], list[Repeated]]:
    """The value, the position of each value in it, and the keys that stand twice."""
    return _Parser(text).document()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self.positions: dict[Pointer, Position] = {}
        self.repeated: list[Repeated] = []

    def document(self) -> tuple[Any, dict[Pointer, Position], list[Repeated]]:
        value = self._value(())
        if self._peek():
            raise self._error("nothing may stand behind the value")
        return value, self.positions, self.repeated

    def _value(self, pointer: Pointer) -> Any:
        char = self._peek()
        self.positions.setdefault(pointer, self._position())
        if len(pointer) > MAX_DEPTH:
            raise self._error(f"values are nested more than {MAX_DEPTH} deep")
        if char == "{":
            return self._object(pointer)
        if char == "[":
            return self._array(pointer)
        if char == '"':
            return self._string()
        for word, value in _WORDS.items():
            if self._text.startswith(word, self._at):
                self._at += len(word)
                return value
        return self._number()

    def _object(self, pointer: Pointer) -> dict[str, Any]:
        result: dict[str, Any] = {}
        self._at += 1
        if self._take("}"):
            return result
        while True:
            if self._peek() != '"':
                raise self._error(_NO_COMMA if self._peek() == "}" else _KEY)
            position = self._position()
            key = self._string()
            inner = (*pointer, key)
            if key in result:
                self.repeated.append((inner, self.positions[inner], position))
            self.positions[inner] = position
            self._expect(":")
            result[key] = self._value(inner)
            if self._take("}"):
                return result
            self._expect(",")

    def _array(self, pointer: Pointer) -> list[Any]:
        result: list[Any] = []
        self._at += 1
        if self._take("]"):
            return result
        while True:
            result.append(self._value((*pointer, len(result))))
            if self._take("]"):
                return result
            self._expect(",")

    def _string(self) -> str:
        try:
            value, self._at = _DECODER.raw_decode(self._text, self._at)
        except json.JSONDecodeError as error:
            self._at = error.pos
            raise self._error("this string is not well-formed") from error
        return str(value)

    def _number(self) -> int | float:
        match = _NUMBER.match(self._text, self._at)
        if match is None:
            raise self._error("a JSON value is expected here")
        self._at = match.end()
        if match[1] or match[2]:
            value = float(match[0])
            if value in (float("inf"), float("-inf")):
                raise self._error("this number is too large")
            return value
        if len(match[0]) > MAX_DIGITS:
            raise self._error(f"this number has more than {MAX_DIGITS} digits")
        return int(match[0])

    def _peek(self) -> str:
        match = _SPACE.match(self._text, self._at)
        if match:
            self._at = match.end()
        return self._text[self._at : self._at + 1]

    def _take(self, char: str) -> bool:
        found = self._peek() == char
        self._at += found
        return found

    def _expect(self, char: str) -> None:
        if not self._take(char):
            raise self._error(f"{char!r} is expected here")

    def _position(self) -> Position:
        line = bisect_right(self._line_starts, self._at)
        return line, self._at - self._line_starts[line - 1] + 1

    def _error(self, message: str) -> JsonError:
        rest = self._text[self._at : self._at + 2]
        if not rest:
            return JsonError(f"the file ends too early: {message}", self._position())
        if rest in ("//", "/*") or rest[0] == "#":
            return JsonError(message, self._position(), "JSON has no comments")
        is_other = self._text.lstrip()[:1] not in ("{", "[")
        hint = "a contract in YAML has a name that ends with .yaml" if is_other else ""
        return JsonError(message, self._position(), hint)
