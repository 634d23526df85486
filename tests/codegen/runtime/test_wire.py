"""Query strings, paths and cookies that can't be read one way only are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.runtime.problems import Problem
from codegen.runtime.wire import MAX_QUERY_FIELDS, raw_request

from .contracts import Asked, scope


def refused(query: str = "", **changes: object) -> Problem:
    with pytest.raises(Problem) as caught:
        raw_request({**scope(query), **changes})
    return caught.value


@pytest.mark.parametrize(
    "query", ["a=%ff", "%c3%28=1", "a=%ED%A0%80", "a=%", "a=%4", "a=%zz", "%u0041=1", "a=\xe9"]
)
def test_broken_escapes_in_the_query_are_a_400(query: str) -> None:
    problem = refused(query)
    assert (problem.status, problem.slug) == (400, "malformed-request")
    assert query not in problem.detail


@pytest.mark.parametrize("path", [b"/%ff", b"/%C3%28", b"/%", b"/%zz", b"/%ED%A0%80", b"/\xe9"])
def test_broken_escapes_in_the_path_are_a_400(path: bytes) -> None:
    problem = refused(raw_path=path, path="/�")
    assert (problem.status, problem.detail) == (400, "The path is not percent-encoded UTF-8.")


def test_a_lone_surrogate_in_the_path_is_a_400() -> None:
    assert refused(raw_path=None, path="/\ud800").status == 400


def test_servers_that_keep_no_raw_path_are_served_too() -> None:
    whole = {**scope(path={"p": "100%"}), "raw_path": None}
    assert raw_request(whole).path == {"p": "100%"}
    del whole["raw_path"]
    assert raw_request(whole).path == {"p": "100%"}


def test_the_number_of_query_parameters_is_limited() -> None:
    raw_request(scope("&".join(["a=1"] * MAX_QUERY_FIELDS)))
    problem = refused("&".join(["a=1"] * (MAX_QUERY_FIELDS + 1)))
    assert f"{MAX_QUERY_FIELDS} parameters; {MAX_QUERY_FIELDS + 1} came" in problem.detail


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_any_query_and_path_are_read_or_refused(query: bytes, path: bytes) -> None:
    whole = {**scope(), "query_string": query, "raw_path": path, "path": "/"}
    try:
        raw_request(whole)
    except Problem as problem:
        status = problem.status
    else:
        status = 200
    assert status in (200, 400)


@pytest.mark.parametrize(
    ("cookie", "values"),
    [
        ("p=1", {"p": "1"}),
        ("a=b; p=1; c=d", {"p": "1"}),
        ("a=b;p=1;c", {"p": "1"}),
        ("strange; ;=; {json}=[1]; p=1", {"p": "1"}),
        ('bad name="x"; p="1"', {"p": "1"}),
        ("p=", {"p": ""}),
        ("p=a=b==", {"p": "a=b=="}),
        ('p="', {"p": '"'}),
        ("  p = 1 ", {"p": "1"}),
        ("P=1", {}),
        ("", {}),
        ("p", {}),
        ("Path=/; expires=never; p=1; Secure", {"p": "1"}),
        ("p=\xe9", {"p": "\xe9"}),
    ],
)
def test_cookies_of_other_applications_do_not_hide_ours(
    cookie: str, values: dict[str, str]
) -> None:
    asked = Asked({"type": "string"}, "cookie")
    assert asked.read(headers=[("Cookie", cookie)]) == values


@given(st.text(st.characters(codec="latin-1"), max_size=60))
def test_any_cookie_header_is_read(cookie: str) -> None:
    raw_request(scope(headers=[("Cookie", cookie)]))


def test_header_names_know_no_case() -> None:
    asked = Asked({"type": "integer"}, "header", name="X-Count")
    assert asked.read(headers=[("x-COUNT", "5")]) == {"p": 5}
