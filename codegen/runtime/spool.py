"""Keeps a body of any size out of memory: a small one in it, a large one in an unlinked file.

The file has no name, so nothing is left of it however the process ends.
"""

import hashlib
import io
import tempfile
from types import TracebackType
from typing import IO, Final, Self

from anyio import to_thread

from .admission import LARGE_BYTES
from .problems import unavailable

# What JSON takes for such (RFC 8259, 2).
WHITE_SPACE: Final = b" \t\r\n"
_RETRY_AFTER: Final = 5
_BUFFER_BYTES: Final = 128 * 1024


class Spool:
    """Bytes that are written once, then read as often as wanted.

    `lines` counts them as they come, a last one without a line feed too; `is_blank` tells whether
    there is nothing but white space.
    """

    def __init__(self, in_memory: int = LARGE_BYTES) -> None:
        self._in_memory = in_memory
        self._file: IO[bytes] = io.BytesIO()
        self._is_on_disk = False
        self._pending = bytearray()
        self._digest = hashlib.sha256()
        self.size = 0
        self._line_feeds = 0
        self._ends_in_line_feed = True
        self.is_blank = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    async def append(self, piece: bytes) -> None:
        """Raises a 503 Problem if there is no room for it."""
        self._pending += piece
        self.size += len(piece)
        if len(self._pending) > self._in_memory:
            # Hashing and the disk take their time; what is small is done with in an instant.
            await to_thread.run_sync(self._write_down)

    async def finish(self) -> None:
        """Call once, after the last `append`."""
        if self._is_on_disk:
            await to_thread.run_sync(self._write_down)
        else:
            self._take_pending()

    def sha256(self) -> bytes:
        return self._digest.digest()

    @property
    def lines(self) -> int:
        return self._line_feeds + (0 if self._ends_in_line_feed else 1)

    def opened(self) -> IO[bytes]:
        """The bytes from their beginning; one reader at a time."""
        self._file.seek(0)
        return self._file

    def _write_down(self) -> None:
        try:
            if not self._is_on_disk:
                self._file = tempfile.TemporaryFile(buffering=_BUFFER_BYTES)  # noqa: SIM115  # closed with the spool
                self._is_on_disk = True
            self._take_pending()
            self._file.flush()
        except OSError as error:
            detail = "There is no room to keep a large body for the moment. Try again."
            raise unavailable(detail, _RETRY_AFTER) from error

    def _take_pending(self) -> None:
        taken = bytes(self._pending)
        self._pending.clear()
        if not taken:
            return
        self._file.write(taken)
        self._digest.update(taken)
        self._line_feeds += taken.count(b"\n")
        self._ends_in_line_feed = taken.endswith(b"\n")
        self.is_blank = self.is_blank and not taken.strip(WHITE_SPACE)
