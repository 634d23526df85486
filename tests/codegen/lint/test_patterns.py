"""How patterns are judged: read as ECMA-262, and held against an engine that counts its steps."""

import re
from contextlib import suppress
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.lint.regex.ambiguity import Growth, growth
from codegen.lint.regex.expression import ExpressionError, parse
from codegen.lint.regex.shape import longest_match

from .backtracking import steps_to_refuse

# From published advisories and textbooks, and what people write in contracts.
KNOWN: list[tuple[str, Growth | None]] = [
    (r"^(a+)+$", "exponential"),
    (r"^(a*)*$", "exponential"),
    (r"^(a|a)*$", "exponential"),
    (r"^(a|aa)+$", "exponential"),
    (r"^(.*a){11,}$", "exponential"),
    (r"^([a-zA-Z0-9])(([\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}[a-z0-9]+[.]{1}(([a-z]{2,3}))$",
     "exponential"),
    (r"^(([a-z])+.)+[A-Z]([a-z])+$", "exponential"),
    (r"^(?:[\w-]+\.?)+$", "exponential"),
    (r"^\s+|\s+$", "polynomial"),
    (r"^a*a*$", "polynomial"),
    (r"^.*[0-9].*[0-9]x$", "polynomial"),
    (r"^[a-z0-9]+(?:-[a-z0-9]+)*$", None),
    (r"^(?:[0-9]{1,3}\.){3}[0-9]{1,3}$", None),
    (r"^[^@\s]+@[^@\s]+$", None),
    (r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$", None),
    (r"^[12][0-9]{3}-(0[1-9]|1[0-2])T([01][0-9]|2[0-3])(\.[0-9]{1,9})?(Z|[+-][0-9]{2})$", None),
    (r"^https?://[!-~]+$", None),
    (r"^(?:(?:a|b)c)*$", None),
    (r"^(a+)+", None),
    (r"^$", None),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "expected"), KNOWN)
def test_growth_of_known_patterns_is_told(pattern: str, expected: Growth | None) -> None:
    assert growth(parse(pattern)) == expected


ATOMS = st.sampled_from(["a", "b", "[ab]", "ab", "a?", "b?"])
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("(?:{}|{})".format, inner, inner),
        st.builds("{}{}".format, inner, inner),
        st.builds("(?:{}){}".format, inner, st.sampled_from(["*", "+", "?", "{2}"])),
    ),
    max_leaves=5,
)
WORDS = ["".join(letters) for size in (1, 2, 3) for letters in product("ab", repeat=size)]
PARTS = ["a", "ab", "a?", "(?:ab)*", "[ab]+"]
PREFIXES = ["", "a", "b", "ab", "ba"]
# Where the text is doubled, a polynomial of the highest degree that five loops in a row have.
MOST = 2**7


def steepest(expression: str) -> float:
    """By how much the steps grow at most where a text of twelve words is made twice as long."""
    node = parse(f"^(?:{expression})$")
    return max(
        steps_to_refuse(node, f"{prefix}{word * 24}!")
        / (steps_to_refuse(node, f"{prefix}{word * 12}!") + 1)
        for prefix in PREFIXES
        for word in WORDS
    )


@settings(max_examples=60, deadline=None)
@given(EXPRESSIONS)
def test_pattern_that_is_not_called_exponential_is_not(expression: str) -> None:
    if growth(parse(f"^(?:{expression})$")) != "exponential":
        assert steepest(expression) <= MOST


@pytest.mark.parametrize("second", PARTS)
@pytest.mark.parametrize("first", PARTS)
def test_loop_over_two_parts_is_called_exponential_if_and_only_if_it_is(
    first: str, second: str
) -> None:
    for expression in (f"(?:{first}|{second})*", f"(?:{first}{second})+"):
        is_called = growth(parse(f"^(?:{expression})$")) == "exponential"
        assert is_called == (steepest(expression) > MOST), expression


@settings(max_examples=60, deadline=None)
@given(EXPRESSIONS)
def test_pattern_that_is_called_linear_is(expression: str) -> None:
    if growth(parse(f"^(?:{expression})$")) is None:
        assert steepest(expression) < 3


@settings(max_examples=400, deadline=None)
@given(st.text(alphabet="ab()[]{}|*+?^$\\.-,0129dDwWsSbBpPuUxk<>=!:Lé", max_size=14))
def test_any_text_is_an_expression_or_an_error_with_a_reason(text: str) -> None:
    with suppress(ExpressionError):
        node = parse(text)
        growth(node)
        longest_match(text)


@settings(max_examples=200, deadline=None)
@given(EXPRESSIONS)
def test_what_python_reads_the_same_way_is_read(expression: str) -> None:
    re.compile(expression)
    parse(expression)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_match_is_longer_than_the_longest(data: st.DataObject) -> None:
    pattern = f"^(?:{data.draw(EXPRESSIONS)})$"
    longest = longest_match(pattern)
    matching = data.draw(st.from_regex(pattern, fullmatch=True))
    assert longest is None or len(matching.rstrip("\n")) <= longest


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("^[0-9a-f]{64}$", 64),
        ("^(?:a|bcd){1,3}$", 9),
        ("^a*$", None),
        ("[0-9]{4}", None),
        ("^[0-9]{4}", None),
        ("^a$|^bc$", 2),
        ("^(a)\\1$", None),
        ("(", None),
    ],
)
def test_longest_match_is_known_where_there_is_one(pattern: str, expected: int | None) -> None:
    assert longest_match(pattern) == expected
