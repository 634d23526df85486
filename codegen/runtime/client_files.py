"""Files that a client sends as the body of a request: from where they stand, piece by piece."""

import io
from collections.abc import Iterator
from typing import Any

PIECE_BYTES = 64 * 1024


class OpenFile:
    """A file open for reading bytes. It stays open, and can be sent again if it can be sought in.

    `size` is how many bytes it has from there on; None where that can't be told.
    """

    def __init__(self, file: Any) -> None:
        self._file = file
        self._start: int | None = None
        self.size: int | None = None
        try:
            self._start = file.tell()
            self.size = file.seek(0, io.SEEK_END) - self._start
            file.seek(self._start)
        except (AttributeError, OSError, ValueError):
            # A pipe, say: it is read once, from where it is.
            self._start = None

    @property
    def can_be_sent_again(self) -> bool:
        return self._start is not None

    def __iter__(self) -> Iterator[bytes]:
        if self._start is not None:
            self._file.seek(self._start)
        while piece := self._file.read(PIECE_BYTES):
            if not isinstance(piece, bytes):
                raise TypeError("a file that is sent must be open for reading bytes, not text")
            yield piece


def is_file(body: object) -> bool:
    return callable(getattr(body, "read", None))
