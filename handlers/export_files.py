"""An export's file as it is sent: read from the store as the caller takes it, from any place."""

import io
from collections.abc import Iterator

from handlers.export_store import ExportStore


class StoredFile:
    """A file in the store, as the runtime sends files: it is asked for its size, and moved on."""

    def __init__(self, store: ExportStore, name: str, size: int) -> None:
        self._store = store
        self._name = name
        self._size = size
        self._place = 0
        self._pieces: Iterator[bytes] | None = None
        self._left = b""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end. Raises what the store raises."""
        if self._pieces is None:
            self._pieces = self._store.read(self._name, self._place)
        if not self._left:
            self._left = next(self._pieces, b"")
        piece, self._left = self._left[:size], self._left[size:]
        self._place += len(piece)
        return piece

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        if start + offset != self._place:
            self.close()
            self._place = start + offset
        return self._place

    def close(self) -> None:
        pieces, self._pieces, self._left = self._pieces, None, b""
        close = getattr(pieces, "close", None)
        if close is not None:
            close()
