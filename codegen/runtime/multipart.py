"""Takes bodies of `multipart/form-data` (RFC 7578) apart as they come, within limits.

The parsing is python-multipart's. What is text stays in memory; the bytes of all files go one after
the other into one spool, so that memory and open files don't grow with them.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from anyio import to_thread
from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from .admission import LARGE_BYTES
from .file_part import DEFAULT_CONTENT_TYPE, FilePart
from .form_fields import (
    MAX_NAME_BYTES,
    SentField,
    name_too_long,
    too_many_fields,
)
from .form_rules import FormRule
from .media_types import UTF_8, media_type_of
from .problems import body_too_large, malformed_request
from .spool import Spool

# What is not a file is held in memory, whatever the whole body may have.
MAX_TEXT_BYTES: Final = 1024 * 1024
_MAX_FILENAME_BYTES: Final = 255
_PLAIN_ENCODINGS: Final = frozenset({"", "7bit", "8bit", "binary"})


@dataclass(slots=True)
class _Part:
    """One part on its way. `start` is where its bytes begin in the spool, if it is a file."""

    headers: dict[str, str] = field(default_factory=dict)
    name: str = ""
    filename: str | None = None
    start: int | None = None
    size: int = 0
    text: bytearray = field(default_factory=bytearray)


class MultipartReader:
    """One body: give it each piece, then `finish`. `form` tells which fields are files.

    Raises Problems (400, 413, 422) for what is no such body or passes a limit.
    """

    def __init__(self, content_type: bytes, spool: Spool, form: FormRule) -> None:
        self._spool = spool
        self._form = form
        self._fields: list[SentField] = []
        self._files: list[tuple[_Part, SentField]] = []
        self._part = _Part()
        self._header_name = bytearray()
        self._header_value = bytearray()
        self._pending = bytearray()
        self._size = 0
        self._file_bytes = 0
        self._text_bytes = 0
        self._is_whole = False
        self._parser = self._new_parser(content_type)

    async def take(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > LARGE_BYTES:
            await to_thread.run_sync(self._parse, piece)
        else:
            self._parse(piece)
        if self._pending:
            taken = bytes(self._pending)
            self._pending.clear()
            await self._spool.append(taken)

    async def finish(self) -> list[SentField]:
        """The fields in the order in which they came."""
        await self._spool.finish()
        if self._size and not self._is_whole:
            raise malformed_request("The multipart body ends too early.")
        source = self._spool.opened()
        for part, sent in self._files:
            start = part.start or 0
            content_type = part.headers.get("content-type") or DEFAULT_CONTENT_TYPE
            sent.file = FilePart(source, start, part.size, part.filename, content_type)
        return self._fields

    def _new_parser(self, content_type: bytes) -> MultipartParser:
        boundary = parse_options_header(content_type.decode("latin-1"))[1].get(b"boundary")
        if not boundary:
            raise malformed_request("The Content-Type of a multipart body needs a boundary.")
        try:
            return MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._on_header_name,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._end_headers,
                    "on_part_data": self._on_data,
                    "on_part_end": self._end,
                    "on_end": self._on_whole,
                },
            )
        except FormParserError as error:
            raise malformed_request("The boundary of the multipart body is too long.") from error

    def _parse(self, piece: bytes) -> None:
        try:
            self._parser.write(piece)
        except FormParserError as error:
            raise malformed_request("The body is not multipart/form-data.") from error

    def _begin(self) -> None:
        if len(self._fields) >= self._form.most_fields:
            raise too_many_fields(self._form.most_fields)
        self._part = _Part()

    def _on_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _end_header(self) -> None:
        # Browsers send names in UTF-8 as it is (RFC 7578, 5.1.3).
        name = self._header_name.decode("latin-1").lower()
        self._part.headers[name] = _utf_8(self._header_value, "A header of a part")
        self._header_name.clear()
        self._header_value.clear()

    def _end_headers(self) -> None:
        part = self._part
        sent = part.headers.get("content-disposition", "")
        disposition, options = parse_options_header(sent.encode().decode("latin-1"))
        if disposition != b"form-data" or b"name" not in options:
            raise malformed_request("Each part needs a Content-Disposition: form-data; name=….")
        if len(options[b"name"]) > MAX_NAME_BYTES:
            raise name_too_long()
        if part.headers.get("content-transfer-encoding", "").lower() not in _PLAIN_ENCODINGS:
            raise malformed_request("A part may have no Content-Transfer-Encoding but binary.")
        part.name = options[b"name"].decode()
        part.filename = _filename(options.get(b"filename", b""))
        if self._form.fields.is_file(part.name, b"filename" in options):
            part.start = self._file_bytes

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        part, size = self._part, end - start
        part.size += size
        if part.start is not None:
            self._file_bytes += size
            self._pending += data[start:end]
            return
        self._text_bytes += size
        if self._text_bytes > MAX_TEXT_BYTES:
            raise body_too_large(MAX_TEXT_BYTES, None, "The text of a form")
        part.text += data[start:end]

    def _end(self) -> None:
        part = self._part
        sent = SentField(part.name)
        if part.start is not None:
            self._files.append((part, sent))
        else:
            essence, charset = media_type_of(part.headers.get("content-type", "").encode())
            if charset not in UTF_8:
                raise malformed_request("The text of a part must be UTF-8.")
            sent.text = _utf_8(part.text, "The text of a part")
            sent.content_type = essence
        self._fields.append(sent)

    def _on_whole(self) -> None:
        self._is_whole = True


def _filename(sent: bytes) -> str | None:
    """Without the folders that some callers send along."""
    name = re.split(r"[/\\]", _utf_8(sent, "The name of a file"))[-1]
    if len(name.encode()) > _MAX_FILENAME_BYTES or not name.isprintable():
        limit = f"{_MAX_FILENAME_BYTES} bytes, all of them printable"
        raise malformed_request(f"The name of a file may have {limit}.")
    return name or None


def _utf_8(data: bytes | bytearray, what: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise malformed_request(f"{what} is not UTF-8.") from error
