"""Parameters are read one way only: what is odd, repeated, unknown or missing is refused."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.runtime.problems import MAX_ERRORS

from .contracts import Asked

INTEGER = {"type": "integer"}
NUMBER = {"type": "number"}
INTEGERS = {"type": "array", "items": INTEGER}


def keywords(asked: Asked, query: str) -> list[tuple[str, str]]:
    problem = asked.refusal(query)
    assert problem.status == 422
    return [(error.pointer, error.keyword) for error in problem.errors]


@pytest.mark.parametrize(
    "text",
    [
        "%2B5", "+5", "1_0", "05", "-05", "--1", "%D9%A3", "0x10", "1e3", "1.0", "", "%20 1",
        "1%20", "True", "null", "None", "5%00", "9" * 32, "9" * 5000, "-" + "9" * 5000, "%EF%BC%91",
    ],
)  # fmt: skip
def test_odd_integers_are_refused(text: str) -> None:
    assert keywords(Asked(INTEGER), f"p={text}") == [("/p", "type")]


@pytest.mark.parametrize(
    "text",
    [
        "NaN", "nan", "Infinity", "inf", "-inf", "1e400", "-1e999", "1e1000", "1.", ".5", "1e",
        "00.5", "1,5", "1_0.5", "0x1p3", "9" * 32, "0." + "1" * 31, "1e%2B5%2B", "%D9%A3",
    ],
)  # fmt: skip
def test_odd_numbers_are_refused(text: str) -> None:
    assert keywords(Asked(NUMBER), f"p={text}") == [("/p", "type")]


@pytest.mark.parametrize("text", ["True", "TRUE", "1", "0", "yes", "on", "", "t", "false%20"])
def test_booleans_are_true_and_false_alone(text: str) -> None:
    assert keywords(Asked({"type": "boolean"}), f"p={text}") == [("/p", "type")]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), st.data())
def test_errors_never_hold_the_value(text: str, data: st.DataObject) -> None:
    schema = data.draw(st.sampled_from([{"const": 1}, {"enum": [2]}, {"type": "null"}]))
    secret = f"s3cret{text}"
    problem = Asked(schema).refusal(urlencode({"p": secret}))
    assert "s3cret" not in problem.as_bytes("id").decode()
    assert "s3cret" not in str(problem)


def test_a_single_value_may_come_once() -> None:
    assert keywords(Asked(INTEGER), "p=1&p=1") == [("/p", "repeated")]
    assert keywords(Asked(INTEGERS, explode=False), "p=1&p=2") == [("/p", "repeated")]
    cookie = [("Cookie", "p=1"), ("Cookie", "a=b; p=2")]
    assert Asked(INTEGER, "cookie").refusal(headers=cookie).errors[0].keyword == "repeated"


def test_lines_of_a_header_are_joined_and_so_no_number() -> None:
    twice = [("P", "1"), ("P", "2")]
    assert Asked(INTEGER, "header").refusal(headers=twice).errors[0].keyword == "type"
    assert Asked({"type": "string"}, "header").read(headers=twice) == {"p": "1, 2"}


def test_unknown_names_are_counted_and_not_repeated() -> None:
    asked = Asked(INTEGER, credentials=["key"])
    problem = asked.refusal("p=1&evil=2&P=3&key=4&evil=5&=6")
    assert [(e.pointer, e.keyword, e.limit) for e in problem.errors] == [
        ("/*", "additionalProperties", "key, p")
    ] * 3
    assert "evil" not in problem.as_bytes("id").decode()


def test_no_more_errors_are_shown_than_the_limit() -> None:
    problem = Asked(INTEGERS).refusal("&".join(["p=x"] * 500))
    assert len(problem.errors) == MAX_ERRORS + 1
    assert problem.as_bytes("id").count(b'"keyword"') == MAX_ERRORS
    assert problem.detail.startswith(f"At least {MAX_ERRORS} ")


def test_errors_of_items_point_at_them() -> None:
    assert keywords(Asked(INTEGERS), "p=1&p=x&p=3&p=%2B4") == [("/p/1", "type"), ("/p/3", "type")]


def test_names_in_pointers_are_escaped() -> None:
    asked = Asked(INTEGER, name="a/b~c", required=True)
    assert keywords(asked, "") == [("/a~1b~0c", "required")]
    assert keywords(asked, "a/b~c=x") == [("/a~1b~0c", "type")]
    assert keywords(asked, "a/b~c=1&a/b~c=1") == [("/a~1b~0c", "repeated")]


def test_every_error_is_told_at_once() -> None:
    assert keywords(Asked(INTEGER), "p=x&q=1") == [("/*", "additionalProperties"), ("/p", "type")]


@pytest.mark.parametrize(
    "query",
    [
        "p[=1",
        "p]=1",
        "p[]=1",
        "p[a][b]=1",
        "p[a=1",
        "p[a]x=1",
        "p=1",
        "q[a]=1",
        "[a]=1",
        "p[[a]]=1",
    ],
)
def test_deep_keys_of_another_form_are_unknown(query: str) -> None:
    asked = Asked({"type": "object"}, style="deepObject", explode=True)
    assert keywords(asked, query) == [("/*", "additionalProperties")]
    assert asked.refusal(query).errors[0].limit == "p[…]"


def test_a_deep_object_is_held_against_its_schema() -> None:
    schema = {
        "type": "object",
        "properties": {"n": INTEGER},
        "additionalProperties": False,
        "required": ["n"],
    }
    asked = Asked(schema, style="deepObject", explode=True, required=True)
    assert keywords(asked, "p[n]=x") == [("/p/n", "type")]
    assert sorted(keywords(asked, "p[evil]=1")) == [
        ("/p", "additionalProperties"),
        ("/p/n", "required"),
    ]
    assert keywords(asked, "p[n]=1&p[n]=2") == [("/p", "repeated")]
    assert keywords(asked, "") == [("/p", "required")]


@pytest.mark.parametrize("location", ["query", "header", "cookie"])
def test_an_absent_parameter_is_left_out_filled_in_or_missed(location: str) -> None:
    place: dict[str, str] = {"location": location}
    assert Asked(INTEGER, **place).read() == {}  # type: ignore[arg-type]  # one of the Literal's
    with_default = {"type": "integer", "default": 20}
    assert Asked(with_default, **place).read() == {"p": 20}  # type: ignore[arg-type]  # the same
    missed = Asked(with_default, required=True, **place).refusal()  # type: ignore[arg-type]  # too
    assert [(e.location, e.pointer, e.keyword, e.rule) for e in missed.errors] == [
        (location, "/p", "required", "#/components/parameters/P")
    ]


def test_the_nearest_default_counts() -> None:
    named = {
        "Limit": {"type": "integer", "default": 50},
        "Chain": {"$ref": "#/components/schemas/Limit"},
    }
    limit = {"$ref": "#/components/schemas/Limit"}
    assert Asked(limit, schemas=named).read() == {"p": 50}
    assert Asked({**limit, "default": 20}, schemas=named).read() == {"p": 20}
    assert Asked({"$ref": "#/components/schemas/Chain"}, schemas=named).read() == {"p": 50}
    assert Asked({"allOf": [limit], "default": 5}, schemas=named).read() == {"p": 5}
    # In 3.0 nothing counts beside a reference.
    assert Asked({**limit, "default": 20}, schemas=named, version="3.0.3").read() == {"p": 50}


def test_falsy_defaults_are_defaults() -> None:
    falsy: tuple[object, ...] = (0, False, "", None, [])
    for default in falsy:
        assert Asked({"default": default}).read() == {"p": default}


def test_an_empty_value_is_a_value() -> None:
    assert Asked({"type": "string"}).read("p=") == {"p": ""}
    assert Asked({"type": "string"}).read("p") == {"p": ""}
    assert Asked({"type": ["string", "null"]}).read("p=") == {"p": ""}
    assert Asked({"type": ["integer", "null"]}).read("p=") == {"p": None}
    assert keywords(Asked({"type": "string", "minLength": 1}), "p=") == [("/p", "minLength")]
    assert keywords(Asked(INTEGERS), "p=") == [("/p/0", "type")]


def test_3_0_nullable_parameters_may_be_empty() -> None:
    schema = {"type": "integer", "nullable": True, "maximum": 5, "exclusiveMaximum": True}
    asked = Asked(schema, version="3.0.3")
    assert (asked.read("p="), asked.read("p=4")) == ({"p": None}, {"p": 4})
    assert keywords(asked, "p=5") == [("/p", "exclusiveMaximum")]


def test_schemas_that_refer_to_themselves_end() -> None:
    loop = {"Loop": {"anyOf": [{"$ref": "#/components/schemas/Loop"}, {"type": "integer"}]}}
    asked = Asked({"$ref": "#/components/schemas/Loop"}, schemas=loop)
    assert asked.read("p=1")["p"] in (1, "1")
