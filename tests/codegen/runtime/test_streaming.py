"""Bodies that are sent as they are made: held against the contract, and always let go of."""

import io
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

import pytest
from typing_extensions import override

from codegen.runtime.dispatch import encode_body
from codegen.runtime.encoded_json import EncodedJson
from codegen.runtime.exchange import CLIENT_CLOSED
from codegen.runtime.operation import Media
from codegen.runtime.problems import unavailable

from .small_service import PROBLEM, Caller, Service, operation, result, slug

NDJSON = "application/x-ndjson"
ITEM = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
SCHEMAS = {"Lines": {"type": "array", "minItems": 1, "maxItems": 5, "items": ITEM}}
RESPONSES: dict[str, tuple[Media, ...]] = {
    "200": (
        Media("application/zip", None),
        Media(NDJSON, "/components/schemas/Lines"),
        Media("application/json", None),
    ),
    "default": PROBLEM,
}
PIECES = [b"a" * 10, b"", b"b" * 100_000, b"c"]


class Spied:
    """An iterator of pieces that says when it was let go of, and in which thread."""

    def __init__(self, pieces: list[Any], fails: Exception | None = None) -> None:
        self._pieces = iter(pieces)
        self._fails = fails
        self.closed = 0
        self.threads: set[str] = set()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        self.threads.add(threading.current_thread().name)
        for piece in self._pieces:
            return piece
        raise self._fails or StopIteration

    def close(self) -> None:
        self.threads.add(threading.current_thread().name)
        self.closed += 1


class Awaited(Spied):
    """The same, to be awaited."""

    def __aiter__(self) -> "Awaited":
        return self

    async def __anext__(self) -> Any:
        try:
            return next(self)
        except StopIteration:
            raise StopAsyncIteration from None

    async def aclose(self) -> None:
        self.close()


def service_of(body: Callable[[], Any], media_type: str = "application/zip") -> Service:
    return Service(
        [operation(responses=RESPONSES)],
        {"ask": lambda call: result(body(), media_type=media_type)},
        schemas=SCHEMAS,
    )


def ask(body: Any, media_type: str = "application/zip", method: str = "GET") -> tuple[Any, Any]:
    """The answer, and what its record tells of a failure."""
    service = service_of(lambda: body, media_type)
    with Caller(service) as caller:
        answer = caller.ask(method)
    [record] = service.records
    return answer, record.failure


def cut(body: Any, media_type: str = "application/zip") -> tuple[list[Any], Any]:
    """What was sent of an answer that fails midway, and its record."""
    service = service_of(lambda: body, media_type)
    with Caller(service) as caller, pytest.raises(Exception) as caught:  # noqa: PT011  # any failure drops the connection
        caller.exchange([{"type": "http.request"}])
    sent = caller.sent
    [record] = service.records
    assert record.failure is caught.value
    return sent, record


async def generated(pieces: list[Any]) -> AsyncIterator[Any]:
    for piece in pieces:
        yield piece


@pytest.mark.parametrize(
    "body",
    [
        lambda: PIECES,
        lambda: iter(PIECES),
        lambda: (piece for piece in PIECES),
        lambda: Spied(PIECES),
        lambda: Awaited(PIECES),
        lambda: generated(PIECES),
    ],
    ids=["list", "iterator", "generator", "own", "awaited", "asynchronous generator"],
)
def test_an_iterable_is_sent_without_a_length(body: Callable[[], Any]) -> None:
    answer, failure = ask(body())
    assert failure is None
    assert (answer.status_code, answer.content) == (200, b"".join(PIECES))
    assert answer.headers["content-type"] == "application/zip"
    assert "content-length" not in answer.headers


def test_a_file_is_sent_from_where_it_stands_with_its_length_and_closed() -> None:
    file = io.BytesIO(b"skip" + b"x" * 200_000)
    file.seek(4)
    answer, failure = ask(file)
    assert failure is None
    assert answer.content == b"x" * 200_000
    assert answer.headers["content-length"] == "200000"
    assert file.closed


def test_a_file_that_grew_meanwhile_is_sent_up_to_the_length_that_was_announced() -> None:
    class Growing(io.BytesIO):
        @override
        def read(self, size: int | None = -1, /) -> bytes:
            self.getbuffer()
            return super().read(size) or b"more"

    answer, failure = ask(Growing(b"x" * 70_000))
    assert failure is None
    assert answer.content == b"x" * 70_000


def test_what_blocks_runs_in_worker_threads() -> None:
    body = Spied(PIECES)
    ask(body)
    assert body.closed == 1
    assert threading.current_thread().name not in body.threads


@pytest.mark.parametrize("body", [Spied(PIECES), Awaited(PIECES)], ids=["blocking", "awaited"])
def test_a_head_request_makes_no_piece_but_lets_go_of_the_source(body: Spied) -> None:
    answer, failure = ask(body, method="HEAD")
    assert failure is None
    assert (answer.status_code, answer.content) == (200, b"")
    assert body.closed == 1
    assert len(list(body)) == len(PIECES)


@pytest.mark.parametrize(("method", "content"), [("GET", b"abcdef"), ("HEAD", b"")])
def test_a_length_that_a_handler_tells_of_an_iterator_is_sent_and_kept_to(
    method: str, content: bytes
) -> None:
    told = ("Content-Length", 6)
    service = Service(
        [operation(responses=RESPONSES)],
        {
            "ask": lambda call: result(
                iter([b"abc", b"defghi"]), media_type="application/zip", content_length=told
            )
        },
        schemas=SCHEMAS,
    )
    with Caller(service) as caller:
        answer = caller.ask(method)
    assert (answer.headers["content-length"], answer.content) == ("6", content)


def test_head_tells_the_length_of_a_file() -> None:
    answer, _ = ask(io.BytesIO(b"x" * 1000), method="HEAD")
    assert (answer.headers["content-length"], answer.content) == ("1000", b"")


@pytest.mark.parametrize("kind", [Spied, Awaited])
def test_what_fails_before_the_first_piece_is_a_problem(kind: type[Spied]) -> None:
    body = kind([], fails=unavailable("Not now.", retry_after=7))
    answer, failure = ask(body)
    assert (answer.status_code, slug(answer)) == (503, "unavailable")
    assert failure is not None
    broken, _ = ask(kind([], fails=KeyError("secretmark")))
    assert (broken.status_code, slug(broken)) == (500, "internal-error")
    assert body.closed == 1


@pytest.mark.parametrize("kind", [Spied, Awaited])
def test_what_fails_later_cuts_the_connection_and_is_in_the_record(kind: type[Spied]) -> None:
    body = kind([b"x" * 100_000], fails=KeyError("broken"))
    sent, record = cut(body)
    assert sent[0]["status"] == 200
    assert len(sent[1]["body"]) == 100_000
    assert not any(message.get("more_body") is False for message in sent)
    assert isinstance(record.failure, KeyError)
    assert body.closed == 1


@pytest.mark.parametrize("kind", [Spied, Awaited])
def test_a_client_that_leaves_ends_it(kind: type[Spied]) -> None:
    body = kind([b"x" * 100_000] * 3 + [b""])
    never_ends = kind([])
    gone = [{"type": "http.request"}, {"type": "http.disconnect"}]
    for each in (body, never_ends):
        service = service_of(partial(_same, each))
        with Caller(service) as caller:
            caller.exchange(gone)
        assert each.closed == 1
        assert service.records[0].status in (200, CLIENT_CLOSED)


def _same(body: Any) -> Any:
    return body


@pytest.mark.parametrize("piece", ["text", 7, None, [1]])
def test_what_is_no_bytes_is_our_failure(piece: Any) -> None:
    answer, failure = ask([piece])
    assert (answer.status_code, type(failure)) == (500, TypeError)
    answer, failure = ask(piece if piece != [1] else {"a": 1})
    assert answer.status_code == 500
    assert isinstance(failure, TypeError | ValueError)


LINES = [{"n": 1}, EncodedJson(b'{"n":2}'), {"n": 3}]
WRITTEN = b'{"n":1}\n{"n":2}\n{"n":3}\n'


@pytest.mark.parametrize(
    "body",
    [
        lambda: LINES,
        lambda: iter(LINES),
        lambda: generated(LINES),
        lambda: WRITTEN,
        lambda: WRITTEN.removesuffix(b"\n"),
        lambda: io.BytesIO(WRITTEN),
    ],
    ids=["list", "iterator", "awaited", "bytes", "no last line feed", "file"],
)
def test_lines_are_sent_as_they_are_made_and_held_against_the_contract(
    body: Callable[[], Any],
) -> None:
    answer, failure = ask(body(), NDJSON)
    assert failure is None
    assert [json.loads(line) for line in answer.content.splitlines()] == [
        {"n": 1},
        {"n": 2},
        {"n": 3},
    ]


@pytest.mark.parametrize(
    "body",
    [
        [{"n": "secretmark"}],
        [EncodedJson(b"{")],
        [],
        [{"n": 1}] * 6,
        b'{"n":1}\n{"n":"x"}',
        io.BytesIO(b'{"m":1}'),
    ],
    ids=["schema", "no JSON", "too few", "too many", "bytes", "file"],
)
def test_lines_that_break_the_contract_from_the_start_are_a_problem(body: Any) -> None:
    answer, failure = ask(body, NDJSON)
    assert (answer.status_code, slug(answer)) == (500, "internal-error")
    assert failure is not None
    assert "secretmark" not in f"{failure} {getattr(failure, 'detail', '')}"


def test_a_line_that_breaks_the_contract_later_never_goes_out() -> None:
    sent, record = cut(generated([{"n": 1}, {"n": 2}, {"n": "wrong"}]), NDJSON)
    assert b"".join(message.get("body", b"") for message in sent) == b'{"n":1}\n{"n":2}\n'
    assert "type at" in record.failure.detail


@pytest.mark.parametrize("split", range(1, len(WRITTEN)))
def test_lines_are_found_wherever_pieces_are_split(split: int) -> None:
    answer, failure = ask(io.BufferedReader(Dripping(WRITTEN, split), 1), NDJSON)
    assert failure is None
    assert answer.content == WRITTEN


class Dripping(io.RawIOBase):
    """A file that gives a few bytes at a time."""

    def __init__(self, content: bytes, count: int) -> None:
        self._content, self._count = content, count

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Any) -> int:
        piece, self._content = self._content[: self._count], self._content[self._count :]
        buffer[: len(piece)] = piece
        return len(piece)


def test_a_body_that_is_made_while_it_is_sent_has_no_digest() -> None:
    for body in (iter(PIECES), generated(PIECES), io.BytesIO()):
        with pytest.raises(TypeError, match="sent as it is made"):
            encode_body(body)


def test_json_is_never_made_of_an_iterator() -> None:
    answer, failure = ask(iter([1, 2]), "application/json")
    assert (answer.status_code, type(failure)) == (500, TypeError)
