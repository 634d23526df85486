"""Expands gzip bodies (RFC 1952, of one member or several) a piece at a time.

What a body may cost is bounded: it may become `MAX_RATIO` times as large as what has come of it,
so a bomb is refused after the allowance, having sent and cost next to nothing.
"""

import zlib
from typing import Final

from .problems import Problem, body_expands_too_far, malformed_request

ACCEPTED: Final = "gzip"
MAX_RATIO: Final = 100
# Bodies of a few hundred bytes are often blank space or one word again and again.
_ALLOWANCE: Final = 64 * 1024
# Tools that write many members put at least some KiB into each; an empty one costs its set-up.
_MAX_MEMBERS: Final = 10_000
_WITH_GZIP_HEADER: Final = 16 + zlib.MAX_WBITS


def is_gzip(coding: bytes) -> bool:
    """Whether a Content-Encoding, in small letters, is gzip alone (RFC 9110, 8.4.1.3)."""
    return coding in (b"gzip", b"x-gzip")


class Gunzip:
    """One body on its way. Give it what comes, take what it holds, and finish it at the end."""

    def __init__(self) -> None:
        self._came = 0
        self._expanded = 0
        self._members = 0
        self._member: zlib._Decompress | None = None
        self._waiting = b""
        self._was_full = False

    @property
    def has_more(self) -> bool:
        """Whether `expand` may give something without another `feed`."""
        return bool(self._waiting) or (self._member is not None and self._was_full)

    def feed(self, chunk: bytes) -> None:
        self._came += len(chunk)
        self._waiting += chunk

    def expand(self, at_most: int) -> bytes:
        """The next bytes, perhaps none. Raises a 400 Problem, or a 413 for a ratio too high."""
        member = self._member or self._next_member()
        try:
            expanded = member.decompress(self._waiting, at_most)
        except zlib.error as error:
            raise _not_gzip() from error
        self._waiting = member.unconsumed_tail or member.unused_data
        self._member = None if member.eof else member
        # All input may be taken while some output still waits inside.
        self._was_full = len(expanded) == at_most
        self._expanded += len(expanded)
        if self._expanded > MAX_RATIO * self._came + _ALLOWANCE:
            raise body_expands_too_far(MAX_RATIO, self._came)
        return expanded

    def finish(self) -> None:
        """Raises a 400 Problem if the body isn't whole; one that never began is."""
        if self._member is not None:
            raise malformed_request("The gzip body ends too early.")

    def _next_member(self) -> "zlib._Decompress":
        self._members += 1
        if self._members > _MAX_MEMBERS:
            raise malformed_request(f"A gzip body may have {_MAX_MEMBERS} members; more came.")
        return zlib.decompressobj(_WITH_GZIP_HEADER)


def _not_gzip() -> Problem:
    return malformed_request("The body is not gzip, is damaged, or is followed by something else.")
