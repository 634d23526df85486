"""Requests as bytes that no client library would send: seeded, so that each can be made again.

Says nothing of how they are answered; `raw_http` sends them.
"""

import gzip
import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_TOKENS: Final = b"!#$%&'*+-.^_`|~09azAZ"
_REPORT: Final = b'{"status": {"api": "pass"}, "stream": "raw/main"}'


@dataclass(frozen=True, slots=True)
class Caller:
    """What every request may hold: credentials, and a token that no answer may repeat."""

    key: str
    tenant: str
    canary: str

    def headers(self) -> bytes:
        return (
            f"Host: collector\r\nX-Api-Key: {self.key}\r\nX-Tenant: {self.tenant}\r\n"
            f"X-Canary: {self.canary}\r\n"
        ).encode()


@dataclass(frozen=True, slots=True)
class RawRequest:
    """`is_whole`: the server must answer or close by itself, and not wait for more."""

    kind: str
    sent: bytes
    is_whole: bool = True


Make = Callable[[random.Random, Caller], RawRequest]


def raw_request(seed: int, number: int, caller: Caller) -> RawRequest:
    """The request of that number; the same for the same seed."""
    # A string, because what a tuple is hashed to may change from one Python to the next.
    chosen = random.Random(f"{seed}/{number}")
    return chosen.choice(_KINDS)(chosen, caller)


def _get(caller: Caller, target: bytes, more: bytes = b"", version: bytes = b"HTTP/1.1") -> bytes:
    head = b"GET " + target + b" " + version + b"\r\n" + caller.headers()
    return head + more + b"Connection: close\r\n\r\n"


def _post(caller: Caller, body: bytes, more: bytes = b"", target: bytes = b"/ingest/qc") -> bytes:
    head = b"POST " + target + b" HTTP/1.1\r\n" + caller.headers() + more
    if b"ontent-Type" not in more:
        head += b"Content-Type: application/json\r\n"
    return head + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def _header_flood(chosen: random.Random, caller: Caller) -> RawRequest:
    lines = b"".join(
        b"X-%d: %s\r\n" % (number, b"v" * chosen.choice([0, 1, 100, 5000]))
        for number in range(chosen.choice([10, 100, 1000, 3000]))
    )
    return RawRequest("many or long headers", _get(caller, b"/reports", lines))


def _repeated_header(chosen: random.Random, caller: Caller) -> RawRequest:
    line = chosen.choice(
        [
            b"X-Api-Key: " + caller.key.encode() + b"\r\n",
            b"X-Api-Key: " + caller.canary.encode() + b"\r\n",
            b"X-Tenant: other\r\n",
            b"Host: other\r\n",
            b"Content-Type: text/plain\r\n",
            b"Content-Length: 3\r\n",
            b"Content-Length: 49\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n",
            b"Idempotency-Key: a\r\nIdempotency-Key: b\r\n",
            b'If-None-Match: "a"\r\nIf-None-Match: *\r\n',
        ]
    )
    # A second length may be more than what comes.
    return RawRequest("a header twice", _post(caller, _REPORT, line * 2), is_whole=False)


def _bad_chunks(chosen: random.Random, caller: Caller) -> RawRequest:
    size = chosen.choice(
        [
            b"-1",
            b"0x31",
            b"31 ",
            b" 31",
            b"",
            b"g",
            b"31;a=b",
            b"f" * 17,
            b"ffffffff",
            b"+31",
            b"31",
        ]
    )
    end = chosen.choice(
        [b"\r\n0\r\n\r\n", b"0\r\n\r\n", b"\n0\n\n", b"\r\n0\r\nX-Tenant: other\r\n\r\n", b""]
    )
    more = chosen.choice([b"", b"Content-Length: 5\r\n", b"Transfer-Encoding: identity\r\n"])
    coding = chosen.choice(
        [b"chunked", b"Chunked", b"gzip, chunked", b"chunked, gzip", b"xchunked"]
    )
    head = b"POST /ingest/qc HTTP/1.1\r\n" + caller.headers() + more
    head += b"Content-Type: application/json\r\nTransfer-Encoding: " + coding + b"\r\n\r\n"
    return RawRequest("chunks", head + size + b"\r\n" + _REPORT + end, is_whole=False)


def _odd_method(chosen: random.Random, caller: Caller) -> RawRequest:
    known = [b"get", b"GETS", b"PRI", b"TRACE", b"CONNECT", b"PROPFIND", b"M-SEARCH", b"QUERY"]
    made_up = bytes(chosen.choices(_TOKENS, k=chosen.choice([1, 30, 3000])))
    method = chosen.choice([*known, b"G\0T", made_up])
    return RawRequest("methods", _get(caller, b"/reports").replace(b"GET", method, 1))


def _odd_target(chosen: random.Random, caller: Caller) -> RawRequest:
    target = chosen.choice(
        [
            b"http://other.example/reports",
            b"https://collector:99999/reports",
            b"//other.example/reports",
            b"collector:80",
            b"*",
            b"",
            b"reports",
            b"/reports#fragment",
            b"/reports;a=b",
            b"/reports%2F..%2Fhealth",
            b"/reports/%2e%2e/health",
            b"/reports/%00",
            b"/reports/%c0%af%e0%80%af",
            b"/reports/%ff%fe",
            b"/reports/\xff\xfe",
            b"/reports/%",
            b"/reports/%zz",
            b"/reports/" + caller.canary.encode(),
            b"/reports/" + b"a" * 70_000,
            b"/" * 5000,
            b"/reports?" + b"limit=1&" * 9000,
            b"/reports?limit=" + b"9" * 5000,
            b"/reports?limit=1e999999",
            b"/reports?stream=%00%ed%a0%80%c0%80",
            b"/reports?page_token=" + caller.canary.encode(),
            b"/reports?%s=%s" % (caller.canary.encode(), caller.canary.encode()),
            b"/docs/..%2f..%2fsettings.py",
            b"/docs/%2e%2e%5c%2e%2e%5csettings.py",
            b"/ingest/tool/sarif%00",
        ]
    )
    return RawRequest("targets", _get(caller, target))


def _odd_version(chosen: random.Random, caller: Caller) -> RawRequest:
    version = chosen.choice(
        [
            b"HTTP/1.0",
            b"HTTP/0.9",
            b"HTTP/2.0",
            b"HTTP/1.11",
            b"HTTP/1",
            b"HTTPS/1.1",
            b"http/1.1",
            b"",
        ]
    )
    return RawRequest("versions", _get(caller, b"/reports", version=version), is_whole=False)


def _odd_lines(chosen: random.Random, caller: Caller) -> RawRequest:
    line = chosen.choice(
        [
            b"X-Folded: a\r\n b\r\n",
            b"X-Space : a\r\n",
            b": nameless\r\n",
            b"X-Nul: a\0b\r\n",
            b"X-Bare: a\rb\r\n",
            b"X-High: \xff\xfe\r\n",
            b"no colon at all\r\n",
            b"\tX-Tab: a\r\n",
            b"X-Request-Id: " + caller.canary.encode() + b" \xe2\x80\xae\r\n",
            b"Expect: 100-continue\r\n",
            b"Expect: " + caller.canary.encode() + b"\r\n",
            b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: a\r\n",
            b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n",
        ]
    )
    request = _get(caller, b"/reports", line)
    if chosen.random() < 0.3:
        request = request.replace(b"\r\n", chosen.choice([b"\n", b"\r", b"\r\r\n"]))
    return RawRequest("header lines", request, is_whole=False)


def _odd_body(chosen: random.Random, caller: Caller) -> RawRequest:
    body = chosen.choice(
        [
            b"",
            b"\xef\xbb\xbf" + _REPORT,
            b'{"status": {}, "notes": ["\xff\xfe"]}',
            b'{"status": {}, "notes": ["\\ud800"]}',
            b'{"status": {}, "raw": {"a": %s}}' % (b"9" * 100_000),
            b'{"status": {}, "raw": {"a": 1e999999}}',
            b'{"status": {}, "raw": {"a": -0.0, "b": 1e-999}}',
            b'{"status": {}, "raw": {"a": NaN}}',
            b'{"status": {}, "status": {"' + caller.canary.encode() + b'": 1}}',
            b'{"status": {}, "raw": {"a\\u0000": "\\u0000"}}',
            b"[" * 100_000,
            b'{"a":' * 50_000,
            b'"' + b"\\" * 99_999,
            _REPORT + b"\0" * 10,
            caller.canary.encode() * 1000,
        ]
    )
    charset = chosen.choice(
        [b"", b"; charset=utf-16", b"; charset=" + caller.canary.encode(), b";;"]
    )
    more = b"Content-Type: application/json" + charset + b"\r\n"
    return RawRequest("bodies", _post(caller, body, more))


def _packed(content: bytes) -> bytes:
    """Without the time that gzip notes: the same a second later."""
    return gzip.compress(content, mtime=0)


def _odd_coding(chosen: random.Random, caller: Caller) -> RawRequest:
    packed = _packed(_REPORT)
    body = chosen.choice(
        [
            packed[: chosen.randrange(len(packed))],
            packed[:10] + bytes(chosen.choices(range(256), k=40)),
            packed + packed,
            packed + b"trailing",
            packed[:-8] + bytes(8),
            _packed(packed),
            _packed(b" " * 3_000_000 + _REPORT),
            _packed(b"") * 20_000,
            zlib.compress(_REPORT),
            _REPORT,
            b"",
        ]
    )
    coding = chosen.choice(
        [b"gzip", b"GZIP", b"x-gzip", b"gzip, gzip", b"deflate", b"br", b"identity"]
    )
    target = chosen.choice([b"/ingest/qc", b"/ingest/qc/batch", b"/ingest/tool/ctrf"])
    kind = b"application/x-ndjson" if target.endswith(b"batch") else b"application/json"
    more = b"Content-Type: " + kind + b"\r\nContent-Encoding: " + coding + b"\r\n"
    return RawRequest("content codings", _post(caller, body, more, target))


def _odd_batch(chosen: random.Random, caller: Caller) -> RawRequest:
    line = chosen.choice(
        [
            b"",
            b"\r",
            b"\0",
            b"null",
            b"{",
            b"[" * 5000,
            b"\xff",
            b'"' + caller.canary.encode() + b'"',
            b'{"' + caller.canary.encode() + b'": 1}',
            b" " * 1_100_000,
            b'{"status": {}, "notes": ["' + b"a" * 1_100_000 + b'"]}',
        ]
    )
    joint = chosen.choice([b"\n", b"\r\n", b"\n\n", b"\r", b"\x85", b"\xe2\x80\xa8"])
    body = joint.join([_REPORT, *([line] * chosen.choice([1, 2])), _REPORT])
    query = chosen.choice([b"", b"?atomic=true", b"?atomic=" + caller.canary.encode()])
    more = b"Content-Type: application/x-ndjson\r\n"
    return RawRequest("batches", _post(caller, body, more, b"/ingest/qc/batch" + query))


def _pipeline(chosen: random.Random, caller: Caller) -> RawRequest:
    keep = _get(caller, b"/reports").replace(b"Connection: close\r\n", b"")
    parts = chosen.choices([keep, _post(caller, _REPORT).replace(b"close", b"keep-alive")], k=3)
    last = chosen.choice([_get(caller, b"/health"), b"NONSENSE\r\n\r\n", _get(caller, b"/\0")])
    return RawRequest("pipelines", b"".join([*parts, last]))


def _length(chosen: random.Random, caller: Caller) -> RawRequest:
    length = chosen.choice(
        [
            b"-1",
            b"+5",
            b"5, 5",
            b"0x5",
            b"",
            b" ",
            b"1e3",
            b"9" * 30,
            b"18446744073709551616",
            b"1_0",
        ]
    )
    request = _post(caller, _REPORT).replace(
        b"Content-Length: %d" % len(_REPORT), b"Content-Length: " + length
    )
    return RawRequest("lengths", request, is_whole=False)


def _torn(chosen: random.Random, caller: Caller) -> RawRequest:
    """A good request with some bytes lost, doubled or others."""
    target = chosen.choice([b"/ingest/qc", b"/ingest/tool/junit", b"/ingest/qc/batch?atomic=true"])
    request = bytearray(_post(caller, _REPORT, target=target))
    for _ in range(chosen.choice([1, 2, 8])):
        place = chosen.randrange(len(request) or 1)
        match chosen.randrange(4):
            case 0:
                del request[place : place + chosen.choice([1, 20])]
            case 1:
                request[place:place] = request[place : place + chosen.choice([1, 20])]
            case 2:
                request[place : place + 1] = bytes([chosen.randrange(256)])
            case _:
                del request[place + 1 :]
    return RawRequest("torn requests", bytes(request), is_whole=False)


_KINDS: Final[tuple[Make, ...]] = (
    _header_flood,
    _repeated_header,
    _bad_chunks,
    _odd_method,
    _odd_target,
    _odd_version,
    _odd_lines,
    _odd_body,
    _odd_coding,
    _odd_batch,
    _pipeline,
    _length,
    _torn,
    _torn,
)
