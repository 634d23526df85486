"""Compresses what `collector push` sends, and sends it plain where a server refuses that."""

import gzip
from collections.abc import Generator
from typing import Final

import httpx2
from typing_extensions import override

# Below, compressing saves less than it takes to say so.
_WORTH_COMPRESSING: Final = 16 * 1024
# A server may take what expands too far for a bomb.
_HIGHEST_RATIO: Final = 50
_COMPRESSION_REFUSED: Final = frozenset({413, 415})


class Compression(httpx2.Auth):
    """The library's one place that sees a request before, and its answer after, it was sent.

    A transport of our own would see them too, but cost us its proxies from the environment.
    """

    requires_request_body = True

    @override
    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        packed = _compressed(request.content)
        if packed is not None:
            answer = yield _with_content(request, packed)
            if answer.status_code not in _COMPRESSION_REFUSED:
                return
        yield request


def _with_content(request: httpx2.Request, packed: bytes) -> httpx2.Request:
    sized = ("content-length", "transfer-encoding")
    headers = [
        (name, value) for name, value in request.headers.raw if name.lower().decode() not in sized
    ]
    return httpx2.Request(
        request.method,
        request.url,
        headers=[*headers, (b"Content-Encoding", b"gzip")],
        content=packed,
        extensions=request.extensions,
    )


def _compressed(content: bytes) -> bytes | None:
    """The content as gzip, where that is worth it."""
    if len(content) < _WORTH_COMPRESSING:
        return None
    packed = gzip.compress(content, compresslevel=6, mtime=0)
    is_worth_it = len(packed) < len(content) <= len(packed) * _HIGHEST_RATIO
    return packed if is_worth_it else None
