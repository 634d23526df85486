"""Bodies that come as gzip: expanded wherever a body is taken, and never a way to cost more."""

import gzip
import random
import tracemalloc
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.runtime.admission import LARGE_BYTES
from codegen.runtime.content_coding import MAX_RATIO, Gunzip
from codegen.runtime.encoded_json import EncodedJson
from codegen.runtime.hooks import Call
from codegen.runtime.operation import Media, RequestBody
from codegen.runtime.problems import Problem

from .small_service import Caller, Service, operation, result, slug

MIB = 1024 * 1024
LIMIT = 8 * MIB


@pytest.fixture
def caller() -> Iterator[Caller]:
    def handle(call: Call) -> Any:
        return result(EncodedJson(b'{"size":%d}' % len(call.raw_body)))

    media = (Media("text/csv", None), Media("application/json", "/components/schemas/Any"))
    taking = operation(
        "take",
        "POST",
        "/take",
        request_body=RequestBody(True, media),
        extensions={"x-max-body": LIMIT},
    )
    with Caller(Service([taking], {"take": handle})) as made:
        yield made


def post(
    caller: Caller, body: bytes, content_type: str = "text/csv", coding: str = "gzip"
) -> httpx2.Response:
    headers = {"Content-Type": content_type, "Content-Encoding": coding}
    return caller.ask("POST", "/take", content=body, headers=headers)


def noise(size: int) -> bytes:
    """Bytes that compress to about a half."""
    return random.Random(size).randbytes(size // 2).hex().encode()


def expanded(pieces: list[bytes], at_most: int) -> bytes:
    gunzip = Gunzip()
    out = b"".join(piece for fed in pieces for piece in expansion(gunzip, fed, at_most))
    gunzip.finish()
    return out


def expansion(gunzip: Gunzip, fed: bytes, at_most: int) -> Iterator[bytes]:
    gunzip.feed(fed)
    while gunzip.has_more:
        yield gunzip.expand(at_most)


@settings(deadline=None)
@given(
    parts=st.lists(st.binary(max_size=2000), min_size=1, max_size=4),
    cut=st.integers(1, 500),
    at_most=st.integers(1, 3000),
)
def test_any_members_in_any_pieces_become_what_they_were(
    parts: list[bytes], cut: int, at_most: int
) -> None:
    whole = b"".join(gzip.compress(part) for part in parts)
    pieces = [whole[start : start + cut] for start in range(0, len(whole), cut)]
    assert expanded(pieces, at_most) == b"".join(parts)


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip", " gzip "])
@pytest.mark.parametrize("size", [2, LARGE_BYTES, 3 * MIB])
def test_gzip_is_taken_whatever_its_size_and_spelling(
    caller: Caller, coding: str, size: int
) -> None:
    answer = post(caller, gzip.compress(noise(size)), coding=coding)
    assert (answer.status_code, answer.json()) == (200, {"size": size})


def test_what_came_compressed_is_held_against_the_contract(caller: Caller) -> None:
    assert post(caller, gzip.compress(b'{"a":1}'), "application/json").status_code == 200
    answer = post(caller, gzip.compress(b'{"a":'), "application/json")
    assert (answer.status_code, slug(answer)) == (400, "malformed-request")


def test_nothing_compressed_is_an_absent_body(caller: Caller) -> None:
    for body in (b"", gzip.compress(b"")):
        answer = post(caller, body)
        assert (answer.status_code, slug(answer)) == (422, "invalid-input")
        assert answer.json()["errors"][0]["keyword"] == "required"


@pytest.mark.parametrize(
    "body",
    [
        b"plain",
        b"\x1f",
        gzip.compress(b"some words")[:-1],
        gzip.compress(b"some words")[:12],
        gzip.compress(b"some words") + b"trailing",
        gzip.compress(b"some words") + b"\0\0\0\0",
        gzip.compress(b"some words")[:-8] + b"\0" * 8,
        gzip.compress(b"some words") + gzip.compress(b"more")[:-2],
    ],
    ids=["plain", "a byte", "cut", "cut early", "followed", "padded", "wrong sum", "cut member"],
)
def test_what_is_no_whole_gzip_is_malformed(caller: Caller, body: bytes) -> None:
    answer = post(caller, body)
    assert (answer.status_code, slug(answer)) == (400, "malformed-request")
    assert "gzip" in answer.json()["detail"]


def test_expanded_bytes_count_against_the_limit(caller: Caller) -> None:
    assert post(caller, gzip.compress(noise(LIMIT))).json() == {"size": LIMIT}
    answer = post(caller, gzip.compress(noise(LIMIT) + b"\n"))
    assert (answer.status_code, slug(answer)) == (413, "body-too-large")
    assert f"{LIMIT} bytes" in answer.json()["detail"]


def test_small_body_may_be_one_word_again_and_again(caller: Caller) -> None:
    assert post(caller, gzip.compress(b"x" * 60_000)).json() == {"size": 60_000}


def test_bomb_is_refused_for_its_ratio_before_it_has_cost_anything(caller: Caller) -> None:
    bomb = gzip.compress(b"\0" * (7 * MIB))
    assert MAX_RATIO * len(bomb) < 7 * MIB
    answer = post(caller, bomb)
    assert (answer.status_code, slug(answer)) == (413, "body-too-large")
    assert f"{MAX_RATIO} times" in answer.json()["detail"]


def test_bomb_of_64_mib_expands_to_a_few_hundred_kib_and_no_more() -> None:
    bomb = gzip.compress(b"\0" * (64 * MIB))
    pieces: list[bytes] = []
    tracemalloc.start()
    with pytest.raises(Problem):
        pieces.extend(expansion(Gunzip(), bomb[:1024], 64 * 1024))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(map(len, pieces)) < 256 * 1024
    assert peak < MIB


def test_members_without_end_are_refused() -> None:
    empty = gzip.compress(b"")
    assert expanded([empty] * 10_000, 1000) == b""
    with pytest.raises(Problem, match="10000 members"):
        expanded([empty] * 10_001, 1000)


def test_compressed_body_of_an_operation_that_takes_none_is_not_expanded() -> None:
    with Caller(Service([operation("none", "POST", "/none")], {})) as caller:
        headers = {"Content-Encoding": "gzip", "Content-Type": "text/csv"}
        answer = caller.ask("POST", "/none", content=b"no gzip", headers=headers)
    assert answer.status_code == 200


def test_two_headers_are_a_list_of_codings(caller: Caller) -> None:
    headers = [("Content-Type", "text/csv"), *[("Content-Encoding", "gzip")] * 2]
    answer = caller.ask("POST", "/take", content=gzip.compress(b"a"), headers=headers)
    assert answer.status_code == 415
