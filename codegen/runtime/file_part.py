"""A file of a form, as handlers get it: its bytes stay where they were put down until read.

Knows nothing of requests; a model may hold one, so it is a type for pydantic too.
"""

import io
from collections.abc import Iterator
from typing import IO, Any, Final

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema
from typing_extensions import Buffer, override

_PIECE: Final = 64 * 1024
DEFAULT_CONTENT_TYPE: Final = "application/octet-stream"


class FilePart:
    """`size` bytes that a caller sent under a field's name.

    `filename` is what the caller calls the file, without folders; None where it said nothing. It
    and `content_type` are claims: neither says what the bytes are. Read it in the handler, by one
    reader at a time: once the request is answered, the bytes are gone.
    """

    __slots__ = ("_source", "_start", "content_type", "filename", "size")

    def __init__(
        self, source: IO[bytes], start: int, size: int, filename: str | None, content_type: str
    ) -> None:
        self._source = source
        self._start = start
        self.size = size
        self.filename = filename
        self.content_type = content_type

    @classmethod
    def of(
        cls, content: bytes, filename: str | None = None, content_type: str = DEFAULT_CONTENT_TYPE
    ) -> "FilePart":
        return cls(io.BytesIO(content), 0, len(content), filename, content_type)

    @classmethod
    def of_file(
        cls,
        file: IO[bytes],
        filename: str | None = None,
        content_type: str = DEFAULT_CONTENT_TYPE,
    ) -> "FilePart":
        """From where an open file stands to its end; it has to stay open as long as this is used.

        Raises OSError for a file that can't be sought in, such as a pipe.
        """
        start = file.tell()
        end = file.seek(0, io.SEEK_END)
        file.seek(start)
        return cls(file, start, end - start, filename, content_type)

    def read(self) -> bytes:
        """All of it. Of a large one `open` or `pieces` take less memory."""
        with self.open() as opened:
            return opened.read()

    def pieces(self, at_most: int = _PIECE) -> Iterator[bytes]:
        with self.open() as opened:
            while piece := opened.read(at_most):
                yield piece

    def open(self) -> io.BufferedReader:
        """The bytes from their beginning, as a file that can be read and sought in."""
        return io.BufferedReader(_Window(self._source, self._start, self.size), _PIECE)

    @override
    def __repr__(self) -> str:
        return f"FilePart(size={self.size})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Text and bytes become one as well: a model may be used for JSON besides."""
        return core_schema.no_info_plain_validator_function(
            _as_part,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda part: part.read().decode("utf-8"), when_used="json"
            ),
        )


def _as_part(value: Any) -> FilePart:
    if isinstance(value, FilePart):
        return value
    if isinstance(value, str | bytes):
        return FilePart.of(value.encode() if isinstance(value, str) else value)
    raise ValueError("a FilePart, bytes or text is wanted")


class _Window(io.RawIOBase):
    """Some of the bytes of a larger file. Closing it leaves that open."""

    def __init__(self, source: IO[bytes], start: int, size: int) -> None:
        self._source = source
        self._start = start
        self._size = size
        self._position = 0

    @override
    def readable(self) -> bool:
        return True

    @override
    def seekable(self) -> bool:
        return True

    @override
    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        bases = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}
        self._position = max(0, bases[whence] + offset)
        return self._position

    @override
    def readinto(self, buffer: Buffer) -> int:
        target = memoryview(buffer)
        wanted = max(0, min(len(target), self._size - self._position))
        self._source.seek(self._start + self._position)
        found = self._source.read(wanted)
        target[: len(found)] = found
        self._position += len(found)
        return len(found)
