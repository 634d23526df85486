"""Brings a tool's own text within the contract's bounds, visibly: what was left out is said.

Never drops text without a marker, and never turns two different identifiers into one.
"""

from hashlib import sha256
from typing import Final

_DIGEST_CHARACTERS: Final = 16
_MARKER_ROOM: Final = 64


def shorten_identifier(text: str, limit: int) -> str:
    """Return `text`, or its beginning, `~` and 16 hex digits of its sha256 when over `limit`.

    The same text always gives the same identifier, and different texts different ones.
    """
    if len(text) <= limit:
        return text
    digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_CHARACTERS]
    return f"{text[: limit - _DIGEST_CHARACTERS - 1]}~{digest}"


def shorten_message(text: str, limit: int) -> str:
    """Return `text`, or its first three quarters and last quarter around a counted marker.

    Both ends are kept because stack traces name their cause first or last.
    """
    if len(text) <= limit:
        return text
    kept = limit - _MARKER_ROOM
    tail = kept // 4
    head = kept - tail
    marker = f"\n… [{len(text) - kept} characters left out] …\n"
    return f"{text[:head]}{marker}{text[-tail:]}"


class Shortener:
    """Shortens and counts how often it had to, so that a note can say so.

    Remembers long identifiers: one 10 MB rule id shared by 20,000 results is hashed once.
    """

    def __init__(self) -> None:
        self._identifiers: dict[tuple[str, int], str] = {}
        self.messages = 0

    @property
    def identifiers(self) -> int:
        """How many different identifiers were shortened."""
        return len(self._identifiers)

    def identifier(self, text: str, limit: int) -> str:
        """Shorten an identifier; see `shorten_identifier`."""
        if len(text) <= limit:
            return text
        key = (text, limit)
        short = self._identifiers.get(key)
        if short is None:
            short = self._identifiers[key] = shorten_identifier(text, limit)
        return short

    def message(self, text: str, limit: int) -> str:
        """Shorten a message; see `shorten_message`."""
        if len(text) <= limit:
            return text
        self.messages += 1
        return shorten_message(text, limit)
