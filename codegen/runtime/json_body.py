"""Reads JSON that strangers send: strict, exact to the last digit, bounded in depth.

What it accepts can be written again without loss; everything else is a problem, never a crash.
"""

import re
from typing import Any

import orjson
import pydantic_core

from .problems import InputError, invalid_input, malformed_request

MAX_DEPTH = 64
# orjson turns integers past 64 bits into floats. Nineteen digits in a row is where that can begin.
_MAYBE_LONG_INTEGER = re.compile(rb"[0-9]{19}")


def parse_json(content: bytes) -> Any:
    """The JSON value of `content` (UTF-8). Raises a 400 or 422 Problem.

    Integers keep every digit; numbers beyond a double's range, NaN and lone surrogates are refused.
    """
    try:
        value = orjson.loads(content)
        if _MAYBE_LONG_INTEGER.search(content):
            value = pydantic_core.from_json(content, allow_inf_nan=False)
    except (ValueError, RecursionError) as error:
        raise malformed_request(f"The body is not JSON in UTF-8{_position(error)}.") from error
    if content.count(b"[") + content.count(b"{") > MAX_DEPTH:
        _refuse_deeper_than(MAX_DEPTH, value)
    return value


def _position(error: Exception) -> str:
    if isinstance(error, orjson.JSONDecodeError):
        return f": syntax error at line {error.lineno} column {error.colno}"
    return ": a number or nesting is out of range"


def _refuse_deeper_than(limit: int, value: Any) -> None:
    level: list[Any] = [value]
    for _ in range(limit + 1):
        below: list[Any] = []
        for node in level:
            if isinstance(node, dict):
                below.extend(child for child in node.values() if isinstance(child, dict | list))
            elif isinstance(node, list):
                below.extend(child for child in node if isinstance(child, dict | list))
        level = below
        if not level:
            return
    detail = f"The body is nested deeper than {limit} levels. Flatten it, or send it as a string."
    raise invalid_input([InputError("body", "", "maxDepth", str(limit))], detail)
