"""Sends raw requests to a running service, and says where it failed them, hung, or repeated them.

An answer may be anything below 500; an error must be a problem. Closing without an answer is right
where the request was none. After each few requests a good one must go well.
"""

import http.client
import io
import json
import re
import socket
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from ci.fuzzing.raw_requests import Caller, RawRequest, raw_request

# Time for a server to say that it takes no more; whole requests are waited for.
_GRACE_SECONDS: Final = 0.2
_PATIENCE_SECONDS: Final = 30.0
_BETWEEN_GOOD_ONES: Final = 40
_AT_A_TIME: Final = 8
_PROBLEM: Final = "application/problem+json"
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.1 ([1-5]\d\d)( .*)?\r\n")


@dataclass(frozen=True, slots=True)
class RawOutcome:
    """What came of a run: findings, and how often each (kind, status) was seen; 0 is no answer."""

    findings: list[str]
    seen: Counter[tuple[str, int]]


def fuzz_raw(url: str, caller: Caller, seed: int, count: int) -> RawOutcome:
    """Sends `count` requests, a few at a time."""
    port = urlsplit(url).port or 80
    findings: list[str] = []
    seen: Counter[tuple[str, int]] = Counter()
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        for begin in range(0, count, _BETWEEN_GOOD_ONES):
            numbers = range(begin, min(begin + _BETWEEN_GOOD_ONES, count))
            for statuses, found in pool.map(
                lambda number: _sent(port, caller, seed, number), numbers
            ):
                seen.update(statuses)
                findings += found
            findings += _good_one_fails(port, caller, f"seed {seed}, up to {numbers.stop}")
    return RawOutcome(findings, seen)


def _sent(
    port: int, caller: Caller, seed: int, number: int
) -> tuple[list[tuple[str, int]], list[str]]:
    request = raw_request(seed, number, caller)
    answer = exchanged(port, request)
    if answer is None:
        return [], [f"seed {seed}, number {number} ({request.kind}): neither answered nor closed"]
    statuses, wrongs = judged(answer, caller)
    findings = [f"seed {seed}, number {number} ({request.kind}): {wrong}" for wrong in wrongs]
    return [(request.kind, status) for status in statuses or [0]], findings


def exchanged(port: int, request: RawRequest) -> bytes | None:
    """All that came back; None if a whole request was neither answered nor closed upon."""
    patience = _PATIENCE_SECONDS if request.is_whole else _GRACE_SECONDS
    came = b""
    with socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_SECONDS) as client:
        try:
            client.sendall(request.sent)
            client.settimeout(patience)
            while received := client.recv(65536):
                came += received
        except TimeoutError:
            return None if request.is_whole and not came else came
        except (ConnectionResetError, BrokenPipeError):
            return came
    return came


def judged(answer: bytes, caller: Caller) -> tuple[list[int], list[str]]:
    """The statuses in an answer, which may be several or none, and what is wrong with it."""
    wrongs = []
    if caller.canary.encode() in answer or caller.key.encode() in answer:
        wrongs.append("the answer holds a canary or a key")
    statuses = []
    try:
        for status, content_type, body in _responses(answer):
            statuses.append(status)
            wrongs += _wrong_with(status, content_type, body)
    except http.client.HTTPException as error:
        wrongs.append(f"the answer is not HTTP: {type(error).__name__}")
    return statuses, wrongs


def _responses(answer: bytes) -> Iterator[tuple[int, str, bytes]]:
    """Status, media type and body of each response; one cut short by a reset is left out."""
    stream = io.BytesIO(answer)
    while line := stream.readline():
        found = _STATUS_LINE.fullmatch(line)
        if found is None:
            raise http.client.BadStatusLine("?")
        headers = http.client.parse_headers(stream)
        length = headers.get("Content-Length")
        # The service says the length of each body but those of 1xx, 204 and 304, which have none.
        body = stream.read(int(length)) if length else b""
        if len(body) == int(length or 0):
            yield int(found[1]), headers.get("Content-Type", ""), body


def _wrong_with(status: int, content_type: str, body: bytes) -> Iterator[str]:
    if status >= 500:
        yield f"answered with {status}"
    if status >= 400 and content_type != _PROBLEM:
        yield f"a {status} that is no problem"
    elif status >= 400 and body and json.loads(body).get("status") != status:
        yield f"a {status} whose problem has another status"


def _good_one_fails(port: int, caller: Caller, when: str) -> list[str]:
    good = RawRequest(
        "good", b"GET /reports HTTP/1.1\r\n" + caller.headers() + b"Connection: close\r\n\r\n"
    )
    answer = exchanged(port, good) or b""
    return [] if answer.startswith(b"HTTP/1.1 200 ") else [f"{when}: a good request went wrong"]
