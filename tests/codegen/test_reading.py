"""How files are read: as plain data, with the place of everything in them."""

import json
from collections.abc import Callable
from keyword import iskeyword
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.diagnostics import ContractError, Findings
from codegen.json_places import IrregularError, JsonPlaces, read_plain, read_regular
from codegen.json_source import JsonError, read_json
from codegen.names import (
    argument_name,
    function_name,
    header_argument,
    module_name,
    type_name,
)
from codegen.runtime.path_order import match_order
from codegen.source import Source, read_source

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


def read(text: str, name: str = "a.yaml") -> Source:
    findings = Findings()
    source = read_source(Path(name), name, text.encode(), findings)
    assert not findings.found
    return source


def value_at(value: Any, pointer: tuple[str | int, ...]) -> Any:
    for token in pointer:
        value = value[token]
    return value


@settings(max_examples=150, deadline=None)
@given(JSON, st.sampled_from([None, 2]))
def test_json_is_read_as_the_standard_library_reads_it(value: Any, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    found, positions, repeated = read_json(text)
    assert found == value
    assert not repeated
    for pointer in positions:
        value_at(value, pointer)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet='{}[]",:0123456789.eE+-truefalsn \n\\u', max_size=30))
def test_what_is_not_json_is_refused_as_the_standard_library_refuses_it(text: str) -> None:
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(JsonError):
            read_json(text)
    else:
        assert read_json(text)[0] == expected


@settings(max_examples=150, deadline=None)
@given(JSON, st.sampled_from([None, 2]), st.sampled_from(["", "\n \t"]))
def test_regular_json_is_read_and_its_values_are_found_as_by_the_slow_parser(
    value: Any, indent: int | None, before: str
) -> None:
    text = before + json.dumps(value, indent=indent)
    expected, positions, _ = read_json(text)
    assert read_regular(text) == expected
    places = JsonPlaces(text.encode())
    for pointer, position in positions.items():
        assert places.nearest(pointer) == position
        assert places.nearest((*pointer, "not there")) == position


def plain(text: str) -> Any:
    return read_plain(text.encode())


FAST = pytest.mark.parametrize("read_fast", [read_regular, plain])


@settings(max_examples=50, deadline=None)
@given(JSON, st.sampled_from([-1, 0, 2]))
def test_json_that_is_plainly_written_is_read_as_by_the_slow_parser(
    value: Any, indent: int
) -> None:
    try:
        written = orjson.dumps(value)
    except TypeError:
        # Of a number beyond 64 bits.
        return
    text = msgspec.json.format(written, indent=indent).decode()
    assert json.dumps(plain(text)) == json.dumps(read_json(text)[0])


@FAST
@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet='{}[]",:0123456789.eE+-truefalsnNI \n\\u', max_size=30))
def test_what_a_fast_parser_takes_the_slow_one_takes_alike(
    read_fast: Callable[[str], Any], text: str
) -> None:
    try:
        found = read_fast(text)
    except IrregularError:
        return
    expected, _, repeated = read_json(text)
    assert (json.dumps(found), repeated) == (json.dumps(expected), [])


@FAST
@pytest.mark.parametrize(
    "text",
    ['{"a": 1, "a": 2}', "1e999", "NaN", "[" * 400 + "]" * 400, "1" * 401, "[1,]", ""],
    ids=["twice", "too large", "no number", "deep", "long", "comma", "nothing"],
)
def test_json_that_something_can_be_said_against_is_left_to_the_slow_parser(
    read_fast: Callable[[str], Any], text: str
) -> None:
    with pytest.raises(IrregularError):
        read_fast(text)


def test_position_of_a_json_value_is_that_of_its_key() -> None:
    source = read('{\n  "a": [1,\n    {"b": 2}]\n}', "a.json")
    assert str(source.place(("a", 1, "b"))) == "a.json:3:6"
    assert str(source.place(("a", 0))) == "a.json:2:9"
    assert str(source.place(("a", 1, "missing"))) == "a.json:3:5"


def test_yaml_words_and_dates_stay_text_as_in_yaml_1_2() -> None:
    source = read("on: yes\nno: 2026-01-01\n1: 0o17\nx: [~, true, 1.5, 012, '1', .5, 1e3]\n")
    assert source.value == {
        "on": "yes",
        "no": "2026-01-01",
        "1": 15,
        "x": [None, True, 1.5, 12, "1", 0.5, 1000.0],
    }
    assert str(source.place(("x", 4))) == "a.yaml:4:24"


def test_yaml_aliases_are_written_out() -> None:
    assert read("a: &x {b: [1]}\nc: *x\n").value == {"a": {"b": [1]}, "c": {"b": [1]}}


@pytest.mark.parametrize(
    "text",
    [
        "a: &x [*x]",
        "a: .nan",
        "a: .inf",
        "a: !!python/object:os.system x",
        "? [1]\n: 2",
        "a: !!binary aGk=",
        "a: b: c",
        "a: 1\n---\nb: 2",
        "a: \x00",
        f"a: {'9' * 5000}",
    ],
)
def test_yaml_without_an_equal_in_json_is_one_error_with_its_place(text: str) -> None:
    with pytest.raises(ContractError) as caught:
        read(text)
    assert [finding.code for finding in caught.value.findings] == ["CG002"]


def test_aliases_that_expand_without_end_are_refused() -> None:
    levels = "\n".join(f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 10)}]" for i in range(1, 9))
    with pytest.raises(ContractError, match="more than 10000 values"):
        read(f"l0: &l0 [x]\n{levels}\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("findPets", "find_pets"),
        ("find pet by id", "find_pet_by_id"),
        ("HTTPServer2Go", "http_server2_go"),
        ("already_snake", "already_snake"),
        ("1st", "field_1st"),
        ("2faCode", "field_2fa_code"),
        ("$", "dollar"),
        ("[]", "field"),
        ("имя", "field"),
        ("", "field"),
    ],
)
def test_names_become_snake_case_and_those_without_a_letter_in_front_get_a_word(
    text: str, expected: str
) -> None:
    assert argument_name(text) == expected


@given(st.text(max_size=20) | st.text("1aA_-$ ", max_size=8))
def test_every_made_name_is_an_identifier_and_no_keyword(text: str) -> None:
    of_values = (argument_name(text), header_argument(text), function_name(text), module_name(text))
    for made in (*of_values, type_name(text)):
        assert made.isascii()
        assert made.isidentifier()
        assert not iskeyword(made)


def test_literal_paths_come_before_templated_ones() -> None:
    paths = ["/a/{b}", "/{a}/b", "/a/{b}.zip", "/a/b", "/a/{b}/c"]
    assert sorted(paths, key=match_order) == ["/a/b", "/a/{b}.zip", "/a/{b}", "/a/{b}/c", "/{a}/b"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a:\n\tb: 1\n", "2:1 CG002 this line is indented with a tab (YAML takes spaces alone)"),
        ("a:\n  b: 1\n  \tc: 2\n", "3:3 CG002 this line is indented with a tab"),
        ("a:\n  b: 1\n c: 2\n", "3:2 CG002 this line is no key of the mapping that it stands in "
         "(indent it as the keys of its mapping are, which began in line 1)"),
        ("a: 1\nb\nc: 2\n", "2:1 CG002 this line lacks a colon"),
        ("a: b: c\n", "1:5 CG002 a key can't stand here (quote a value that holds `: `, or"),
        ("a:\n  b: 1\n    c: 2\n", "3:6 CG002 a key can't stand here"),
        ("a:\n  - b\n  c: 1\n", "3:3 CG002 this line is no item of the list that it stands in "
         "(indent it as the items of its list are, which began in line 2)"),
        ("a: [1, 2\nb: 3\n", "2:2 CG002 did not find expected ',' or ']' "
         "(close the bracket of line 1 with ])"),
        ("a: 'b\nc: d\n", "3:1 CG002 a quote isn't closed (it was opened in line 1)"),
        ("a: @b\n", "1:4 CG002 a value can't begin with '@' (quote it)"),
        ("a: *b\n", "1:4 CG002 this alias names no anchor (quote a value that begins with *)"),
        ("a: 1\n---\nb: 2\n", "2:1 CG002"),
    ],
)  # fmt: skip
def test_mistake_in_yaml_is_told_at_its_place_with_what_to_do(text: str, expected: str) -> None:
    with pytest.raises(ContractError) as caught:
        read(text)
    assert str(caught.value).startswith(f"a.yaml:{expected}")


def test_key_that_stands_twice_is_told_with_both_places() -> None:
    for name, text in (("a.yaml", "a: 1\nb: 2\na: 3\n"), ("a.json", '{"a": 1, "b": 2,\n"a": 3}')):
        findings = Findings()
        read_source(Path(name), name, text.encode(), findings)
        [finding] = findings.found
        assert finding.code == "CG003"
        assert f"the first is at {name}:1:" in finding.hint
