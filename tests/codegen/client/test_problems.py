"""Problems where the contract has a result of its own for the status: they are raised all the same.

The runtime refuses what breaks a contract by problems, whatever that says of a 422; and so may all
that stands between a client and a server.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bench.round_trips.callers import Awaiting, Blocking, Caller
from bench.round_trips.echo import Echo, echoing
from bench.round_trips.package import Package, package_of
from tests.codegen.client.conftest import PostOffice
from tests.codegen.client.unsteady import Refusal

PROBLEM = {"title": "Busy", "status": 409, "detail": "Come again.", "limit_grams": 5}


def _contract() -> dict[str, Any]:
    thing = {
        "type": "object",
        "required": ["size"],
        "properties": {"size": {"type": "integer", "minimum": 1}},
    }
    asked = {"required": True, "content": {"application/json": {"schema": thing}}}
    told = {"type": "object", "required": ["why"], "properties": {"why": {"type": "string"}}}
    refused = {"description": "It is not.", "content": {"application/json": {"schema": told}}}
    anything = {"description": "It is there.", "content": {"*/*": {}}}

    def operation(name: str, **responses: Any) -> dict[str, Any]:
        return {"post": {"operationId": name, "requestBody": asked, "responses": responses}}

    return {
        "openapi": "3.1.0",
        "info": {"title": "Things", "version": "1"},
        "paths": {
            "/things": operation("add_thing", **{"204": {"description": "So."}, "422": refused}),
            "/streams": operation("add_stream", **{"200": anything, "422": refused}),
            "/others": operation("add_other", default=anything),
        },
    }


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Package, Echo]]:
    folder = tmp_path_factory.mktemp("problems")
    spec = folder / "openapi.json"
    spec.write_text(json.dumps(_contract()))
    package = package_of(spec, folder, "refused_things")
    with echoing(package) as echo:
        yield package, echo


@pytest.mark.parametrize("kind", [Blocking, Awaiting])
@pytest.mark.parametrize("operation", ["add_thing", "add_stream", "add_other"])
def test_a_refusal_of_the_runtime_is_raised_whatever_the_contract_has_for_its_status(
    served: tuple[Package, Echo], kind: Callable[..., Any], operation: str
) -> None:
    package, echo = served
    client = package.module("client")
    encoded = package.module("runtime.encoded_json").EncodedJson(b'{"size": 0}')
    with kind(client, echo.url, client.Credentials()) as caller:
        call = caller.call if operation == "add_thing" else caller.whole
        with pytest.raises(client.ProblemAnswer) as caught:
            call(operation, body=encoded)
    assert caught.value.status == 422
    assert [(one["pointer"], one["keyword"]) for one in caught.value.errors] == [
        ("/size", "minimum")
    ]
    assert echo.calls == []


@pytest.mark.parametrize("kind", [Blocking, Awaiting])
def test_the_result_that_the_contract_has_for_the_status_is_returned(
    served: tuple[Package, Echo], kind: Callable[..., Any]
) -> None:
    package, echo = served
    client, routes = package.module("client"), package.module("routes.default")
    encoded = package.module("runtime.encoded_json").EncodedJson
    echo.answer = routes.AddThing422(encoded(b'{"why": "Too small."}'))
    with kind(client, echo.url, client.Credentials()) as caller:
        refused = caller.call("add_thing", body=encoded(b'{"size": 1}'))
    assert (type(refused).__name__, refused.body.why) == ("AddThing422", "Too small.")
    echo.calls.clear()


@pytest.mark.parametrize("media_type", ["application/problem+json", "Application/Problem+JSON;a=b"])
def test_an_error_that_calls_itself_a_problem_is_raised_as_one(
    office: PostOffice, caller: Caller, media_type: str
) -> None:
    body = json.dumps(PROBLEM).encode()
    office.gate.faults.append(Refusal(409, {"content-type": media_type}, body))
    with pytest.raises(office.client.ProblemAnswer) as caught:
        caller.call("send_parcel", body=office.models.NewParcel(to="Emma", grams=7))
    problem = caught.value
    assert (problem.status, problem.title, problem.members["limit_grams"]) == (409, "Busy", 5)


def test_what_is_no_error_is_no_problem_whatever_it_calls_itself(
    office: PostOffice, caller: Caller
) -> None:
    headers = {"content-type": "application/problem+json", "etag": "x", "x-known": "0"}
    office.gate.faults.append(Refusal(200, headers, b'{"items": []}'))
    assert caller.call("list_parcels").body.items == []


@pytest.mark.parametrize("body", [b"", b"no JSON", b"[1]"])
def test_a_problem_that_says_nothing_has_status_and_title(
    office: PostOffice, caller: Caller, body: bytes
) -> None:
    office.gate.faults.append(Refusal(409, {"content-type": "application/problem+json"}, body))
    with pytest.raises(office.client.ProblemAnswer) as caught:
        caller.call("send_parcel", body=office.models.NewParcel(to="Emma", grams=7))
    assert (caught.value.status, caught.value.title, caught.value.detail) == (409, "Conflict", "")
