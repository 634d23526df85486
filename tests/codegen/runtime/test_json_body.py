"""What the strict JSON reader accepts can be written again exactly; all else is a problem."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from codegen.runtime.json_body import MAX_CONTAINERS, MAX_DEPTH, parse_json
from codegen.runtime.problems import Problem

INTEGERS = st.integers(-(10**300), 10**300) | st.integers(-(2**65), 2**65)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | INTEGERS | FLOATS | TEXT,
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(TEXT, inside, max_size=4),
    max_leaves=20,
)
JSON_LIKE = st.text('[]{}",:0123456789.eE+-\\ud8fN \n\t\0tnrl', max_size=60).map(str.encode)


def written(value: Any) -> str:
    """Text that tells ints from floats and 0.0 from -0.0."""
    return json.dumps(value)


def refusal(content: bytes) -> Problem:
    with pytest.raises(Problem) as caught:
        parse_json(content)
    return caught.value


@given(JSON, st.booleans())
def test_values_come_back_exactly(value: Any, ascii_only: bool) -> None:
    parsed = parse_json(json.dumps(value, ensure_ascii=ascii_only).encode())
    assert written(parsed) == written(value)


@given(st.binary(max_size=60) | JSON_LIKE)
@example(b"[" * 100_000)
@example(b'{"":' * 500)
@example(b'"\\udc00"')
def test_any_bytes_are_a_value_or_a_problem(content: bytes) -> None:
    try:
        value = parse_json(content)
    except Problem as problem:
        status = problem.status
    else:
        status = 200
        assert written(parse_json(written(value).encode())) == written(value)
    assert status in (200, 400, 422)


@pytest.mark.parametrize(
    "content",
    [
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"1e400",
        b"-1E+400",
        b"[1234567890123456789012, 1e999]",
        b'"\\ud800"',
        b'{"\\udfff": 1}',
        b'"\xed\xa0\x80"',
        b'"\xff"',
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        b"",
        b" ",
        b"{}{}",
        b"01",
        b"+1",
        b"1_0",
        b"'a'",
        b"[1,]",
        b'{"a":1,}',
        b"// no\n1",
        b"True",
        "١".encode(),  # noqa: RUF001  # an Arabic digit is what this is about
    ],
)
def test_what_is_not_json_in_utf_8_is_a_400(content: bytes) -> None:
    assert refusal(content).status == 400


def test_integers_keep_every_digit_as_far_as_doubles_reach() -> None:
    for digits in (19, 20, 40, 308):
        assert parse_json(b"9" * digits) == int("9" * digits)
        assert parse_json(b"[-" + b"9" * digits + b"]") == [-int("9" * digits)]


@pytest.mark.parametrize("digits", [310, 4300, 4301, 5000, 100_000])
def test_integers_past_a_double_are_refused(digits: int) -> None:
    assert refusal(b"9" * digits).status == 400


def test_fractions_are_doubles() -> None:
    assert parse_json(b"0.12345678901234567890123456789") == 0.12345678901234568
    assert written(parse_json(b"1234567890123456789.5")) == "1.2345678901234568e+18"
    assert written(parse_json(b"1e2")) == "100.0"


def test_long_numbers_within_strings_are_left_alone() -> None:
    content = b'{"12345678901234567890": "00098765432109876543210e999999"}'
    assert parse_json(content) == {"12345678901234567890": "00098765432109876543210e999999"}


def nested(depth: int, opening: str, closing: str, inside: str = "") -> bytes:
    return (opening * depth + inside + closing * depth).encode()


@pytest.mark.parametrize(
    ("opening", "closing", "inside"),
    [("[", "]", ""), ('{"a":', "}", "1"), ("[", "]", "12345678901234567890")],
)
def test_sixty_four_levels_are_the_limit(opening: str, closing: str, inside: str) -> None:
    parse_json(nested(MAX_DEPTH, opening, closing, inside))
    for depth in (MAX_DEPTH + 1, 199, 250, 1000):
        problem = refusal(nested(depth, opening, closing, inside))
        assert (problem.status, problem.errors[0].keyword) == (422, "maxDepth")
        assert problem.errors[0].limit == "64"
    assert refusal(nested(2000, opening, closing, inside)).status == 400


def test_brackets_side_by_side_or_in_strings_are_no_depth() -> None:
    many: list[object] = [[] for _ in range(200)]
    assert parse_json(json.dumps(many).encode()) == many
    assert parse_json(json.dumps("[" * 200).encode()) == "[" * 200


@given(st.sampled_from(["secret", "\\u12", "1e999", "nul"]))
def test_problems_tell_the_place_and_never_the_input(text: str) -> None:
    problem = refusal(b'{"a":\n ' + text.encode() + b"}")
    assert "line 2 column" in problem.detail
    assert text not in problem.detail


def test_more_objects_and_arrays_than_a_process_can_bear_are_refused_unparsed() -> None:
    assert len(parse_json(b"[" + b"[]," * (MAX_CONTAINERS - 2) + b"[]]")) == MAX_CONTAINERS - 1
    problem = refusal(b"[" + b"[]," * MAX_CONTAINERS)
    assert (problem.status, problem.errors[0].keyword) == (422, "maxContainers")
    assert str(MAX_CONTAINERS + 1) in problem.detail
