"""What isn't taken in: each refusal names rule, place and limit, and repeats nothing sent."""

import gzip
import json
import random
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.client import Callers
from tests.support.reports import SMALLEST, judged

_MIB = 1024 * 1024


def _refused(callers: Callers, report: dict[str, Any]) -> dict[str, str]:
    answer = callers.operator.post_json("/ingest/qc", report)
    assert (answer.status, answer.problem_type) == (422, "invalid-input"), answer.content
    return answer.error


def _note(**more: Any) -> dict[str, Any]:
    return {**SMALLEST, **more}


def _evaluation(**more: Any) -> dict[str, Any]:
    report = judged(("api", "warn", "warn"))
    report["policy"]["evaluations"][0].update(more)
    return report


@pytest.mark.parametrize(
    ("report", "pointer", "keyword", "limit"),
    [
        ({}, "/status", "required", '["status"]'),
        (_note(id="0190a6d2-7c1e-7d3b-9a54-2f6f0c1e8b11"), "", "additionalProperties", None),
        (_note(severity="block"), "", "additionalProperties", None),
        (_note(unexpected_field=1), "", "additionalProperties", None),
        ({"status": {"api": "excellent"}}, "/status/*", "enum", None),
        ({"status": {"": "pass"}}, "/status", "propertyNames", None),
        ({"status": []}, "/status", "type", '"object"'),
        (_note(notes=["a" * 8193]), "/notes/0", "maxLength", "8192"),
        (_note(notes=["n"] * 1001), "/notes", "maxItems", "1000"),
        (_note(markdown="m" * (_MIB + 1)), "/markdown", "maxLength", str(_MIB)),
        (_note(stream="main\0branch"), "/stream", "pattern", None),
        (_note(stream="s" * 257), "/stream", "maxLength", "256"),
        (_note(source={"tool": "a\0"}), "/source/tool", "pattern", None),
        (_note(source={}), "/source/tool", "required", '["tool"]'),
        (_note(run={"url": "javascript:alert(1)"}), "/run/url", "pattern", None),
        (_note(run={"started_at": "0000-01-01T00:00:00Z"}), "/run/started_at", None, None),
        (
            _note(diff={"summary": [{"id": "x", "trend": "up", "deltaPct": 1e13}]}),
            None,
            "maximum",
            None,
        ),
        (_note(policy={"topN": 1.5}), "/policy/topN", "type", '"integer"'),
        (_evaluation(message="m" * 8193), "/policy/evaluations/0/message", "maxLength", "8192"),
        (_evaluation(verdict="fail"), "/policy/evaluations/0/verdict", "enum", None),
        (
            _evaluation(extra_words="secret words"),
            "/policy/evaluations/0",
            "additionalProperties",
            None,
        ),
        (judged(*[("api", "pass", "info")] * 20_001), "/policy/evaluations", "maxItems", "20000"),
    ],
    ids=lambda value: value if isinstance(value, str) and value else "",
)
def test_report_that_breaks_a_rule_is_told_place_rule_and_limit(
    report: dict[str, Any],
    pointer: str | None,
    keyword: str | None,
    limit: str | None,
    callers: Callers,
) -> None:
    answer = callers.operator.post_json("/ingest/qc", report)
    assert (answer.status, answer.problem_type) == (422, "invalid-input")
    error = answer.json["errors"][0]
    assert error["in"] == "body"
    assert pointer is None or error["pointer"] == pointer
    assert keyword is None or error["keyword"] == keyword
    assert limit is None or error["limit"] == limit
    assert callers.viewer.get("/reports").json["items"] == []


def test_rule_of_an_error_stands_in_the_served_contract(callers: Callers) -> None:
    error = _refused(callers, _note(stream="not a stream"))
    node = callers.viewer.get("/openapi.json").json
    for segment in error["rule"].removeprefix("#/").split("/"):
        node = node[segment.replace("~1", "/").replace("~0", "~")]
    assert json.dumps(node) == error["limit"]


def test_at_most_20_errors_are_listed(callers: Callers) -> None:
    report = {"status": {f"check-{number}": "excellent" for number in range(50)}}
    answer = callers.operator.post_json("/ingest/qc", report)
    assert answer.status == 422
    assert len(answer.json["errors"]) == 20
    assert "at least 20" in answer.json["detail"].lower()


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"nonsense words",
        b"\xff\xfe{}",
        b"\xef\xbb\xbf" + json.dumps(SMALLEST).encode(),
        json.dumps(SMALLEST).encode("utf-16"),
        b'{"status":{},"notes":["\xc3\x28"]}',
        b'{"status":{},"notes":["\\ud800"]}',
        b'{"status":{},"raw":{"\\udfff":1}}',
        b'{"status":{},"raw":{"n":NaN}}',
        b'{"status":{},"raw":{"n":-Infinity}}',
        b'{"status":{},"raw":{"n":1e400}}',
        b'{"status":{},"raw":{"n":%s}}' % (b"7" * 400),
        b'{"status":{},"raw":{"n":%s}}' % (b"7" * 5000),
        b'{"status":{},"raw":{"n":01}}',
        b'{"status":{}} {"status":{}}',
        b'{"status":' + b"[" * 100_000,
    ],
    ids=lambda body: body[:24].decode("ascii", "backslashreplace"),
)
def test_body_that_is_no_json_in_utf_8_is_malformed(body: bytes, callers: Callers) -> None:
    answer = callers.operator.post("/ingest/qc", body, "application/json")
    assert (answer.status, answer.problem_type) == (400, "malformed-request")


def test_65_levels_are_too_deep(callers: Callers) -> None:
    nested: Any = "leaf"
    for _ in range(63):
        nested = [nested]
    error = _refused(callers, {"status": {}, "raw": {"n": nested}})
    assert (error["keyword"], error["limit"]) == ("maxDepth", "64")


def test_500_levels_are_too_deep_too(callers: Callers) -> None:
    body = b'{"status":{},"raw":{"n":%s%s}}' % (b"[" * 500, b"]" * 500)
    assert callers.operator.post("/ingest/qc", body, "application/json").status == 422


def test_missing_body_is_invalid(callers: Callers) -> None:
    for content_type in ("application/json", None):
        answer = callers.operator.post("/ingest/qc", b"", content_type)
        assert answer.status in (415, 422)
    answer = callers.operator.post("/ingest/qc", b"", "application/json")
    assert (answer.error["pointer"], answer.error["keyword"]) == ("", "required")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/problem+json"},
        {"Content-Type": "application/x-ndjson"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/json; charset=bogus"},
        {"Content-Type": "multipart/form-data"},
        {"Content-Type": "json"},
    ],
    ids=lambda headers: "+".join(headers.values()) or "none",
)
def test_other_media_types_are_unsupported(headers: dict[str, str], callers: Callers) -> None:
    answer = callers.operator.send("POST", "/ingest/qc", headers, json.dumps(SMALLEST).encode())
    assert (answer.status, answer.problem_type) == (415, "unsupported-media-type")
    assert "application/json" in answer.json["detail"]


def test_other_coding_than_gzip_is_unsupported(callers: Callers) -> None:
    body = zlib.compress(json.dumps(SMALLEST).encode())
    headers = {"Content-Encoding": "deflate"}
    answer = callers.operator.post("/ingest/qc", body, "application/json", headers)
    assert (answer.status, answer.problem_type) == (415, "unsupported-media-type")
    assert "Content-Encoding" in answer.json["detail"]
    assert answer.headers["accept-encoding"] == "gzip"


def test_compressed_body_counts_against_the_limit_as_what_it_expands_to(callers: Callers) -> None:
    noise = random.Random(1).randbytes(6 * _MIB).hex().encode()
    headers = {"Content-Encoding": "gzip"}
    answer = callers.operator.post("/ingest/qc", gzip.compress(noise), "application/json", headers)
    assert (answer.status, answer.problem_type) == (413, "body-too-large")
    assert "10485760 bytes" in answer.json["detail"]


def test_body_that_says_it_is_gzip_and_is_not_is_malformed(callers: Callers) -> None:
    headers = {"Content-Encoding": "gzip"}
    body = json.dumps(SMALLEST).encode()
    answer = callers.operator.post("/ingest/qc", body, "application/json", headers)
    assert (answer.status, answer.problem_type) == (400, "malformed-request")


def test_announced_body_over_the_limit_is_too_large(callers: Callers) -> None:
    answer = callers.operator.post("/ingest/qc", b" " * (10 * _MIB + 1), "application/json")
    assert (answer.status, answer.problem_type) == (413, "body-too-large")
    assert "10485760 bytes" in answer.json["detail"]
    assert "10485761 bytes came" in answer.json["detail"]


def test_chunked_body_over_the_limit_is_too_large(callers: Callers) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(160):
            yield b" " * 65536
        yield b" "

    answer = callers.operator.post("/ingest/qc", chunks(), "application/json")
    assert (answer.status, answer.problem_type) == (413, "body-too-large")


def test_chunked_body_within_the_limit_is_taken(callers: Callers) -> None:
    chunks = [b'{"status":', b"", b'{"api":"pass"}}']
    assert callers.operator.post("/ingest/qc", iter(chunks), "application/json").status == 201
