"""Reads untrusted JSON: strict UTF-8, no NaN or infinity, no NUL, bounded nesting.

Every refusal is a TranslationError. Must not know any tool's format.
"""

import re
from math import isfinite
from typing import Final, TypeVar, cast

import orjson

from formats.errors import TranslationError

JsonObject = dict[str, object]

MAX_NESTING: Final = 64
# Each object or array costs some 60 bytes of memory and a share of every garbage collection: 32 MiB
# of nothing else would stop the process for seconds.
MAX_CONTAINERS: Final = 1_000_000

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
# A \u0000 escape whose backslash isn't itself escaped. The look-behind starts a match only at
# the beginning of a run of backslashes, which keeps the scan linear.
_NUL_ESCAPE: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def parse_object(content: bytes) -> JsonObject:
    """Parse a document whose root is an object; a UTF-8 byte order mark is skipped.

    A repeated key's last value wins. Integers beyond 64 bits arrive as floats.
    """
    body = content.removeprefix(_BYTE_ORDER_MARK)
    _require_containers(body)
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise TranslationError(
            f"The body isn't valid JSON in UTF-8 (line {error.lineno}, column {error.colno}). "
            "NaN, Infinity and unpaired surrogates aren't JSON."
        ) from None
    if not isinstance(value, dict):
        raise TranslationError("The body must be a JSON object.")
    # The plain search first: it is many times faster, and almost always settles it.
    if b"\\u0000" in body and _NUL_ESCAPE.search(body):
        raise TranslationError("A string holds the NUL character (\\u0000); remove it.")
    _require_nesting(value)
    return cast(JsonObject, value)


def _require_containers(body: bytes) -> None:
    """Counts brackets, those in strings too: what it costs must be known before parsing."""
    brackets = body.count(b"[") + body.count(b"{")
    if brackets > MAX_CONTAINERS:
        raise TranslationError(
            f"The JSON has {brackets} opening brackets; it may have {MAX_CONTAINERS}. "
            "Split the file.",
            limit=MAX_CONTAINERS,
            actual=brackets,
        )


def _require_nesting(root: JsonObject) -> None:
    """Walk level by level, so that depth costs no stack."""
    level: list[object] = [root]
    for _ in range(MAX_NESTING):
        level = [
            child
            for container in level
            for child in (
                container.values() if type(container) is dict else cast(list[object], container)
            )
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return
    raise TranslationError(
        f"The JSON is nested deeper than {MAX_NESTING} levels.",
        limit=MAX_NESTING,
        actual=MAX_NESTING + 1,
    )


def object_at(parent: JsonObject, key: str) -> JsonObject:
    """Return the object at `key`, or an empty one: for members that decide no verdict."""
    value = parent.get(key)
    return cast(JsonObject, value) if isinstance(value, dict) else {}


def objects_at(parent: JsonObject, key: str) -> list[JsonObject]:
    """Return the array of objects at `key`; other elements count as empty objects."""
    value = parent.get(key)
    if not isinstance(value, list):
        return []
    return [cast(JsonObject, item) if isinstance(item, dict) else {} for item in value]


def text_at(parent: JsonObject, key: str) -> str:
    """Return the string at `key`, or an empty one."""
    value = parent.get(key)
    return value if isinstance(value, str) else ""


def index_at(parent: JsonObject, key: str) -> int:
    """Return the array index at `key`, or -1 when it is absent, negative or no integer."""
    value = parent.get(key)
    if isinstance(value, bool) or not isinstance(value, int):
        return -1
    return max(value, -1)


def number_at(parent: JsonObject, key: str) -> float | None:
    """Return the number at `key`, or None when it is absent, no number or not finite."""
    value = parent.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return None
    return float(value)


def required_object(parent: JsonObject, key: str, pointer: str) -> JsonObject:
    """Return the object at `key`."""
    value = parent.get(key)
    if not isinstance(value, dict):
        raise TranslationError(f"`{key}` must be an object.", pointer=f"{pointer}/{key}")
    return cast(JsonObject, value)


def required_objects(parent: JsonObject, key: str, pointer: str) -> list[JsonObject]:
    """Return the array at `key`, all of whose elements must be objects."""
    value = parent.get(key)
    if not isinstance(value, list):
        raise TranslationError(f"`{key}` must be an array.", pointer=f"{pointer}/{key}")
    for number, item in enumerate(value):
        if not isinstance(item, dict):
            raise TranslationError(
                f"Every element of `{key}` must be an object.", pointer=f"{pointer}/{key}/{number}"
            )
    return cast(list[JsonObject], value)


Choice = TypeVar("Choice", bound=str)


def optional_choice(
    parent: JsonObject, key: str, choices: tuple[Choice, ...], pointer: str
) -> Choice | None:
    """Return the member at `key`, which must be one of `choices`; None when absent or null."""
    value = parent.get(key)
    if value is None:
        return None
    for choice in choices:
        if value == choice:
            return choice
    raise TranslationError(
        f"`{key}` must be one of: {', '.join(choices)}.", pointer=f"{pointer}/{key}"
    )


def required_choice(
    parent: JsonObject, key: str, choices: tuple[Choice, ...], pointer: str
) -> Choice:
    """Return the member at `key`, which must be one of `choices`."""
    found = optional_choice(parent, key, choices, pointer)
    if found is None:
        raise TranslationError(
            f"`{key}` is missing; it must be one of: {', '.join(choices)}.",
            pointer=f"{pointer}/{key}",
        )
    return found
