"""A service generated from a contract that isn't ours, over HTTP through Connexion."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from .conftest import LIBRARY, serving

BRANCH = {"X-Library-Branch": "0190a6d2-7c1e-7d3b-9a54-2f6f0c1e8b11"}
MEMBER = {"X-Card": "member:7"}
LIBRARIAN = {"X-Card": "librarian:1", "Authorization": "Bearer north"}
BOOK = "/books/0190a6d2-7c1e-7d3b-9a54-2f6f0c1e8b11"


@pytest.fixture(scope="module")
def service(library: Path) -> Iterator[httpx.Client]:
    with serving(library, str(LIBRARY / "service.py")) as client:
        yield client


def test_public_operation_answers_without_credentials(service: httpx.Client) -> None:
    answer = service.get("/opening-hours")
    assert (answer.status_code, answer.json()) == (200, {"monday": [9, 17]})
    assert answer.headers["content-type"] == "application/json"


def test_parameters_arrive_decoded_with_defaults_and_without_those_that_hooks_claim(
    service: httpx.Client,
) -> None:
    answer = service.get(
        "/books?genre=novel&genre=poem&date=2026-01-01&shelf=7&from=x&limit=5",
        headers={**BRANCH, **MEMBER, "If-None-Match": '"old"'},
    )
    assert answer.status_code == 200
    assert answer.headers["etag"] == (
        "\"date='2026-01-01', from_='x', genre=['novel', 'poem'], in_stock=True, "
        "language=['en'], shelf=7, since='2000-01-01', "
        "x_library_branch='0190a6d2-7c1e-7d3b-9a54-2f6f0c1e8b11'\""
    )


def test_input_that_breaks_the_contract_is_a_problem(service: httpx.Client) -> None:
    for query in ("limit=51", "genre=prose", "unknown=1", "date=tomorrow"):
        answer = service.get(f"/books?{query}", headers={**BRANCH, **MEMBER})
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
    assert service.get("/books", headers=MEMBER).status_code == 422
    wrong = {"title": "Emma", "genre": "novel", "colour": "red"}
    assert service.post("/books", headers=LIBRARIAN, json=wrong).status_code == 422


def test_roles_of_the_security_requirement_are_enforced(service: httpx.Client) -> None:
    assert service.get(BOOK).status_code == 401
    assert service.get(BOOK, headers={"X-Card": "nobody:1"}).status_code == 403
    assert service.get(BOOK, headers=MEMBER).status_code == 404


def test_typed_results_become_status_headers_and_body(service: httpx.Client) -> None:
    book = {"title": "Emma", "genre": "novel"}
    added = service.post("/books", headers=LIBRARIAN, json=book)
    assert added.status_code == 201
    assert added.headers["x-shelf-count"] == "1"
    assert re.fullmatch(r"/books/[0-9a-f-]{36}", added.headers["location"])
    assert "lent.to" not in added.json()
    assert added.json()["sequel"] is None
    assert service.get(added.headers["location"], headers=MEMBER).json() == added.json()
    latest = service.get("/books/latest", headers=MEMBER)
    assert (latest.status_code, latest.headers["location"]) == (302, added.headers["location"])
    assert service.post("/books?dry_run=true", headers=LIBRARIAN, json=book).status_code == 202
    service.post("/books", headers=LIBRARIAN, json=book)
    full = service.post("/books", headers=LIBRARIAN, json=book)
    assert (full.status_code, full.json()) == (409, {"full": 2})


def test_a_concrete_path_is_not_answered_by_a_templated_one(service: httpx.Client) -> None:
    # `/books/{book_id}` has PUT, `/books/latest` hasn't.
    kind = {"Content-Type": "image/png"}
    refused = service.put("/books/latest", headers={**MEMBER, **kind}, content=b"\x89PNG")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")


def test_raw_bodies_pass_through_both_ways(service: httpx.Client) -> None:
    kind = {"Content-Type": "image/png"}
    stored = service.put(BOOK, headers={**MEMBER, **kind}, content=b"\x89PNG")
    assert (stored.status_code, stored.content) == (204, b"")
    page = service.get(f"{BOOK}/pages/2.png")
    assert page.status_code == 200
    assert page.headers["content-type"] == "image/webp"
    assert page.content == b"image/png:\x89PNG" * 2


def test_lines_are_read_one_by_one_and_a_bad_one_harms_no_other(service: httpx.Client) -> None:
    headers = {**MEMBER, "Content-Type": "application/x-ndjson"}
    body = b'{"title":"Emma","genre":"novel"}\r\n\n{"title":1,"genre":"novel"}\n{"title":"Howl",'
    answer = service.post("/books/deliveries", headers=headers, content=body)
    told = [[1, "Emma"], [3, "invalid-input"], [4, "malformed-request"]]
    assert (answer.status_code, answer.json()) == (200, told)
    too_many = service.post("/books/deliveries", headers=headers, content=b"\n{}" * 5)
    assert too_many.status_code == 422
    assert too_many.json()["detail"] == "The body may have 5 lines; 6 came. Split it."


def test_optional_body_may_be_absent(service: httpx.Client) -> None:
    assert service.patch(BOOK, headers=MEMBER, json=["good"]).json() == ["good"]
    assert service.patch(BOOK, headers=MEMBER).json() is None
