"""Which bytes a Range asks for, by RFC 9110, 14: one part, or else the whole."""

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.runtime.byte_ranges import Part, part_of
from codegen.runtime.operation import Media
from codegen.runtime.problems import Problem

from .small_service import PROBLEM, Caller, Service, operation, result, slug

ZIP = (Media("application/zip", None),)
WHOLE = bytes(range(100))
ETAG = '"v1"'
DATE = "Wed, 01 Jul 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-0", Part(0, 1)),
        ("bytes=10-19", Part(10, 10)),
        ("bytes=90-", Part(90, 10)),
        ("bytes=90-1000", Part(90, 10)),
        ("bytes=-10", Part(90, 10)),
        ("bytes=-1000", Part(0, 100)),
        ("BYTES = 1-2 ", Part(1, 2)),
        ("bytes=-", None),
        ("bytes=5-4", None),
        ("bytes=0-1,5-6", None),
        ("bytes=a-b", None),
        ("lines=0-1", None),
        ("bytes=\u0661-\u0662", None),
        ("bytes=99999999999999999999-", None),
        ("", None),
    ],
)
def test_a_range_is_one_part_or_means_the_whole(asked: str, part: Part | None) -> None:
    assert part_of(asked, 100) == part


@pytest.mark.parametrize(("asked", "size"), [("bytes=100-", 100), ("bytes=-0", 5), ("bytes=-1", 0)])
def test_a_range_of_nothing_is_a_416_that_tells_the_size(asked: str, size: int) -> None:
    with pytest.raises(Problem) as caught:
        part_of(asked, size)
    assert caught.value.status == 416
    assert caught.value.headers == {"Content-Range": f"bytes */{size}"}


@given(st.integers(0, 200), st.integers(0, 200), st.integers(1, 120))
def test_a_part_is_what_a_slice_is(start: int, length: int, size: int) -> None:
    whole = bytes(range(size))
    wanted = whole[start : start + length + 1]
    if not wanted:
        with pytest.raises(Problem):
            part_of(f"bytes={start}-{start + length}", size)
        return
    part = part_of(f"bytes={start}-{start + length}", size)
    assert part is not None
    assert whole[part.start : part.start + part.length] == wanted
    assert part.content_range(size) == f"bytes {start}-{start + len(wanted) - 1}/{size}"


class Download(io.BytesIO):
    """A file that stands a little into its bytes, as one does of which a part was read before."""

    def __init__(self) -> None:
        super().__init__(b"xx" + WHOLE)
        self.seek(2)


class Pipe:
    """A file that can't be sought in."""

    def __init__(self) -> None:
        self.left = WHOLE

    def read(self, size: int, /) -> bytes:
        piece, self.left = self.left[:size], self.left[size:]
        return piece

    def close(self) -> None:
        self.left = b""


def asked(
    body: Any,
    *,
    parts: tuple[Media, ...] | None = ZIP,
    media: Media = ZIP[0],
    method: str = "GET",
    **headers: str,
) -> Any:
    """The answer of an operation that documents `parts` as its 206."""
    responses = {"200": (media,), "default": PROBLEM} | ({"206": parts} if parts else {})

    def answer(call: Any) -> Any:
        return result(
            body, media_type=media.media_type, etag=("ETag", ETAG), date=("Last-Modified", DATE)
        )

    service = Service([operation(responses=responses)], {"ask": answer})
    with Caller(service) as caller:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return caller.ask(method, headers=sent)


@pytest.mark.parametrize("body", [lambda: WHOLE, Download], ids=["bytes", "file"])
def test_where_206_is_documented_the_part_that_was_asked_for_is_sent(body: Any) -> None:
    part = asked(body(), Range="bytes=10-19")
    assert (part.status_code, part.content) == (206, WHOLE[10:20])
    assert part.headers["content-range"] == "bytes 10-19/100"
    assert part.headers["content-length"] == "10"
    assert part.headers["etag"] == ETAG
    whole = asked(body())
    assert (whole.status_code, whole.content) == (200, WHOLE)
    assert whole.headers["accept-ranges"] == "bytes"
    assert asked(body(), Range="bytes=1-2,5-6").content == WHOLE
    none = asked(body(), Range="bytes=100-")
    assert (none.status_code, slug(none)) == (416, "range-not-satisfiable")
    assert none.headers["content-range"] == "bytes */100"


def test_a_file_without_the_part_that_was_asked_for_is_closed() -> None:
    file = Download()
    assert asked(file, Range="bytes=100-").status_code == 416
    assert file.closed


@pytest.mark.parametrize(
    ("condition", "status"),
    [(ETAG, 206), (DATE, 206), ('"v2"', 200), (f"W/{ETAG}", 200), ("no date", 200)],
)
def test_the_rest_of_another_version_is_the_whole_of_this_one(condition: str, status: int) -> None:
    answer = asked(WHOLE, Range="bytes=50-", If_Range=condition)
    assert answer.status_code == status
    assert answer.content == (WHOLE[50:] if status == 206 else WHOLE)


def test_what_has_no_known_size_or_no_documented_parts_is_sent_whole() -> None:
    for answer in (
        asked(Pipe(), Range="bytes=1-2"),
        asked(iter([WHOLE]), Range="bytes=1-2"),
        asked(WHOLE, parts=None, Range="bytes=1-2"),
    ):
        assert (answer.status_code, answer.content) == (200, WHOLE)
        assert "accept-ranges" not in answer.headers


def test_json_is_never_sent_in_part_nor_what_has_another_type_than_the_206() -> None:
    json = Media("application/json", None)
    for media, parts in ((json, (json,)), (Media("text/csv", None), ZIP)):
        answer = asked(b'"whole"', media=media, parts=parts, Range="bytes=1-2")
        assert (answer.status_code, answer.content) == (200, b'"whole"')
        assert "accept-ranges" not in answer.headers


def test_a_range_means_nothing_to_head() -> None:
    answer = asked(Download(), method="HEAD", Range="bytes=1-2")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == "100"
    assert answer.headers["accept-ranges"] == "bytes"
