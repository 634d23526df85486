"""Writes forms: the way back of `form_fields`. Files in them are sent piece by piece."""

import secrets
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from pydantic import BaseModel, TypeAdapter
from pydantic_core import to_json, to_jsonable_python

from .file_part import FilePart

_ANYTHING: TypeAdapter[Any] = TypeAdapter(Any)
_DEEP = "deepObject"
_END = b"\r\n"


def urlencoded(form: object, styles: Mapping[str, str]) -> bytes:
    return urlencode(list(_texts(form, styles))).encode()


class Multipart:
    """A form as `multipart/form-data` (RFC 7578). It can be gone through more than once."""

    def __init__(self, form: object, styles: Mapping[str, str]) -> None:
        self._fields = list(_fields(form, styles))
        self._boundary = secrets.token_hex(16)

    @property
    def content_type(self) -> str:
        return f"multipart/form-data; boundary={self._boundary}"

    @property
    def size(self) -> int:
        """How many bytes it has, without reading its files."""
        of_fields = (
            len(self._begin(name, value))
            + len(_END)
            + (value.size if isinstance(value, FilePart) else len(value.encode()))
            for name, value in self._fields
        )
        return sum(of_fields) + len(self._last())

    def _begin(self, name: str, value: str | FilePart) -> bytes:
        return f"--{self._boundary}\r\n{_head(name, value)}\r\n\r\n".encode()

    def _last(self) -> bytes:
        return f"--{self._boundary}--\r\n".encode()

    def __iter__(self) -> Iterator[bytes]:
        for name, value in self._fields:
            yield self._begin(name, value)
            if isinstance(value, FilePart):
                yield from value.pieces()
            else:
                yield value.encode()
            yield _END
        yield self._last()


def _head(name: str, value: str | FilePart) -> str:
    head = f'Content-Disposition: form-data; name="{_quoted(name)}"'
    if not isinstance(value, FilePart):
        return head
    filename = "" if value.filename is None else f'; filename="{_quoted(value.filename)}"'
    return f"{head}{filename}\r\nContent-Type: {_one_line(value.content_type)}"


def _quoted(text: str) -> str:
    """As browsers write it (HTML, 4.10.21.8)."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _one_line(text: str) -> str:
    if not text.isascii() or not text.isprintable():
        raise ValueError("the content_type of a file must be visible ASCII characters")
    return text


def _texts(form: object, styles: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in _fields(form, styles):
        if not isinstance(value, FilePart):
            yield name, value
            continue
        raise ValueError(f"the field {name} is a file, which needs multipart/form-data")


def _fields(form: object, styles: Mapping[str, str]) -> Iterator[tuple[str, str | FilePart]]:
    """Names and values in order; a list has a field for each item, an object is JSON text.

    A list without items has no field, in whichever style: such is undefined (RFC 6570, 2.3).
    Raises ValueError where that field is required.
    """
    members: Mapping[str, Any] = _ANYTHING.dump_python(form, by_alias=True)
    required = _required(form)
    for name, value in members.items():
        style = styles.get(name)
        if name in required and _has_no_field(value, style):
            raise ValueError(
                f"the field {name} is required and can't be empty: a form has no way to write that"
            )
        if isinstance(value, Mapping) and style == _DEEP:
            for key, inner in value.items():
                yield from ((f"{name}[{key}]", _text(one)) for one in _listed(inner))
        elif isinstance(value, list | tuple) and value and style is not None and style != _DEEP:
            texts = [_text(one) for one in value]
            if any(style in text for text in texts):
                raise ValueError(f"an item of the field {name} has its separator in it")
            yield name, style.join(texts)
        else:
            for one in _listed(value):
                yield name, one if isinstance(one, FilePart) else _text(one)


def _required(form: object) -> set[str]:
    """The names in JSON of the fields that a form must have; of a mapping nothing is known."""
    fields = type(form).model_fields if isinstance(form, BaseModel) else {}
    return {field.alias or name for name, field in fields.items() if field.is_required()}


def _has_no_field(value: Any, style: str | None) -> bool:
    is_apart = isinstance(value, list | tuple) or (style == _DEEP and isinstance(value, Mapping))
    return is_apart and not value


def _listed(value: Any) -> list[Any]:
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    return [value]


def _text(value: Any) -> str:
    plain = to_jsonable_python(value, by_alias=True)
    if plain is None:
        return ""
    return plain if isinstance(plain, str) else to_json(plain).decode()
