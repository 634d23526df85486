"""Lists as long as a contract admits are taken, over HTTP; what passes a limit is told which."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from .conftest import HERE, generated, serving

MOST = 1200
WORDS = {"type": "array", "maxItems": MOST, "items": {"type": "string", "maxLength": 9}}
FORM = {"type": "object", "required": ["words"], "properties": {"words": WORDS}}


def contract() -> dict[str, Any]:
    # As GitHub has it: a text, or a list of a thousand.
    schema = {"oneOf": [{"type": "integer"}, WORDS]}
    answers = {"default": {"description": "A problem."}}
    shared = {"tags": ["words"], "security": [], "responses": answers}
    kinds = ("application/x-www-form-urlencoded", "multipart/form-data")
    body = {"required": True, "content": {kind: {"schema": FORM} for kind in kinds}}
    ask = {
        "operationId": "ask_words",
        "parameters": [
            {"name": "words", "in": "query", "schema": schema},
            {"name": "more", "in": "query", "schema": {"type": "array", "items": {}}},
            {"name": "joined", "in": "query", "explode": False, "schema": WORDS},
        ],
    }
    send = {"operationId": "send_words", "requestBody": body}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Many words", "version": "1"},
        "tags": [{"name": "words"}],
        "paths": {"/words": {"get": ask | shared, "post": send | shared}},
    }


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("generated")
    spec = folder / "openapi.json"
    spec.write_text(json.dumps(contract()))
    generated(spec, folder / "many_words")
    with serving(folder, str(HERE / "stub_service.py"), "many_words") as client:
        yield client


def test_a_query_may_have_as_many_items_as_the_contract_admits(service: httpx.Client) -> None:
    answer = service.get("/words", params={"words": ["a"] * MOST})
    assert (answer.status_code, answer.json()["title"]) == (501, "Stub")
    answer = service.get("/words", params={"words": ["a"] * (MOST + 1)})
    assert [one["keyword"] for one in answer.json()["errors"]] == ["oneOf"]


def test_a_query_beyond_the_limit_is_told_it_and_what_came(service: httpx.Client) -> None:
    answer = service.get("/words", params={"more": ["a"] * (MOST + 1001)})
    assert answer.status_code == 400
    assert "may have 2200 parameters; 2201 came." in answer.json()["detail"]


@pytest.mark.parametrize("is_multipart", [False, True])
def test_a_form_may_have_as_many_items_as_the_contract_admits(
    service: httpx.Client, is_multipart: bool
) -> None:
    def send(count: int) -> httpx.Response:
        if is_multipart:
            return service.post("/words", files=[("words", (None, "a"))] * count)
        return service.post("/words", data={"words": ["a"] * count})

    assert send(MOST).json()["title"] == "Stub"
    assert send(MOST + 1).json()["errors"][0]["keyword"] == "maxItems"
    told = send(MOST + 1001)
    assert (told.status_code, told.json()["errors"][0]["limit"]) == (422, "2200")
    assert "2200 fields" in told.json()["detail"]
