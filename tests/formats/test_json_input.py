"""What JSON is refused before a translator looks at it."""

import pytest

from formats.errors import TranslationError
from formats.json_input import MAX_CONTAINERS, MAX_NESTING, parse_object


def refusal(content: bytes) -> TranslationError:
    with pytest.raises(TranslationError) as raised:
        parse_object(content)
    return raised.value


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": "\\ud800"}',
        b'{"\\udc00": 1}',
        b'{"a": "\xed\xa0\x80"}',
        b'{"a": "\xff"}',
        b'{"a": "\x00"}',
        b'{"a": 1} {"b": 2}',
        b'{"a": 1,}',
        '{"a": 1}'.encode("utf-16"),
        b"\xef\xbb\xbf\xef\xbb\xbf{}",
        b'{"a":' * 100_000,
    ],
)
def test_what_is_not_json_in_utf8_is_refused(content: bytes) -> None:
    assert "isn't valid JSON" in refusal(content).detail


def test_refusal_names_line_and_column_and_repeats_nothing_of_the_input() -> None:
    detail = refusal(b'{\n "password": hunter2}').detail
    assert "line 2, column 14" in detail
    assert "hunter2" not in detail
    assert "password" not in detail


@pytest.mark.parametrize("content", [b"[]", b"1", b"null", b'"{}"'])
def test_root_must_be_an_object(content: bytes) -> None:
    assert "object" in refusal(content).detail


@pytest.mark.parametrize(
    "content",
    [
        b'{"a": "\\u0000"}',
        b'{"\\u0000": 1}',
        b'{"a": "\\\\\\u0000"}',
        b'{"a": "x\\\\\\\\\\u0000"}',
        b'{"a": "\\n\\u0000"}',
    ],
)
def test_nul_character_is_refused_in_keys_and_values(content: bytes) -> None:
    assert "NUL" in refusal(content).detail


@pytest.mark.parametrize("content", [b'{"a": "\\\\u0000"}', b'{"a": "\\\\\\\\u0000"}'])
def test_escaped_backslash_before_u0000_is_plain_text(content: bytes) -> None:
    assert "\x00" not in str(parse_object(content)["a"])


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_nesting_is_allowed_to_the_limit_and_refused_beyond(opening: str, closing: str) -> None:
    def nested(levels: int) -> bytes:
        inner = levels - 1
        return f'{{"a":{opening * inner}1{closing * inner}}}'.encode()

    parse_object(nested(MAX_NESTING))
    error = refusal(nested(MAX_NESTING + 1))
    assert error.limit == MAX_NESTING
    assert str(MAX_NESTING) in error.detail


def test_byte_order_mark_is_skipped_and_the_last_of_repeated_keys_wins() -> None:
    assert parse_object(b'\xef\xbb\xbf{"a": 1, "a": 2}') == {"a": 2}


def test_more_objects_and_arrays_than_a_process_can_bear_are_refused_unparsed() -> None:
    error = refusal(b'{"a":[' + b"{}," * MAX_CONTAINERS)
    assert (error.limit, error.actual) == (MAX_CONTAINERS, MAX_CONTAINERS + 2)
