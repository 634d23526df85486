"""What both clients do with the HTTP library, where nothing blocks or awaits."""

from typing import Any, Final

import httpx2

from .client_steps import Failed, Received, Send

TIMEOUT: Final = httpx2.Timeout(30.0, connect=5.0)
_WILL_NOT_CHANGE: Final = (httpx2.UnsupportedProtocol, httpx2.LocalProtocolError)


def request_of(
    http: httpx2.Client | httpx2.AsyncClient, send: Send, content: Any
) -> httpx2.Request:
    """`content` is bytes or an iterable that fits the client.

    Credentials of the query go in by `target`: the library logs URLs, but not that.
    """
    headers = [(name.encode(), value.encode("latin-1")) for name, value in send.headers.items()]
    request = http.build_request(send.method, send.url, headers=headers, content=content)
    if send.hidden_query:
        joint = b"&" if b"?" in request.url.raw_path else b"?"
        request.extensions["target"] = request.url.raw_path + joint + send.hidden_query.encode()
    return request


def received(response: httpx2.Response, body: bytes = b"", stream: Any = None) -> Received:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Received(response.status_code, headers, body, stream)


def failed(error: httpx2.RequestError) -> Failed:
    """The library's error goes no further: it holds the request, with what is secret in it."""
    return Failed(type(error).__name__, not isinstance(error, _WILL_NOT_CHANGE))
