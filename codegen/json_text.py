"""Writes plain data as JSON text and reads such: in C, or else by the standard library.

Both write the same data alike from run to run; what is kept under a digest of it relies on that.
"""

import json
from typing import Any

import msgspec
import orjson


def compact(value: Any) -> str:
    """On one line, with or without spaces. Tells apart all that JSON does; for digests."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        # Of numbers beyond 64 bits, halves of characters, or 254 levels.
        return json.dumps(value, ensure_ascii=False)


def parsed(text: bytes) -> Any:
    """The data that such a text was written of. Raises ValueError where it is no JSON."""
    try:
        return msgspec.json.decode(text)
    except ValueError:
        return json.loads(text)


def indented(value: Any, spaces: int = 2) -> bytes:
    """`json.dumps` with `indent` writes the same, and takes twenty times as long."""
    try:
        return msgspec.json.format(orjson.dumps(value), indent=spaces)
    except TypeError:
        text = json.dumps(value, ensure_ascii=False, indent=spaces)
        # Of half a character that is JSON's own escape.
        return text.encode(errors="backslashreplace")
