"""Reads where a request carries its parameters: path, query, headers, cookies. No types yet.

What can't be read one way only is refused here, so that no two readers of a request disagree.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from .paths import in_path
from .problems import malformed_request

MAX_QUERY_FIELDS = 1000
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")

Wire = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A request's parameters as they came, decoded to text. Header names are lower case."""

    path: Mapping[str, str]
    query: Wire
    headers: Wire
    cookies: Wire


def raw_request(scope: Mapping[str, Any], most_in_query: int = MAX_QUERY_FIELDS) -> RawRequest:
    """Reads an ASGI scope. Raises a 400 Problem where the encoding is broken.

    `most_in_query` is how many parameters the query string may have, each item of a list counted.
    """
    headers = [
        (name.decode("latin-1").lower(), value.decode("latin-1"))
        for name, value in scope["headers"]
    ]
    _check_path(scope)
    path = {
        name: in_path(scope, str(value)) for name, value in scope.get("path_params", {}).items()
    }
    query = _query(scope["query_string"], most_in_query)
    return RawRequest(path, query, _grouped(headers), _cookies(headers))


def _query(query: bytes, most: int) -> dict[str, list[str]]:
    if (came := query.count(b"&") + 1) > most:
        raise malformed_request(f"The query string may have {most} parameters; {came} came.")
    try:
        return _grouped(encoded_pairs(query))
    except ValueError as error:
        raise malformed_request("The query string is not percent-encoded UTF-8.") from error


def encoded_pairs(encoded: bytes) -> list[tuple[str, str]]:
    """Names and values of a query string or of a form. Raises ValueError where it is broken."""
    text = encoded.decode("ascii")
    if _BROKEN_ESCAPE.search(text):
        raise ValueError("a percent sign without two hexadecimal digits")
    return parse_qsl(text, keep_blank_values=True, errors="strict")


def _check_path(scope: Mapping[str, Any]) -> None:
    """Servers decode the path before we see it, and put U+FFFD where they can't."""
    try:
        scope["path"].encode()
        sent = (scope.get("raw_path") or b"").decode("ascii")
        if _BROKEN_ESCAPE.search(sent):
            raise ValueError("a percent sign without two hexadecimal digits")
        unquote(sent, errors="strict")
    except ValueError as error:
        raise malformed_request("The path is not percent-encoded UTF-8.") from error


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    return grouped


def _cookies(headers: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """By name, in order (RFC 6265, 5.4). What other applications left there may look like anything,
    so a piece that is no cookie is passed over."""
    pieces = [
        piece.partition("=")
        for name, value in headers
        if name == "cookie"
        for piece in value.split(";")
    ]
    return _grouped(
        (name.strip(" \t"), _without_quotes(value.strip(" \t")))
        for name, equals, value in pieces
        if equals
    )


def _without_quotes(value: str) -> str:
    is_quoted = len(value) >= 2 and value[0] == value[-1] == '"'
    return value[1:-1] if is_quoted else value
