"""What is suggested where a name isn't known: near ones alone, and only such as exist."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.pointers import parse_fragment
from codegen.shape import written
from codegen.suggestions import did_you_mean, nearest, nearest_fragment

DOCUMENT = {"components": {"schemas": {"Pet": {"all/things": [{"x": 1}]}, "PetList": {}}}}


@pytest.mark.parametrize(
    ("fragment", "expected"),
    [
        ("/components/schemas/Pets", "/components/schemas/Pet"),
        ("/components/schema/PetLists", "/components/schemas/PetList"),
        ("/components/schemas/pet", "/components/schemas/Pet"),
        ("/components/schemas/Pet/all~1thing/0/x", "/components/schemas/Pet/all~1things/0/x"),
        ("/components/schemas/Order", None),
        ("/components/schemas/Pet/all~1things/7", None),
        ("", None),
    ],
)
def test_reference_that_leads_nowhere_is_mended_if_something_near_exists(
    fragment: str, expected: str | None
) -> None:
    assert nearest_fragment(DOCUMENT, fragment) == expected


KEYS = st.text(min_size=1, max_size=8)
DOCUMENTS = st.recursive(
    st.integers(), lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)


@settings(max_examples=50, deadline=None)
@given(DOCUMENTS, st.lists(KEYS, max_size=4))
def test_suggested_reference_always_leads_somewhere(
    document: object, tokens: list[str | int]
) -> None:
    found = nearest_fragment(document, written(tuple(tokens)))
    if found is not None:
        parse_fragment(document, found)


@given(st.text(max_size=8), st.sets(st.text(max_size=8), max_size=6))
def test_only_what_is_known_is_suggested(word: str, known: set[str]) -> None:
    assert nearest(word, known) in {None, *known}
    assert did_you_mean(word, known, "look it up")


def test_nothing_near_gives_the_other_hint() -> None:
    assert did_you_mean("price", {"size", "colour"}, "declare it") == "declare it"
    assert did_you_mean("sizes", {"size", "colour"}, "declare it") == "did you mean size?"
