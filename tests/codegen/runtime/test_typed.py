"""What the contract admits and no Python type can hold is the caller's to mend, not a failure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import AwareDatetime, TypeAdapter

from codegen.runtime.hooks import Call
from codegen.runtime.json_lines import JsonLine, JsonLines
from codegen.runtime.operation import Media, Parameter, RequestBody
from codegen.runtime.problems import Problem
from codegen.runtime.typed import typed_body, typed_parameters

from .small_service import Caller, Service, operation, result, slug

TIME = {"type": "string", "format": "date-time"}
LEAP_SECOND = "2016-12-31T23:59:60Z"
SECOND = "2016-12-31T23:59:59Z"


@dataclass(frozen=True, slots=True)
class Asked:
    since: AwareDatetime


OPERATIONS = [
    operation(
        "send",
        "POST",
        "/send",
        request_body=RequestBody(True, (Media("application/json", "/components/schemas/Times"),)),
    ),
    operation(
        "list",
        path="/list",
        parameters=(
            Parameter(
                "since", "since", "query", True, "/components/parameters/Since", "form", True
            ),
        ),
    ),
]


def send(call: Call) -> Any:
    typed_body(TypeAdapter(dict[str, AwareDatetime]), call)
    return result(b"{}")


def list_(call: Call) -> Any:
    typed_parameters(TypeAdapter(Asked), call)
    return result(b"{}")


@pytest.fixture(scope="module")
def caller() -> Iterator[Caller]:
    service = Service(
        OPERATIONS,
        {"send": send, "list": list_},
        schemas={"Times": {"type": "object", "additionalProperties": TIME}},
        more={"parameters": {"Since": {"schema": TIME}}},
    )
    with Caller(service) as caller:
        yield caller


def test_body_that_no_type_can_hold_is_refused_without_repeating_it(caller: Caller) -> None:
    assert caller.ask("POST", "/send", json={"a": SECOND}).status_code == 200
    answer = caller.ask("POST", "/send", json={"s3cret": LEAP_SECOND})
    assert (answer.status_code, slug(answer)) == (422, "invalid-input")
    assert answer.json()["errors"] == [{"in": "body", "pointer": "", "keyword": "unrepresentable"}]
    assert "s3cret" not in answer.text
    assert LEAP_SECOND not in answer.text


def test_parameter_that_no_type_can_hold_is_refused_by_its_name(caller: Caller) -> None:
    assert caller.ask(url=f"/list?since={SECOND}").status_code == 200
    answer = caller.ask(url=f"/list?since={LEAP_SECOND}")
    expected = {"in": "query", "pointer": "/since", "keyword": "unrepresentable"}
    assert (slug(answer), answer.json()["errors"]) == ("invalid-input", [expected])


def test_a_line_that_no_type_holds_is_a_problem_too() -> None:
    lines = JsonLines(lambda: iter(()), TypeAdapter(AwareDatetime))
    assert lines.model(JsonLine(1, len(SECOND), SECOND)).second == 59
    with pytest.raises(Problem) as caught:
        lines.model(JsonLine(2, len(LEAP_SECOND), LEAP_SECOND))
    assert (caught.value.status, caught.value.slug) == (422, "invalid-input")
