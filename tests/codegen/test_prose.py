"""Prose of a contract is wrapped as the standard library, which takes longer, wraps it."""

import textwrap

from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.python_text import filled

SPACES = st.sampled_from([" ", " ", " ", "  ", "\t", "\n", "\r", "\x0b", "\u00a0", "\u2003"])
WORDS = st.text(alphabet="ab-—é\U0001f600.", max_size=12)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.one_of(WORDS, SPACES, st.just(" ")), max_size=40), st.integers(1, 30))
def test_prose_is_wrapped_as_the_standard_library_does_it(parts: list[str], width: int) -> None:
    text = "".join(parts)
    expected = textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False)
    assert filled(text, width) == expected


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(alphabet="ab-é", min_size=1, max_size=12), max_size=40), st.integers(1, 30))
def test_words_with_a_space_between_are_wrapped_so_too(words: list[str], width: int) -> None:
    text = " ".join(words)
    expected = textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False)
    assert filled(text, width) == expected
