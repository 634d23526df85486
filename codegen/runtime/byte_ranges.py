"""Parts of an answer, as a caller asks for them by Range (RFC 9110, 14): one part, or the whole.

Where the contract documents 206 beside the 200 of a GET, the runtime makes the one of the other.
"""

import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from .media_types import is_json, is_json_lines, media_type_of, most_specific
from .operation import Operation
from .problems import Problem, range_not_satisfiable
from .streaming import StreamedResponse

_RANGE: Final = re.compile(
    r"\s*bytes\s*=\s*([0-9]{0,18})-([0-9]{0,18})\s*", re.ASCII | re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Part:
    """`length` bytes from `start` on; at least one."""

    start: int
    length: int

    def content_range(self, size: int) -> str:
        return f"bytes {self.start}-{self.start + self.length - 1}/{size}"


def part_of(asked: str, size: int) -> Part | None:
    """None for what is to be answered whole: no range, a list of them, or none of bytes.

    Raises a 416 Problem for one that has no byte of the `size` that there are.
    """
    found = _RANGE.fullmatch(asked)
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        length = min(int(found[2]), size)
        part = Part(size - length, length)
    else:
        start, last = int(found[1]), int(found[2]) if found[2] else size - 1
        if found[2] and last < start:
            return None
        part = Part(start, min(last, size - 1) - start + 1)
    if part.length < 1 or part.start >= size:
        raise range_not_satisfiable(size)
    return part


def has_parts(operation: Operation) -> bool:
    return operation.method == "GET" and "206" in operation.responses


def in_part(response: Response, operation: Operation, request: Request) -> Response:
    """The part that was asked for, or the whole, which says then that parts may be asked for.

    Of a body of another media type than the 206 has there are no parts, nor of JSON, which is read
    as a whole, nor of one whose size isn't known. Raises a 416 Problem, and has closed the body
    then.
    """
    size = _size(response)
    if size is None or response.status_code != 200 or not _is_divisible(response, operation):
        return response
    response.headers["accept-ranges"] = "bytes"
    asked = request.headers.get("range")
    is_asked = asked is not None and request.method == "GET"
    if not is_asked or not _is_of(request.headers.get("if-range"), response.headers):
        return response
    try:
        part = part_of(asked or "", size)
    except Problem:
        _close(response)
        raise
    return response if part is None else _cut(response, part, size)


def _is_divisible(response: Response, operation: Operation) -> bool:
    essence = media_type_of(response.headers.get("content-type", "").encode("latin-1"))[0]
    documented = (media.media_type for media in operation.responses["206"])
    is_read_whole = is_json(essence) or is_json_lines(essence)
    return not is_read_whole and most_specific(documented, essence) is not None


def _size(response: Response) -> int | None:
    if isinstance(response, StreamedResponse):
        return response.source.size if response.source.skip else None
    return len(response.body)


def _is_of(condition: str | None, headers: Headers) -> bool:
    """Whether the caller's earlier part is of the same body, as far as it asks (If-Range)."""
    if condition is None:
        return True
    if '"' in condition:
        return condition == headers.get("etag") and not condition.startswith("W/")
    modified = headers.get("last-modified")
    try:
        return modified is not None and (
            parsedate_to_datetime(condition) == parsedate_to_datetime(modified)
        )
    except ValueError:
        return False


def _cut(response: Response, part: Part, size: int) -> Response:
    if isinstance(response, StreamedResponse) and response.source.skip:
        response.source.skip(part.start)
        response.length = part.length
    else:
        response.body = bytes(response.body)[part.start : part.start + part.length]
    response.status_code = 206
    response.headers["content-range"] = part.content_range(size)
    response.headers["content-length"] = str(part.length)
    return response


def _close(response: Response) -> None:
    if isinstance(response, StreamedResponse) and response.source.close:
        response.source.close()
