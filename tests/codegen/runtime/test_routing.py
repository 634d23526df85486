"""Paths and methods find their operation, or a problem that says what is allowed there."""

from typing import Any
from urllib.parse import unquote

import pytest

from codegen.runtime.hooks import Call

from .small_service import Caller, Service, result, slug
from .things import MORE, OPERATIONS


@pytest.mark.parametrize(
    "path",
    ["/", "/nothing", "/things/a/b", "/things/", "/things/a/", "//things", "/closed", "/Things",
     "/things//", "/closed//", "/things/a%0A/", "/things/%2F", "/%2e%2e/things", "/openapi.json"],
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
