"""Data written as JSON text is that data again, whatever it holds, laid out as it always was."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.json_text import compact, indented, parsed


def values(*leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.text(), *leaves),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )


@settings(max_examples=50)
@given(values(st.floats(allow_nan=False, allow_infinity=False)))
def test_text_is_the_value_again(value: Any) -> None:
    for text in (compact(value), indented(value)):
        again = json.loads(text)
        assert again == value
        # True is 1 and 0.0 is 0 to `==`, but not in a contract.
        assert json.dumps(again) == json.dumps(value)


@settings(max_examples=50)
@given(values())
def test_layout_is_the_standard_librarys(value: Any) -> None:
    for spaces in (1, 2):
        assert indented(value, spaces).decode() == json.dumps(
            value, ensure_ascii=False, indent=spaces
        )


def nested(levels: int) -> Any:
    value: Any = "innermost"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value", [2**64, -(2**63) - 1, 10**400, "\ud800", {"\udfff": 1}, nested(300)]
)
def test_what_c_has_no_room_for_is_written_too(value: Any) -> None:
    assert json.loads(compact(value)) == value
    assert json.loads(indented(value)) == value


@settings(max_examples=50)
@given(values(st.floats(allow_nan=False, allow_infinity=False)))
def test_data_written_by_the_standard_library_is_read_as_it_was(value: Any) -> None:
    assert json.dumps(parsed(json.dumps(value).encode())) == json.dumps(value)


@pytest.mark.parametrize("value", [2**64, 10**400, "\ud800", {"\udfff": 1}, nested(300)])
def test_what_c_has_no_room_for_is_read_too(value: Any) -> None:
    assert parsed(json.dumps(value).encode()) == value
