"""Writes the values of parameters as OpenAPI's styles have them: the way back of `parameters`.

A value that the wire can't carry, such as a list item with its own separator in it, is a
ValueError: a server would read another one.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from pydantic_core import to_json, to_jsonable_python

from .operation import Operation, Parameter

_SEPARATORS = {"spaceDelimited": " ", "pipeDelimited": "|"}
_TEMPLATE = re.compile(r"\{([^{}]*)\}")
# RFC 9110, 5.5, without white space at the ends: readers take that away.
_HEADER_TEXT = re.compile(
    r"(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?"
)
_DOTS = re.compile(r"(?<![^/])\.{1,2}(?![^/])")


@dataclass(frozen=True, slots=True)
class WireParameters:
    """Where a request carries its parameters. `path` and `query` are percent-encoded."""

    path: str
    query: str
    headers: dict[str, str] = field(repr=False)
    cookies: dict[str, str] = field(repr=False)


def write_parameters(
    operation: Operation, path: str, arguments: Mapping[str, object]
) -> WireParameters:
    """`path` has the parameters' names in braces. An argument that is None is left out."""
    in_path: dict[str, str] = {}
    query: list[str] = []
    headers: dict[str, str] = {}
    cookies: dict[str, str] = {}
    for parameter in operation.parameters:
        value = to_jsonable_python(arguments.get(parameter.argument), by_alias=True)
        if value is None and not parameter.required:
            continue
        if parameter.media_type is not None:
            value = to_json(value).decode()
        if parameter.location == "path":
            in_path[parameter.name] = _path_text(parameter, value)
        elif parameter.location == "header":
            headers[parameter.name] = _header_text(parameter, value)
        elif parameter.location == "query":
            _refuse_taken(operation, parameter, value)
            query += [f"{_quoted(name)}={text}" for name, text in _pairs(parameter, value, _quoted)]
        else:
            cookies |= _cookies(parameter, value)
    filled = _TEMPLATE.sub(lambda match: in_path[match[1]], path)
    if _DOTS.search(filled):
        raise ValueError(f"{operation.id}: a path can't have `.` or `..` for a parameter")
    return WireParameters(filled, "&".join(query), headers, cookies)


def _quoted(text: str) -> str:
    return quote(text, safe="")


def _plain(text: str) -> str:
    return text


def _path_text(parameter: Parameter, value: Any) -> str:
    prefix, separator = {"label": (".", "."), "matrix": (";", ";")}.get(parameter.style, ("", ","))
    if parameter.style == "matrix":
        text = ";".join(
            f"{_quoted(name)}={text}" for name, text in _pairs(parameter, value, _quoted)
        )
    else:
        joint = separator if parameter.explode else ","
        text = _joined(parameter, value, joint, _quoted)
    if not text:
        raise ValueError(f"the path parameter {parameter.spelled} can't be empty")
    return prefix + text


def _header_text(parameter: Parameter, value: Any) -> str:
    text = _joined(parameter, value, ",", _plain)
    if not _HEADER_TEXT.fullmatch(text):
        raise ValueError(
            f"the header parameter {parameter.spelled} can hold Latin-1 text alone, without "
            "control characters or white space at its ends"
        )
    return text


def _cookies(parameter: Parameter, value: Any) -> dict[str, str]:
    pairs = _pairs(parameter, value, _plain)
    for _, text in pairs:
        is_quoted = len(text) >= 2 and text[0] == text[-1] == '"'
        if ";" in text or is_quoted or not _HEADER_TEXT.fullmatch(text):
            raise ValueError(
                f"the cookie parameter {parameter.spelled} can hold Latin-1 text alone, without ; "
                "or control characters, and no quotes or white space around it"
            )
    if len(pairs) != len(dict(pairs)):
        raise ValueError(
            f"the cookie parameter {parameter.spelled} can have one item; see its style"
        )
    return dict(pairs)


def _pairs(parameter: Parameter, value: Any, encode: Callable[[str], str]) -> list[tuple[str, str]]:
    """Names and texts in the styles that repeat names: form, matrix, deepObject and its kin."""
    name = parameter.spelled
    if isinstance(value, dict) and (parameter.style == "deepObject" or parameter.explode):
        is_deep = parameter.style == "deepObject"
        _refuse_empty(parameter, value)
        for held in value.values():
            _refuse_empty(parameter, held)
        return [
            (f"{name}[{_key(parameter, key)}]" if is_deep else _key(parameter, key), encode(text))
            for key, held in value.items()
            for text in _apart(parameter, held if isinstance(held, list) else [held])
        ]
    if isinstance(value, list) and parameter.explode:
        _refuse_empty(parameter, value)
        return [(name, encode(text)) for text in _apart(parameter, value)]
    separator = _SEPARATORS.get(parameter.style, ",")
    return [(name, _joined(parameter, value, separator, encode))]


def _refuse_taken(operation: Operation, parameter: Parameter, value: Any) -> None:
    """Members that come under their own names can't have that of another parameter."""
    if not isinstance(value, dict) or (parameter.style, parameter.explode) != ("form", True):
        return
    for other in operation.parameters:
        if other.location != "query" or other is parameter:
            continue
        deep = f"{other.spelled}["
        for key in value:
            if key == other.spelled or (other.style == "deepObject" and key.startswith(deep)):
                raise ValueError(
                    f"a name in the parameter {parameter.spelled} would be read as the parameter "
                    f"{other.spelled}"
                )


def _joined(parameter: Parameter, value: Any, separator: str, encode: Callable[[str], str]) -> str:
    """Items between separators, those of an object as `key,value` or `key=value`."""
    if not isinstance(value, list | dict):
        return encode(_scalar(parameter, value))
    _refuse_empty(parameter, value)
    if isinstance(value, list):
        return _between(separator, encode).join(
            encode(_item(parameter, item, separator)) for item in value
        )
    between = "=" if parameter.explode else separator
    return _between(separator, encode).join(
        f"{encode(_item(parameter, _key(parameter, key), separator))}{_between(between, encode)}"
        f"{encode(_item(parameter, item, separator))}"
        for key, item in value.items()
    )


def _between(separator: str, encode: Callable[[str], str]) -> str:
    """Only what a URL can't hold as it is gets encoded: some servers split before they decode."""
    return separator if separator in ",.;=" else encode(separator)


def _refuse_empty(parameter: Parameter, value: Any) -> None:
    if value in ([], {}):
        raise ValueError(
            f"the parameter {parameter.spelled} can't be empty: it would be as if absent; say None"
        )


def _apart(parameter: Parameter, items: list[Any]) -> list[str]:
    """Texts that come each under a name. What keeps them apart there they can't hold."""
    separator = {"path": ";", "cookie": ","}.get(parameter.location)
    if separator is not None:
        return [_item(parameter, item, separator) for item in items]
    return [_scalar(parameter, item) for item in items]


def _key(parameter: Parameter, key: str) -> str:
    """The name of an object's member, without what would be read as its end."""
    if parameter.style == "deepObject":
        is_read_otherwise = not key or "[" in key or "]" in key
    elif parameter.explode and parameter.location != "query":
        is_read_otherwise = "=" in key or (parameter.style == "matrix" and ";" in key)
    else:
        is_read_otherwise = False
    if is_read_otherwise:
        raise ValueError(f"a name in the parameter {parameter.spelled} would be read otherwise")
    return key


def _item(parameter: Parameter, item: Any, separator: str) -> str:
    text = _scalar(parameter, item)
    if separator in text or (parameter.location == "header" and text != text.strip(" \t")):
        raise ValueError(f"an item of the parameter {parameter.spelled} has its separator in it")
    return text


def _scalar(parameter: Parameter, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, list | dict):
        return "" if value is None else str(value)
    raise ValueError(f"the parameter {parameter.spelled} can't hold lists in lists or objects")
