"""Typed results become status, headers and bytes; no text breaks out of a header."""

import enum
import uuid
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from pydantic import BaseModel, Field

from codegen.runtime.dispatch import encode, encode_body
from codegen.runtime.encoded_json import EncodedJson

from .small_service import result


class Thing(BaseModel):
    first_name: str = Field(alias="first.name")
    note: str | None = None


class Colour(enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("body", "written"),
    [
        (b"\x00raw", b"\x00raw"),
        (EncodedJson(b"[1]"), b"[1]"),
        (Thing.model_validate({"first.name": "Ann"}), b'{"first.name":"Ann"}'),
        (Thing.model_construct(first_name=cast(Any, 5)), b'{"first.name":5}'),
        ([Thing.model_validate({"first.name": "A", "note": None})],
         b'[{"first.name":"A","note":null}]'),
        ({"a": datetime(2026, 1, 2, tzinfo=UTC)}, b'{"a":"2026-01-02T00:00:00Z"}'),
        ("text", b'"text"'),
        (None, b"null"),
        (2**70, str(2**70).encode()),
    ],
)  # fmt: skip
def test_bodies_become_bytes(body: Any, written: bytes) -> None:
    assert encode_body(body) == written


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        (5, "5"),
        (True, "true"),
        (False, "false"),
        (1.5, "1.5"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00Z"),
        (Colour.RED, "red"),
        ([1, True, "x"], "1,true,x"),
        ("", ""),
    ],
)
def test_header_values_are_written_in_the_simple_style(value: Any, text: str) -> None:
    sent = encode(result(b"{}", x=("X-Value", value)), {}).headers
    assert sent["x-value"] == text


@pytest.mark.parametrize(
    "value", ["a\r\nSet-Cookie: b=c", "a\nb", "a\rb", "\0", "é", "日本", "a\x7f"]
)
def test_text_that_would_break_out_of_a_header_is_never_sent(value: str) -> None:
    with pytest.raises(ValueError, match="X-Value") as caught:
        encode(result(b"{}", x=("X-Value", value)), {})
    assert value not in str(caught.value)


def test_an_absent_header_is_not_sent() -> None:
    assert "x-value" not in encode(result(b"{}", x=("X-Value", None)), {}).headers


def test_hooks_overrule_results_and_results_overrule_defaults() -> None:
    typed = result(b"{}", a=("ETag", "own"), b=("Cache-Control", "max-age=60"), c=("X", "own"))
    defaults = {"cache-control": "no-cache", "x": "default", "Y": "default"}
    sent = encode(typed, {"etag": '"hook"'}, defaults).raw_headers
    assert sorted(sent) == sorted(
        [
            (b"etag", b'"hook"'),
            (b"cache-control", b"max-age=60"),
            (b"x", b"own"),
            (b"y", b"default"),
            (b"content-type", b"application/json"),
            (b"content-length", b"2"),
        ]
    )


def test_text_is_sent_with_its_charset_and_bytes_are_not() -> None:
    assert encode(result(b"x", media_type="text/html"), {}).headers["content-type"] == (
        "text/html; charset=utf-8"
    )
    assert encode(result(b"x", media_type="image/png"), {}).headers["content-type"] == "image/png"


def test_a_result_may_choose_among_media_types() -> None:
    typed = result(b"x", media_type="image/png")
    type(typed).content_type = "image/webp"
    assert encode(typed, {}).headers["content-type"] == "image/webp"


def test_a_result_without_a_body_has_neither_type_nor_bytes() -> None:
    response = encode(result(media_type=None, status=204), {})
    assert (response.status_code, response.body) == (204, b"")
    assert "content-type" not in response.headers
