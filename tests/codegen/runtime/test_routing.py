"""Paths and methods find their operation, or a problem that says what is allowed there."""

import re
from typing import Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.runtime.hooks import Call
from codegen.runtime.path_order import match_order
from codegen.runtime.paths import (
    KnownPaths,
    in_path,
    methods_of,
    path_pattern,
    with_whole_segments,
)

from .small_service import Caller, Service, operation, result, slug
from .things import MORE, OPERATIONS


@pytest.mark.parametrize(
    "path",
    ["/", "/nothing", "/things/a/b", "/things/", "/things/a/", "//things", "/closed", "/Things",
     "/things//", "/closed//", "/things/a%0A/", "/things%2Fa", "/%2e%2e/things", "/openapi.json"],
)  # fmt: skip
def test_unknown_paths_are_a_404_and_never_a_redirect(path: str) -> None:
    service = Service(OPERATIONS, more=MORE)
    with Caller(service) as caller:
        for method in ("GET", "POST", "OPTIONS"):
            answer = caller.ask(method, path)
            assert (answer.status_code, slug(answer)) == (404, "not-found")
    assert {record.operation_id for record in service.records} == {None}


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/things", "GET, HEAD, POST"),
        ("OPTIONS", "/things", "GET, HEAD, POST"),
        ("PATCH", "/things/a", "DELETE, GET, HEAD"),
        ("GET", "/send", "POST"),
        ("POST", "/closed/", "GET, HEAD"),
        ("TRACE", "/things", "GET, HEAD, POST"),
        ("BREW", "/things", "GET, HEAD, POST"),
    ],
)
def test_other_methods_are_a_405_that_lists_all_that_are_allowed(
    method: str, path: str, allow: str
) -> None:
    with Caller(Service(OPERATIONS, more=MORE)) as caller:
        answer = caller.ask(method, path)
        assert (answer.status_code, slug(answer)) == (405, "method-not-allowed")
        assert answer.headers["allow"] == allow
        for allowed in allow.split(", "):
            assert caller.ask(allowed, path).status_code == 200


def test_paths_below_a_prefix_are_found_too() -> None:
    with Caller(Service(OPERATIONS, more=MORE)) as caller:
        for path, status in (("/v1/things", 200), ("/v1/things/", 404), ("/v1x/things", 404)):
            sent = caller.exchange(path=path, root_path="/v1")
            assert sent[0]["status"] == status
        sent = caller.exchange(path="/v1/things", root_path="/v1", method="PUT")
        assert (b"allow", b"GET, HEAD, POST") in sent[0]["headers"]


def test_head_without_get_is_a_405() -> None:
    with Caller(Service(OPERATIONS, more=MORE)) as caller:
        answer = caller.ask("HEAD", "/send")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_head_is_answered_like_get() -> None:
    with Caller(Service(OPERATIONS, more=MORE)) as caller:
        got, head = caller.ask(url="/things"), caller.ask("HEAD", "/things")
    kept = ("content-type", "content-length", "x-content-type-options")
    assert head.status_code == got.status_code == 200
    assert [head.headers[name] for name in kept] == [got.headers[name] for name in kept]


@pytest.mark.parametrize("breaks", ["%0A", "a%0A", "a%0Ab", "a%0D", "%0Aa", "%E2%80%A8"])
def test_line_breaks_in_a_path_reach_no_handler_unchecked(breaks: str) -> None:
    seen = []

    def handle(call: Call) -> Any:
        seen.append(call.parameters["id"])
        return result(b"{}")

    with Caller(Service(OPERATIONS, {"get_thing": handle}, more=MORE)) as caller:
        assert caller.ask(url=f"/things/{breaks}").status_code in (200, 404)
        assert caller.ask(url=f"/things/long-long-{breaks}").status_code in (422, 404)
    assert all(unquote(breaks) == one for one in seen)


def test_path_parameters_are_checked_and_broken_escapes_are_a_400() -> None:
    with Caller(Service(OPERATIONS, more=MORE)) as caller:
        assert caller.ask(url="/things/aaaaaaaaaa").status_code == 422
        sent = caller.exchange(path="/things/�", raw_path=b"/things/%ff")
        assert sent[0]["status"] == 400


SHELVES = [
    operation("list_shelf", "GET", "/shelves/{shelf}/last"),
    operation("get_book", "GET", "/shelves/{shelf}/{book}"),
    operation("drop_book", "DELETE", "/shelves/{shelf}/{book}"),
    operation("get_page", "GET", "/shelves/{shelf}/{book}.html"),
    operation("get_oak", "PATCH", "/shelves/oak/{book}"),
    operation("get_last_oak", "GET", "/shelves/oak/last"),
]


@pytest.mark.parametrize(
    ("method", "path", "found"),
    [
        ("GET", "/shelves/a/last", "list_shelf"),
        ("GET", "/shelves/a/b", "get_book"),
        ("DELETE", "/shelves/a/b", "drop_book"),
        ("DELETE", "/shelves/a/last", "GET, HEAD"),
        ("GET", "/shelves/oak/last", "get_last_oak"),
        ("DELETE", "/shelves/oak/last", "GET, HEAD"),
        ("PATCH", "/shelves/oak/last", "GET, HEAD"),
        ("PATCH", "/shelves/oak/b", "get_oak"),
        ("DELETE", "/shelves/oak/b", "PATCH"),
        # Both are templated where they differ, so neither is the concrete one.
        ("GET", "/shelves/a/b.html", "get_page"),
        ("DELETE", "/shelves/a/b.html", "drop_book"),
        ("PUT", "/shelves/a/b.html", "DELETE, GET, HEAD"),
    ],
)
def test_a_text_goes_before_a_template_at_each_segment_whatever_the_method(
    method: str, path: str, found: str
) -> None:
    service = Service(sorted(SHELVES, key=lambda one: match_order(one.path)))
    with Caller(service) as caller:
        answer = caller.ask(method, path)
    if answer.status_code == 405:
        assert answer.headers["allow"] == found
        assert service.records[0].operation_id is None
    else:
        assert (answer.status_code, service.records[0].operation_id) == (200, found)


def test_of_two_paths_that_are_each_concrete_elsewhere_the_one_with_the_method_is_found() -> None:
    # OpenAPI leaves open which is meant; `codegen lint` tells of it where both have the method.
    crossing = [operation("one", "GET", "/a/{b}"), operation("other", "PUT", "/{a}/b")]
    service = Service(crossing)
    with Caller(service) as caller:
        assert caller.ask("GET", "/a/b").status_code == 200
        assert caller.ask("PUT", "/a/b").status_code == 200
        assert caller.ask("DELETE", "/a/b").headers["allow"] == "GET, HEAD, PUT"
    assert [record.operation_id for record in service.records][:2] == ["one", "other"]


SEGMENTS = st.sampled_from(["a", "b", "{one}", "{two}.b", "b.b"])
TEMPLATES = st.lists(SEGMENTS, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))


@given(
    st.lists(st.tuples(st.sampled_from(["GET", "PUT", "PATCH"]), TEMPLATES), max_size=8),
    st.lists(st.sampled_from(["a", "b", "b.b", ".b", ""]), max_size=3),
)
def test_the_paths_that_match_are_those_whose_patterns_do(
    declared: list[tuple[str, str]], parts: list[str]
) -> None:
    operations = [operation(str(n), *one) for n, one in enumerate(declared)]
    path = "/" + "/".join(parts)
    found = KnownPaths(operations).matching(path)
    patterns = {one.path for one in operations if re.fullmatch(path_pattern(one.path), path)}
    assert sorted(one.order for one in found) == sorted(map(match_order, patterns))
    methods = {one.method for one in operations if one.path in patterns}
    # Whatever else has it, the method of the first one tried is allowed.
    assert set(found[0].methods if found else ()) <= set(methods_of(found))
    assert set(methods_of(found)) <= {*methods, *(["HEAD"] if "GET" in methods else [])}


@given(st.lists(st.text(min_size=1) | st.sampled_from(["/", "%2F", "%252f", "\n"]), min_size=1))
def test_any_text_stays_whole_in_its_segment(texts: list[str]) -> None:
    sent = "".join(f"/{quote(text, safe='')}" for text in texts)
    scope = with_whole_segments({"path": unquote(sent), "raw_path": sent.encode()})
    assert [in_path(scope, segment) for segment in scope["path"][1:].split("/")] == texts
    assert "\n" not in scope["path"]


@pytest.mark.parametrize("raw", [None, b"", b"/other%2Fb", b"/a%2Fb?c=d"])
def test_a_server_that_tells_no_path_as_it_came_is_believed(raw: bytes | None) -> None:
    scope = {"path": "/a/b", "raw_path": raw}
    assert with_whole_segments(scope) is scope
    assert in_path(scope, "%2F") == "%2F"
