"""What a request sends: JSON, lines of it, a form, or bytes as they are; whole or in pieces."""

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from anyio import to_thread
from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

from .client_files import PIECE_BYTES, OpenFile, is_file
from .client_forms import Multipart, urlencoded
from .encoded_json import EncodedJson
from .media_types import media_type_of, most_specific

Form = Literal["json", "lines", "urlencoded", "multipart", "text", "raw"]
_ANYTHING: TypeAdapter[Any] = TypeAdapter(Any)


@dataclass(frozen=True, slots=True)
class BodyForm:
    """How a body is sent in one media type. `styles` are of a form's fields, where they have any
    besides the usual: a separator, or `deepObject`. `null` is whether None is sent, as null."""

    form: Form
    styles: Mapping[str, str] = field(default_factory=dict)
    null: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """A body: `whole`, or what `encode` makes of each thing that `source` yields.

    `size` is in bytes, where it is known without making them; `reads_files` if making them does.
    """

    media_type: str | None = None
    whole: bytes | None = None
    source: Any = field(default=None, repr=False)
    encode: Callable[[Any], bytes] = bytes
    size: int | None = None
    reads_files: bool = False

    @property
    def can_be_sent_again(self) -> bool:
        """An iterator is used up by the first attempt; a list or an object with __iter__ isn't."""
        if isinstance(self.source, OpenFile):
            return self.source.can_be_sent_again
        return not isinstance(self.source, Iterator | AsyncIterator)

    def each(self) -> Iterator[Any]:
        return iter(self.source)

    async def each_async(self) -> AsyncIterator[Any]:
        """Of a source of either kind: what comes from memory needs no awaiting, but files do."""
        if isinstance(self.source, AsyncIterable):
            async for each in self.source:
                yield each
        elif self.reads_files:
            pieces = self.each()
            while (piece := await to_thread.run_sync(next, pieces, None)) is not None:
                yield piece
        else:
            for each in self.source:
                yield each


NO_CONTENT = Content()


def content_of(
    forms: Mapping[str, BodyForm], body: object, content_type: str | None = None
) -> Content:
    """`forms` are by media type or range; `content_type` chooses, where there are several."""
    if not forms or (body is None and not any(form.null for form in forms.values())):
        return NO_CONTENT
    chosen = content_type or next(iter(forms))
    declared = most_specific(forms, media_type_of(chosen.encode("latin-1", "replace"))[0])
    if declared is None:
        raise ValueError(f"content_type must be one of {', '.join(forms)}")
    form = forms[declared]
    if body is None and not form.null:
        return NO_CONTENT
    if form.form == "urlencoded":
        return Content(chosen, whole=urlencoded(body, form.styles))
    if form.form == "multipart":
        parts = Multipart(body, form.styles)
        return Content(parts.content_type, source=parts, size=parts.size, reads_files=True)
    if form.form == "json":
        return Content(chosen, whole=encode_json(body))
    if form.form == "text":
        return Content(chosen, whole=str(to_jsonable_python(body)).encode())
    if form.form == "lines":
        return Content(chosen, source=body, encode=encode_line)
    if isinstance(body, bytes | bytearray | memoryview):
        return Content(chosen, whole=bytes(body))
    if is_file(body):
        file = OpenFile(body)
        return Content(chosen, source=file, size=file.size, reads_files=True)
    return Content(chosen, source=body)


def encode_json(value: Any) -> bytes:
    if isinstance(value, EncodedJson):
        return value.content
    return _ANYTHING.dump_json(value, by_alias=True)


def encode_line(value: Any) -> bytes:
    return encode_json(value) + b"\n"


class Gathered:
    """Makes few large pieces of many small ones, which would be a packet each."""

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._size = 0

    def add(self, piece: bytes) -> bytes:
        """What is to be sent now; empty as long as it would be little."""
        self._held.append(piece)
        self._size += len(piece)
        return self.rest() if self._size >= PIECE_BYTES else b""

    def rest(self) -> bytes:
        whole = b"".join(self._held)
        self._held, self._size = [], 0
        return whole
