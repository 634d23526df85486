"""Reads untrusted XML as a stream of elements: no DTD, no entities, bounded depth and count.

Every refusal is a TranslationError. Builds no tree and must not know any tool's format.
"""

import codecs
import re
from typing import Final, NoReturn, Protocol
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from formats.errors import TranslationError

MAX_DEPTH: Final = 100
MAX_ELEMENTS: Final = 500_000

# Text encodings only, by their Python codec names: decoding with any codec a sender may name
# would reach ones such as unicode_escape or idna.
_ENCODINGS: Final = frozenset(
    {"utf-8", "ascii", "gbk", "gb2312", "gb18030", "big5", "shift_jis", "euc_jp", "euc_kr"}
    | {"koi8-r", "koi8-u"}
    | {f"iso8859-{part}" for part in (*range(1, 12), *range(13, 17))}
    | {f"cp{page}" for page in (*range(1250, 1259), 437, 850, 852, 866, 932, 936, 949, 950)}
)
_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UNMARKED_UTF16: Final = ((b"<\x00", "utf-16-le"), (b"\x00<", "utf-16-be"))
_DECLARED_ENCODING: Final = re.compile(
    rb"""\s*<\?xml\s[^>]{0,200}?encoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]{0,39})["']"""
)


class ElementHandler(Protocol):
    """What hears of elements, in document order, their names without namespace."""

    def start(self, name: str, attributes: dict[str, str]) -> None: ...

    def text(self, data: str) -> None: ...

    def end(self) -> None: ...


class _RootFound(Exception):
    """Stops a parse at its first element."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


class _BoundedTarget:
    """Sits between the parser and a handler, and holds the limits while the input streams."""

    def __init__(self, handler: ElementHandler) -> None:
        self._handler = handler
        self._depth = 0
        self._elements = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > MAX_DEPTH:
            raise TranslationError(
                f"The XML is nested deeper than {MAX_DEPTH} elements.",
                limit=MAX_DEPTH,
                actual=self._depth,
            )
        if self._elements > MAX_ELEMENTS:
            raise TranslationError(
                f"The XML holds more than {MAX_ELEMENTS} elements. Split the file.",
                limit=MAX_ELEMENTS,
                actual=self._elements,
            )
        self._handler.start(tag.rpartition("}")[2], attributes)

    def data(self, data: str) -> None:
        self._handler.text(data)

    def end(self, tag: str) -> None:
        self._depth -= 1
        self._handler.end()

    def close(self) -> None:
        """Nothing is returned: the handler holds the outcome."""


class _RootFinder:
    """A handler that stops at the root element."""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        raise _RootFound(name)

    def text(self, data: str) -> None:
        """No text stands before the root element."""

    def end(self) -> None:
        """No element ends before the root element starts."""


def parse_elements(content: bytes, handler: ElementHandler) -> None:
    """Feed the elements of `content` to `handler`."""
    # The declaration may name the encoding just undone; the parser is told to ignore it.
    parser = DefusedXMLParser(target=_BoundedTarget(handler), encoding="utf-8", forbid_dtd=True)
    try:
        parser.feed(_decode(content).encode("utf-8"))
        parser.close()
    except ParseError as error:
        line, column = error.position
        raise TranslationError(
            f"The body isn't well-formed XML (line {line}, column {column + 1})."
        ) from None
    except DefusedXmlException:
        raise TranslationError(
            "The XML has a document type declaration or entities; remove them."
        ) from None


def root_name(content: bytes) -> str | None:
    """Return the root element's name without namespace, or None if `content` isn't XML."""
    try:
        parse_elements(content, _RootFinder())
    except _RootFound as found:
        return found.name
    except TranslationError:
        return None
    return None


def _decode(content: bytes) -> str:
    encoding, mark = _encoding_of(content)
    try:
        return content[len(mark) :].decode(encoding).lstrip()
    except UnicodeDecodeError as error:
        raise TranslationError(
            f"The body isn't valid {encoding.upper()} at byte {error.start + len(mark)}."
        ) from None


def _encoding_of(content: bytes) -> tuple[str, bytes]:
    """Return the codec to decode with and the byte order mark to skip."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return encoding, mark
    for start, encoding in _UNMARKED_UTF16:
        if content.startswith(start):
            return encoding, b""
    declared = _DECLARED_ENCODING.match(content)
    return (_codec_of(declared.group(1).decode("ascii")) if declared else "utf-8"), b""


def _codec_of(declared: str) -> str:
    try:
        name = codecs.lookup(declared).name
    except LookupError:
        _refuse_encoding()
    # .NET writers declare the encoding of their string buffer: a declaration that is readable
    # as ASCII can't stand in a UTF-16 file.
    if name.startswith("utf-16"):
        return "utf-8"
    if name not in _ENCODINGS:
        _refuse_encoding()
    return name


def _refuse_encoding() -> NoReturn:
    raise TranslationError("The XML declares an encoding that isn't supported. Use UTF-8.")
