"""Reads JSON that strangers send: strict, exact to the last digit, bounded in depth.

What it accepts can be written again without loss; everything else is a problem, never a crash.
Numbers with a fraction or exponent are doubles (RFC 8259, 6); of equal names the last one counts.
"""

from typing import Any

import orjson
import pydantic_core

from .problems import InputError, Problem, invalid_input, malformed_request

MAX_DEPTH = 64
# Each object or array costs some 60 bytes of memory and a share of every garbage collection: 32 MiB
# of nothing else would stop the process for seconds.
MAX_CONTAINERS = 1_000_000
# orjson turns integers past 64 bits into floats. Nineteen digits in a row is where that can begin;
# looking for them this way takes a tenth of what a regular expression takes. The brackets are left
# out, and so counted, by the way.
_MAYBE_LONG_INTEGER = b"0" * 19
_DIGITS_ALIKE = bytes(b"0"[0] if byte in b"0123456789" else b" "[0] for byte in range(256))
_OPENING_BRACKETS = b"[{"


def parse_json(content: bytes, what: str = "body") -> Any:
    """The JSON value of `content` (UTF-8). Raises a 400 or 422 Problem that calls it `what`.

    Integers keep every digit; numbers beyond a double's range (1.8e308, integers too), NaN and lone
    surrogates are refused.
    """
    alike = content.translate(_DIGITS_ALIKE, _OPENING_BRACKETS)
    brackets = len(content) - len(alike)
    if brackets > MAX_CONTAINERS:
        raise _too_many(brackets, what)
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        # A value that is one line of many knows nothing of the others.
        line = f"line {error.lineno} " if what == "body" else ""
        place = f"{line}column {error.colno}"
        detail = (
            f"The {what} is not JSON in UTF-8 at {place}: a syntax error, or a number or nesting "
            "out of range."
        )
        raise malformed_request(detail) from error
    if brackets > MAX_DEPTH:
        _refuse_deeper_than(MAX_DEPTH, value, what)
    if _MAYBE_LONG_INTEGER in alike:
        value = pydantic_core.from_json(content, allow_inf_nan=False)
    return value


def _too_many(brackets: int, what: str) -> Problem:
    detail = f"The {what} has {brackets} opening brackets; it may have {MAX_CONTAINERS}. Split it."
    return invalid_input([InputError("body", "", "maxContainers", str(MAX_CONTAINERS))], detail)


def _refuse_deeper_than(limit: int, value: Any, what: str) -> None:
    level: list[Any] = [value]
    for _ in range(limit):
        below: list[Any] = []
        for node in level:
            if isinstance(node, dict):
                below.extend(child for child in node.values() if isinstance(child, dict | list))
            elif isinstance(node, list):
                below.extend(child for child in node if isinstance(child, dict | list))
        level = below
        if not level:
            return
    detail = f"The {what} is nested deeper than {limit} levels. Flatten it, or send it as a string."
    raise invalid_input([InputError("body", "", "maxDepth", str(limit))], detail)
