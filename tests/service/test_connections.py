"""What a client may do to one connection, on raw sockets: large heads, slow requests, upgrades."""

import asyncio
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import uvicorn
from starlette.types import Message, Receive, Scope, Send

from service import connections
from service.connections import MAX_FRAMING_BYTES, BoundedConnection
from service.serve import listen
from tests.e2e.service_process import wait_until

_HEAD = b"POST /there HTTP/1.1\r\nHost: test\r\n"
_CLOSE = b"Connection: close\r\n"


_left: list[str] = []


async def _tell(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with what came: the body, and the names of the headers once the body was read.

    At /wait, waits for the client to leave, and remembers that it did.
    """
    if scope["path"] == "/wait":
        while (await receive())["type"] != "http.disconnect":
            pass
        _left.append(scope["path"])
        return
    body = b""
    message: Message = {"more_body": True}
    while message.get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message["body"]
    told = {"body": body.decode(), "headers": [name.decode() for name, _ in scope["headers"]]}
    content = json.dumps(told).encode()
    length = [(b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": length})
    await send({"type": "http.response.body", "body": content})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    listener = listen("127.0.0.1", 0)
    config = uvicorn.Config(
        _tell, http=BoundedConnection, ws="none", log_config=None, lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
    thread.start()
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join(timeout=10)
    listener.close()


def _answer(port: int, *pieces: bytes, pause: float = 0.0) -> bytes:
    """All that the server says until it closes, or nothing if it takes no more."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        said = b""
        try:
            for piece in pieces:
                client.sendall(piece)
                time.sleep(pause)
            while received := client.recv(65536):
                said += received
        except (ConnectionResetError, BrokenPipeError):
            return said
        return said


def _rest(client: socket.socket) -> bytes:
    """All that comes until the server closes."""
    return b"".join(iter(lambda: client.recv(1 << 20), b""))


def _statuses(answer: bytes) -> list[str]:
    return re.findall(r"HTTP/1\.1 (\d{3}) ", answer.decode())


def _told(answer: bytes) -> dict[str, Any]:
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    found: dict[str, Any] = json.loads(answer.partition(b"\r\n\r\n")[2])
    return found


def test_head_over_its_limit_is_refused_as_a_problem_before_it_has_come_whole(port: int) -> None:
    filler = b"X-Filler: " + b"a" * MAX_FRAMING_BYTES
    answer = _answer(port, _HEAD + filler)
    assert answer.startswith(b"HTTP/1.1 400 ")
    problem = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert problem["type"] == "/problems/malformed-request"
    assert str(MAX_FRAMING_BYTES) in problem["detail"]


def test_what_is_not_http_is_answered_with_a_problem(port: int) -> None:
    answer = _answer(port, b"\x16\x03\x01\x02\x00\x01")
    assert b"content-type: application/problem+json" in answer


def test_large_body_after_a_small_head_is_no_matter(port: int) -> None:
    body = b"b" * (8 * MAX_FRAMING_BYTES)
    length = b"Content-Length: %d\r\n\r\n" % len(body)
    assert len(_told(_answer(port, _HEAD + _CLOSE + length + body))["body"]) == len(body)
    chunks = b"400\r\n" + b"b" * 1024 + b"\r\n"
    chunked = _HEAD + _CLOSE + b"Transfer-Encoding: chunked\r\n\r\n" + chunks * 512 + b"0\r\n\r\n"
    assert len(_told(_answer(port, chunked))["body"]) == 1024 * 512


def test_chunk_extension_without_an_end_is_refused(port: int) -> None:
    extension = b"1;" + b"e" * (2 * MAX_FRAMING_BYTES)
    answer = _answer(port, _HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + extension)
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_trailers_never_pass_for_headers(port: int) -> None:
    chunked = b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Tenant: other\r\n\r\n"
    told = _told(_answer(port, _HEAD + _CLOSE + chunked))
    assert told["body"] == "a"
    assert "x-tenant" not in told["headers"]


@pytest.mark.parametrize("pause", [0.0, 0.05])
def test_body_behind_an_upgrade_is_a_body_and_never_another_request(
    port: int, pause: float
) -> None:
    inner = b"GET /inner HTTP/1.1\r\nHost: test\r\n\r\n"
    head = _HEAD + b"Connection: close, Upgrade\r\nUpgrade: h2c\r\n"
    length = b"Content-Length: %d\r\n\r\n" % len(inner)
    answer = _answer(port, head + length, inner, pause=pause)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert _told(answer)["body"] == inner.decode()


_GOOD = b"POST /good HTTP/1.1\r\nHost: test\r\nContent-Length: 1\r\n\r\na"
_CHUNKED = _HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "statuses"),
    [
        (_GOOD + b"NONSENSE\r\n\r\n", ["200", "400"]),
        (_GOOD * 3 + b"NONSENSE\r\n\r\n" + _GOOD, ["200", "200", "200", "400"]),
        (_GOOD + b"CONNECT other:1 HTTP/1.1\r\nHost: other\r\n\r\n", ["200", "400"]),
        (_GOOD + _CHUNKED + b"1\r\na\r\nnot a size\r\n" + _GOOD, ["200", "400"]),
        (_CHUNKED + b"1\r\na\r\nnot a size\r\n" + _GOOD, ["400"]),
    ],
)
def test_what_cannot_be_read_is_refused_after_the_answers_to_what_came_before(
    port: int, sent: bytes, statuses: list[str]
) -> None:
    assert _statuses(_answer(port, sent)) == statuses


def test_request_is_told_of_a_client_that_left_while_others_wait_behind_it(port: int) -> None:
    _left.clear()
    waiting = b"GET /wait HTTP/1.1\r\nHost: test\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(waiting + _GOOD)
        time.sleep(0.05)
        # A reset: a client that merely ended sending may still read.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wait_until(lambda: _left == ["/wait"], "the request to learn that its client left")


def test_connect_opens_no_tunnel(port: int) -> None:
    answer = _answer(port, b"CONNECT other:1 HTTP/1.1\r\nHost: other\r\n\r\n" + _HEAD + b"\r\n")
    assert (answer[:12], answer.count(b"HTTP/1.1 ")) == (b"HTTP/1.1 400", 1)


@pytest.mark.parametrize(
    "sent", [b"", b"\r\n", b"GET / HT", _HEAD + b"Content-Length: 9\r\n\r\nab"]
)
def test_connection_on_which_no_request_gets_on_is_closed(
    port: int, sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_LOOK_EVERY_SECONDS", 0.05)
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.1)
    monkeypatch.setattr(connections, "BODY_SECONDS", 0.1)
    # `_answer` waits for less than the limits that are narrowed here.
    assert _answer(port, sent) == b""


def test_slow_request_at_a_decent_pace_is_waited_for(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_LOOK_EVERY_SECONDS", 0.05)
    monkeypatch.setattr(connections, "BODY_SECONDS", 0.4)
    monkeypatch.setattr(connections, "SLOWEST_BYTES_PER_SECOND", 2)
    head = _HEAD + _CLOSE + b"Content-Length: 4\r\n\r\n"
    assert _told(_answer(port, head, b"a", b"b", b"c", b"d", pause=0.15))["body"] == "abcd"


def test_answer_that_nobody_reads_is_given_up(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_LOOK_EVERY_SECONDS", 0.05)
    monkeypatch.setattr(connections, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(connections, "SLOWEST_BYTES_PER_SECOND", 1 << 30)
    # Far more than the kernel keeps for a reader.
    body = b"b" * (32 * 1024 * 1024)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(_HEAD + _CLOSE + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        # Once it has begun, all of it waits for its reader.
        client.recv(1)
        time.sleep(3)
        # What the kernel had taken still comes; the rest was given up.
        assert 0 < len(_rest(client)) < len(body)


def test_answer_that_is_read_at_a_decent_pace_comes_whole(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_LOOK_EVERY_SECONDS", 0.05)
    monkeypatch.setattr(connections, "ANSWER_SECONDS", 0.5)
    body = b"b" * (16 * 1024 * 1024)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(_HEAD + _CLOSE + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        read = 0
        while received := client.recv(1 << 18):
            read += len(received)
            time.sleep(0.02)
    assert read > len(body)


def test_client_that_ended_sending_still_gets_its_answer(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(_HEAD + b"Content-Length: 2\r\n\r\nab")
        client.shutdown(socket.SHUT_WR)
        assert _told(_rest(client))["body"] == "ab"


def test_client_that_ended_sending_in_a_body_is_done_with(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(_HEAD + b"Content-Length: 9\r\n\r\nab")
        client.shutdown(socket.SHUT_WR)
        assert client.recv(65536) == b""


def test_connection_that_waits_longest_makes_room_for_a_new_one(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "most_connections", lambda: 3)
    with ExitStack() as opened:
        first, *others = [
            opened.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            for _ in range(4)
        ]
        assert first.recv(1) == b""
        for client in others:
            client.sendall(_HEAD + _CLOSE + b"Content-Length: 2\r\n\r\nab")
            assert _told(_rest(client))["body"] == "ab"


def test_connection_that_finds_all_others_at_work_is_told_to_come_back(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "most_connections", lambda: 2)
    with ExitStack() as opened:
        for _ in range(2):
            busy = opened.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            busy.sendall(_HEAD + b"Content-Length: 2\r\n\r\na")
        time.sleep(0.2)
        answer = _answer(port)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 1\r\n" in answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["type"] == "/problems/unavailable"
