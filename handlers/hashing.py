"""Bytes on their way somewhere, counted and hashed as they pass."""

import hashlib
from collections.abc import Iterable, Iterator


class Hashed:
    """Passes pieces on once; `size` and `digest()` are of those that passed."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces
        self._hash = hashlib.sha256()
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self._hash.update(piece)
            self.size += len(piece)
            yield piece

    def digest(self) -> bytes:
        """SHA-256."""
        return self._hash.digest()
