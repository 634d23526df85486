"""Bodies of lines: whatever stands in them, each line is told alone and memory stays small."""

import asyncio
import gzip
import hashlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from codegen.runtime.admission import LARGE_BYTES
from codegen.runtime.encoded_json import EncodedJson
from codegen.runtime.hooks import Call
from codegen.runtime.json_lines import JsonLine, JsonLines, LinesRule, read_lines
from codegen.runtime.operation import Media, RequestBody
from codegen.runtime.schemas import ContractSchemas
from codegen.runtime.spool import Spool

from .contracts import document
from .small_service import Caller, Service, operation, result, slug

MAX_BODY = 4 * 1024 * 1024
MAX_LINE = 300
MAX_LINES = 1000
NDJSON = "application/x-ndjson"
ITEM = {"type": "object", "additionalProperties": False, "properties": {"n": {"type": "integer"}}}
SCHEMAS = {
    "Lines": {"type": "array", "minItems": 1, "maxItems": MAX_LINES, "items": ITEM},
    "FewerLines": {"type": "array", "items": ITEM},
}
RULE = LinesRule("/components/schemas/Lines", MAX_LINE, MAX_LINES, may_be_empty=False)
CONTRACT = ContractSchemas(document(SCHEMAS))


def handle(call: Call) -> Any:
    lines: JsonLines[Any] = JsonLines(call.lines, TypeAdapter(dict[str, int]))
    told = [
        [line.number, line.problem.slug if line.problem else lines.model(line)] for line in lines
    ]
    again = [line.number for line in lines]
    body = {
        "told": told,
        "again": again,
        "size": len(call.raw_body),
        "sha256": call.body_sha256.hex(),
        "fingerprint": call.fingerprint().hex(),
    }
    return result(EncodedJson(json.dumps(body).encode()))


@pytest.fixture(scope="module")
def caller() -> Iterator[Caller]:
    extensions = {"x-max-body": MAX_BODY, "x-max-line": MAX_LINE}

    def taking(path: str, name: str) -> Any:
        body = RequestBody(True, (Media(NDJSON, f"/components/schemas/{name}"),))
        return operation(path[1:], "POST", path, request_body=body, extensions=extensions)

    operations = [taking("/lines", "Lines"), taking("/fewer", "FewerLines")]
    service = Service(operations, {"lines": handle, "fewer": handle}, schemas=SCHEMAS)
    with Caller(service) as made:
        yield made


def post(
    caller: Caller, body: bytes, content_type: str = NDJSON, path: str = "/lines", **headers: str
) -> httpx2.Response:
    sent = {"Content-Type": content_type, **headers}
    return caller.ask("POST", path, content=body, headers=sent)


def told(caller: Caller, body: bytes) -> list[list[Any]]:
    answer = post(caller, body)
    assert answer.status_code == 200, answer.text
    found: list[list[Any]] = answer.json()["told"]
    assert answer.json()["again"] == [number for number, _ in found]
    return found


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"n":1}', [[1, {"n": 1}]]),
        (b'{"n":1}\n', [[1, {"n": 1}]]),
        (b'{"n":1}\r\n{}\r\n', [[1, {"n": 1}], [2, {}]]),
        (b"\n\r\n \t\n{}\n\n", [[4, {}]]),
        (b'{"n":"x"}\n{}', [[1, "invalid-input"], [2, {}]]),
        (b"{\n}", [[1, "malformed-request"], [2, "malformed-request"]]),
        (b"\xef\xbb\xbf{}\n{}", [[1, "malformed-request"], [2, {}]]),
        (b"\xff\n{}", [[1, "malformed-request"], [2, {}]]),
        (b"\x0b\n{}", [[1, "malformed-request"], [2, {}]]),
        (b"\0\n{}", [[1, "malformed-request"], [2, {}]]),
        (b"{}\r{}\n{}", [[1, "malformed-request"], [2, {}]]),
        (b"[" * 65 + b"]" * 65 + b"\n{}", [[1, "invalid-input"], [2, {}]]),
        (b"[]\nnull\n{}", [[1, "invalid-input"], [2, "invalid-input"], [3, {}]]),
        (b'{"n":12345678901234567890123}', [[1, {"n": 12345678901234567890123}]]),
        ('{"n":"\u2028"}\n{}'.encode(), [[1, "invalid-input"], [2, {}]]),
    ],
    ids=repr,
)  # fmt: skip
def test_each_line_is_told_alone(caller: Caller, body: bytes, expected: list[Any]) -> None:
    assert told(caller, body) == expected


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\n{}"])
def test_a_line_may_be_just_as_long_as_the_limit_its_end_not_counted(
    caller: Caller, end: bytes
) -> None:
    fits = b"{" + b" " * (MAX_LINE - 2) + b"}"
    assert told(caller, fits + end)[0] == [1, {}]
    assert told(caller, fits + b" " + end)[0] == [1, "body-too-large"]
    assert told(caller, fits * 1000 + end)[0] == [1, "body-too-large"]


async def filled(body: bytes, piece: int) -> Spool:
    spool = Spool(in_memory=100)
    for start in range(0, len(body), piece):
        await spool.append(body[start : start + piece])
    await spool.finish()
    return spool


def lines_of(body: bytes, piece: int = 1000) -> list[JsonLine]:
    with asyncio.run(filled(body, piece)) as spool:
        return list(read_lines(RULE, CONTRACT, spool))


def test_what_is_too_long_is_told_with_its_size_to_the_byte() -> None:
    for size in (MAX_LINE + 1, MAX_LINE + 2, 65_536 + MAX_LINE, 200_000):
        for end in (b"", b"\n", b"\r\n"):
            [line] = lines_of(b"x" * size + end)
            assert line.problem is not None
            assert line.problem.detail == f"A line may have {MAX_LINE} bytes; this one has {size}."


def test_a_line_says_where_it_is_wrong_without_the_lines_before_it() -> None:
    problem = lines_of(b'{}\n{"n":\n')[1].problem
    assert problem is not None
    assert "The line is not JSON in UTF-8 at column" in problem.detail


def test_of_many_errors_in_a_line_the_first_is_told() -> None:
    problem = lines_of(b'{"a":1,"b":2,"n":"x"}')[0].problem
    assert problem is not None
    assert len(problem.errors) == 1


@settings(deadline=None)
@given(
    soup=st.lists(
        st.sampled_from([b"{}", b'{"n":1}', b"", b" \t", b"{", b"\xff", b'{"m":1}', b"x" * 301])
        | st.binary(max_size=400).map(lambda line: line.replace(b"\n", b"")),
        max_size=30,
    ),
    end=st.sampled_from([b"\n", b"\r\n"]),
    piece=st.integers(1, 2000),
)
def test_any_soup_of_lines_has_a_line_told_for_each_that_is_not_blank(
    soup: list[bytes], end: bytes, piece: int
) -> None:
    body = end.join(soup)
    numbers = [n for n, line in enumerate(soup, 1) if line.strip(b" \t\r")]
    lines = lines_of(body, piece)
    assert [line.number for line in lines] == numbers
    by_number = {line.number: line for line in lines}
    for number in numbers:
        if soup[number - 1] in (b"{}", b'{"n":1}'):
            assert by_number[number].problem is None


@settings(deadline=None)
@given(st.binary(max_size=3000), st.integers(1, 500))
def test_spool_gives_back_what_was_put_in_and_knows_it(body: bytes, piece: int) -> None:
    with asyncio.run(filled(body, piece)) as spool:
        assert [spool.opened().read(), spool.opened().read()] == [body, body]
        assert (spool.size, spool.sha256()) == (len(body), hashlib.sha256(body).digest())
        assert spool.lines == len(body.split(b"\n")) - (0 if body[-1:] not in (b"", b"\n") else 1)
        assert spool.is_blank == (not body.strip(b" \t\r\n"))


def test_body_that_finds_no_room_on_disk_is_asked_to_come_back(
    caller: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    answer = post(caller, (b" " * 299 + b"\n") * 900 + b"{}")
    assert (answer.status_code, slug(answer)) == (503, "unavailable")
    assert answer.headers["retry-after"] == "5"
    assert post(caller, b"{}").status_code == 200


@pytest.mark.parametrize("size", [100, LARGE_BYTES + 1, 3 * LARGE_BYTES])
def test_body_of_any_size_is_read_and_never_kept_whole(caller: Caller, size: int) -> None:
    body = (b" " * 299 + b"\n") * (size // 300) + b'{"n":5}'
    for sent, headers in ((body, {}), (gzip.compress(body), {"Content-Encoding": "gzip"})):
        if len(sent) * 100 < len(body):
            continue
        answer = post(caller, sent, path="/fewer", **headers)
        assert answer.json()["told"] == [[size // 300 + 1, {"n": 5}]]
        assert answer.json()["size"] == 0
        assert answer.json()["sha256"] == hashlib.sha256(body).hexdigest()


def test_fingerprint_is_of_the_lines_however_they_came(caller: Caller) -> None:
    body = b'{"n":1}\n'
    plain = post(caller, body).json()["fingerprint"]
    headers = {"Content-Encoding": "gzip"}
    assert post(caller, gzip.compress(body), **headers).json()["fingerprint"] == plain
    assert post(caller, b'{"n":2}\n').json()["fingerprint"] != plain


def test_as_many_lines_as_the_limit_are_taken_and_one_more_is_named(caller: Caller) -> None:
    assert len(told(caller, b"{}\n" * MAX_LINES)) == MAX_LINES
    for body in (b"{}\n" * (MAX_LINES + 1), b"\n" * MAX_LINES + b"{}"):
        answer = post(caller, body)
        assert (answer.status_code, slug(answer)) == (422, "invalid-input")
        [error] = answer.json()["errors"]
        assert (error["keyword"], error["limit"]) == ("maxItems", str(MAX_LINES))
        assert f"{MAX_LINES + 1} came" in answer.json()["detail"]
    assert post(caller, b"{}\n" * (MAX_LINES + 1), path="/fewer").status_code == 200


def test_blank_lines_alone_are_too_few_where_the_contract_wants_one(caller: Caller) -> None:
    for body in (b"\n", b" \r\n\t\n"):
        answer = post(caller, body)
        assert (answer.status_code, answer.json()["errors"][0]["keyword"]) == (422, "minItems")
        assert post(caller, body, path="/fewer").json()["told"] == []
    assert post(caller, b"", path="/fewer").json()["errors"][0]["keyword"] == "required"


def test_other_media_types_and_charsets_are_unsupported(caller: Caller) -> None:
    for content_type in ("application/json", "application/jsonl", f"{NDJSON}; charset=utf-16"):
        assert post(caller, b"{}", content_type).status_code == 415
    assert post(caller, b"{}", f"{NDJSON}; charset=UTF-8").status_code == 200


def test_body_over_its_limit_is_too_large(caller: Caller) -> None:
    answer = post(caller, b" " * (MAX_BODY + 1))
    assert (answer.status_code, slug(answer)) == (413, "body-too-large")


def test_client_that_leaves_in_the_middle_reaches_no_handler() -> None:
    reached: list[Call] = []
    body = RequestBody(True, (Media(NDJSON, "/components/schemas/Lines"),))
    taking = operation("take", "POST", "/take", request_body=body)

    def note(call: Call) -> Any:
        reached.append(call)
        return result(EncodedJson(b"{}"))

    service = Service([taking], {"take": note}, schemas=SCHEMAS)
    with Caller(service) as caller:
        part = {"type": "http.request", "body": b"{}\n" * 200_000, "more_body": True}
        headers = [(b"content-type", NDJSON.encode())]
        sent = caller.exchange(
            [part, {"type": "http.disconnect"}], method="POST", path="/take", headers=headers
        )
    assert (sent, reached) == ([], [])
    assert service.records[0].status == 499
