"""Bodies are taken by their media type and within their limit, or refused before any handler."""

import gzip
import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from codegen.runtime.admission import LARGE_BYTES
from codegen.runtime.encoded_json import EncodedJson
from codegen.runtime.hooks import Call
from codegen.runtime.operation import Media, RequestBody
from codegen.runtime.tables import DEFAULT_MAX_BODY

from .small_service import Caller, Service, operation, result, slug

THING = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "count": {"type": "integer"}},
    "additionalProperties": False,
}
JSON = Media("application/json", "/components/schemas/Thing")
ANY_JSON = Media("application/vnd.thing+json", None)
CSV = Media("text/csv", None)
MAX = 1000
OPERATIONS = [
    operation("json", "POST", "/json", request_body=RequestBody(True, (JSON,))),
    operation("maybe", "POST", "/maybe", request_body=RequestBody(False, (JSON,))),
    operation("raw", "POST", "/raw", request_body=RequestBody(True, (CSV, ANY_JSON))),
    operation("none", "POST", "/none"),
    operation(
        "small",
        "POST",
        "/small",
        request_body=RequestBody(True, (CSV,)),
        extensions={"x-max-body": MAX},
    ),
]


def echo(call: Call) -> Any:
    told = {
        "type": call.content_type,
        "json": call.json_body,
        "size": len(call.raw_body),
        "thread": threading.current_thread() is threading.main_thread(),
    }
    return result(EncodedJson(json.dumps(told).encode()))


@pytest.fixture(scope="module")
def caller() -> Iterator[Caller]:
    handlers = {one.id: echo for one in OPERATIONS}
    with Caller(Service(OPERATIONS, handlers, schemas={"Thing": THING})) as caller:
        yield caller


def post(caller: Caller, url: str, content: bytes | None, *types: str) -> httpx2.Response:
    headers = [("Content-Type", one) for one in types]
    return caller.ask("POST", url, content=content, headers=headers)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON",
        " application/json ",
        "application/json;",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        'application/json; Charset="utf-8"',
        "application/json; charset=us-ascii",
        "application/json ; profile=x; charset=utf8",
        "application/json; boundary=charset; q=1",
    ],
)
def test_spellings_of_the_declared_media_type_are_taken(caller: Caller, content_type: str) -> None:
    answer = post(caller, "/json", b'{"count": 1}', content_type)
    assert answer.json()["json"] == {"count": 1}
    assert answer.json()["type"] == "application/json"


@pytest.mark.parametrize(
    "content_type",
    [
        "", " ", ";", "/", "json", "application", "application/", "*/*", "application/*",
        "application/jsonx", "application/x-ndjson", "application/problem+json", "text/json",
        "application/json, text/csv", "application /json", "application/json charset=utf-8",
        "application/json; charset=latin-1", "application/json; charset=utf-16",
        "application/json; charset=bogus", 'application/json; x=y; CHARSET="iso-8859-1"',
        "application/json\xff", "\xff\xfe", "application/[json]", "multipart/form-data",
        "application/x-www-form-urlencoded", "a" * 5000,
    ],
)  # fmt: skip
def test_other_media_types_are_a_415_that_lists_those_taken(
    caller: Caller, content_type: str
) -> None:
    headers = [(b"content-type", content_type.encode("latin-1"))]
    answer = caller.ask("POST", "/json", content=b"{}", headers=headers)
    assert (answer.status_code, slug(answer)) == (415, "unsupported-media-type")
    assert answer.json()["detail"] == "The Content-Type must be one of: application/json."


def test_a_body_without_a_media_type_is_a_415(caller: Caller) -> None:
    assert post(caller, "/json", b"{}").status_code == 415
    assert (
        post(caller, "/raw", b"{}")
        .json()["detail"]
        .endswith("text/csv, application/vnd.thing+json.")
    )


def test_of_two_media_types_the_first_counts(caller: Caller) -> None:
    assert post(caller, "/json", b"{}", "application/json", "text/csv").status_code == 200
    assert post(caller, "/json", b"{}", "text/csv", "application/json").status_code == 415


def test_one_of_several_media_types_is_told_to_the_handler(caller: Caller) -> None:
    for content_type in ("text/csv", "application/vnd.thing+json"):
        answer = post(caller, "/raw", b"\xff{", content_type).json()
        assert (answer["type"], answer["json"], answer["size"]) == (content_type, None, 2)
    assert post(caller, "/raw", b"a", "text/csv; charset=latin-1").status_code == 200


@pytest.mark.parametrize("encoding", ["br", "identity, gzip", "gzip, gzip", "deflate", "x"])
def test_an_unknown_coding_is_a_415_that_names_the_known_one(caller: Caller, encoding: str) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    answer = caller.ask("POST", "/json", content=gzip.compress(b"{}"), headers=headers)
    assert (answer.status_code, slug(answer)) == (415, "unsupported-media-type")
    assert "Content-Encoding" in answer.json()["detail"]
    assert answer.headers["accept-encoding"] == "gzip"


def test_the_encoding_that_changes_nothing_is_taken(caller: Caller) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "Identity"}
    assert caller.ask("POST", "/json", content=b"{}", headers=headers).status_code == 200


@pytest.mark.parametrize("types", [(), ("application/json",)])
def test_an_absent_body_is_missed_only_where_it_is_required(
    caller: Caller, types: tuple[str, ...]
) -> None:
    answer = post(caller, "/maybe", b"", *types)
    assert (answer.status_code, answer.json()["type"]) == (200, "")
    missed = post(caller, "/json", b"", *types)
    assert (missed.status_code, slug(missed)) == (422, "invalid-input")
    assert missed.json()["errors"] == [{"in": "body", "pointer": "", "keyword": "required"}]


def test_an_optional_body_is_checked_when_it_comes(caller: Caller) -> None:
    assert post(caller, "/maybe", b'{"count": 1}', "application/json").status_code == 200
    assert post(caller, "/maybe", b'{"count": ""}', "application/json").status_code == 422
    assert post(caller, "/maybe", b"null", "application/json").status_code == 422
    assert post(caller, "/maybe", b" ", "application/json").status_code == 400
    assert post(caller, "/maybe", b"{}").status_code == 415


def test_a_body_that_nobody_declared_is_not_read(caller: Caller) -> None:
    for types in ((), ("application/json",), ("text/csv",)):
        answer = post(caller, "/none", b"not json", *types)
        assert (answer.status_code, answer.json()["size"]) == (200, 0)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"count": 12345678901234567890123}', 200),
        (b'{"count": 1.0}', 200),
        (b'{"name": "\\u0000"}', 200),
        (b'{"count": 1.5}', 422),
        (b'{"count": null}', 422),
        (b"[]", 422),
        (b'{"name": "\\ud800"}', 400),
        (b'{"count": NaN}', 400),
        (b"\xef\xbb\xbf{}", 400),
        ("{}".encode("utf-16"), 400),
        (b"[" * 65 + b"]" * 65, 422),
        (b"[" * 50_000, 400),
        (b"9" * 5000, 400),
    ],
)
def test_bodies_are_read_strictly(caller: Caller, body: bytes, status: int) -> None:
    answer = post(caller, "/json", body, "application/json")
    assert answer.status_code == status
    if status != 200:
        slug(answer)


def test_errors_of_a_body_show_places_and_rules_and_no_values(caller: Caller) -> None:
    answer = post(caller, "/json", b'{"name": 77777, "s3cret": "s3cret"}', "application/json")
    rule = "#/components/schemas/Thing"
    assert sorted(answer.json()["errors"], key=lambda error: str(error["pointer"])) == [
        {"in": "body", "pointer": "", "keyword": "additionalProperties", "limit": "false",
         "rule": f"{rule}/additionalProperties"},
        {"in": "body", "pointer": "/name", "keyword": "type", "limit": '"string"',
         "rule": f"{rule}/properties/name/type"},
    ]  # fmt: skip
    assert "s3cret" not in answer.text
    assert "77777" not in answer.text


def chunks(size: int) -> list[dict[str, Any]]:
    parts = [b"x" * 300] * (size // 300) + [b"x" * (size % 300)]
    more = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    return [*more, {"type": "http.request"}]


def test_a_body_of_just_the_limit_is_taken_and_a_byte_more_is_a_413(caller: Caller) -> None:
    assert post(caller, "/small", b"x" * MAX, "text/csv").json()["size"] == MAX
    answer = post(caller, "/small", b"x" * (MAX + 1), "text/csv")
    assert (answer.status_code, slug(answer)) == (413, "body-too-large")
    assert answer.json()["detail"] == "The body may have 1000 bytes; 1001 bytes came."


@pytest.mark.parametrize("declared", [None, b"5", b"-1", b"x", b"", b"9" * 40, b"1,1"])
def test_chunked_and_misdeclared_bodies_have_the_same_limit(
    caller: Caller, declared: bytes | None
) -> None:
    headers = [(b"content-type", b"text/csv")]
    headers += [] if declared is None else [(b"content-length", declared)]
    for size, status in ((MAX, 200), (MAX + 1, 413)):
        sent = caller.exchange(chunks(size), method="POST", path="/small", headers=headers)
        assert sent[0]["status"] == status


def test_an_announced_body_that_is_too_large_is_not_read(caller: Caller) -> None:
    headers = [(b"content-type", b"text/csv"), (b"content-length", b"1001")]
    # With nothing to receive but a disconnect, only an answer without reading is a 413.
    sent = caller.exchange(method="POST", path="/small", headers=headers)
    assert sent[0]["status"] == 413


def test_bodies_have_a_limit_where_the_contract_names_none(caller: Caller) -> None:
    content = b"x" * DEFAULT_MAX_BODY
    assert post(caller, "/raw", content, "text/csv").status_code == 200
    assert post(caller, "/raw", content + b"x", "text/csv").status_code == 413


def test_large_bodies_are_read_off_the_event_loop_with_the_same_outcome(caller: Caller) -> None:
    filler = "x" * LARGE_BYTES
    good = json.dumps({"name": filler}).encode()
    assert post(caller, "/json", good, "application/json").json()["json"] == {"name": filler}
    wrong = json.dumps({"name": filler, "count": "no"}).encode()
    answer = post(caller, "/json", wrong, "application/json")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/count")
    assert post(caller, "/json", good[:-1], "application/json").status_code == 400


def test_handlers_never_run_on_the_event_loop(caller: Caller) -> None:
    assert post(caller, "/json", b"{}", "application/json").json()["thread"] is False
