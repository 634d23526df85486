"""A failure that Schemathesis tells counts for nothing for a reason alone, and else it counts."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.openapi.checks import RejectedPositiveData, UndefinedContentType
from schemathesis.transport.serialization import Binary

from bench.round_trips.fuzzing_reasons import reason_of

FORM = "application/x-www-form-urlencoded"
TEXTS = {"type": "array", "items": {"type": "string"}}
WHEN = {"type": "string", "format": "date-time"}
PLACE = {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}}


def contract(required: bool, version: str, path: str) -> dict[str, Any]:
    json_schema = {
        "type": "object",
        "properties": {
            "when": WHEN,
            "place": {"allOf": [PLACE], "nullable": True},
            "size": {"type": "integer", "nullable": True},
            "value": {"oneOf": [{"type": "integer"}, PLACE], "nullable": True},
            "other": {"oneOf": [{"type": "integer"}, PLACE]},
        },
    }
    form_schema = {"type": "object", "properties": {"tags": TEXTS, "place": PLACE, "when": WHEN}}
    body = {
        "required": required,
        "content": {
            "application/json": {"schema": json_schema},
            FORM: {"schema": form_schema},
        },
    }
    count = {"type": "integer", "format": "int64", "minimum": 1}
    parameters = [
        {"name": "count", "in": "query", "schema": count},
        {"name": "tag", "in": "query", "schema": {"oneOf": [{"type": "string"}, TEXTS]}},
    ]
    operation = {
        "operationId": "ask",
        "parameters": parameters,
        "requestBody": body,
        "responses": {"200": {"description": "Well."}},
    }
    info = {"title": "Asked", "version": "1"}
    return {"openapi": version, "info": info, "paths": {path: {"post": operation}}}


def case(
    body: Any = None,
    media: str = FORM,
    required: bool = True,
    version: str = "3.0.3",
    path: str = "/ask",
    **query: Any,
) -> Any:
    settings = SchemathesisConfig.from_dict({})
    schema = schemathesis.openapi.from_dict(contract(required, version, path), config=settings)
    return schema[path]["POST"].Case(body=body, media_type=media, query=query)


def answer(*errors: tuple[str, str, str], status: int = 422, url: str = "/ask") -> Any:
    named = ("in", "pointer", "keyword")
    told = {"errors": [dict(zip(named, error, strict=True)) for error in errors]}
    kind = "application/problem+json" if errors else "text/plain"
    return SimpleNamespace(
        status_code=status,
        headers={"content-type": [kind]},
        content=json.dumps(told).encode(),
        request=SimpleNamespace(url=url),
    )


REFUSED = RejectedPositiveData(operation="ask", message="", status_code=422, allowed_statuses=[])


def taken(told: str) -> Failure:
    return AcceptedNegativeData(
        operation="ask", message=told, status_code=200, expected_statuses=["422"]
    )


@pytest.mark.parametrize(
    ("end", "counts"), [("greater than maximum", False), ("smaller than minimum", True)]
)
def test_a_number_beyond_its_width_counts_where_the_contract_has_a_bound(
    end: str, counts: bool
) -> None:
    told = f"Invalid component: parameter `count` in query - count: Value {end}"
    assert (reason_of(taken(told), case(), answer()) is None) is counts


@pytest.mark.parametrize("required", [True, False])
def test_a_form_without_a_field_counts_where_a_body_is_required(required: bool) -> None:
    told = "Invalid component: Missing required property: place"
    found = reason_of(taken(told), case({}, required=required), answer())
    assert (found is None) is required


def test_null_as_text_explains_what_is_refused_of_its_member_alone() -> None:
    sent = case({"tags": ["a", None], "size": "b"})
    assert reason_of(REFUSED, sent, answer(("body", "/tags/1", "type"))) is not None
    assert reason_of(REFUSED, sent, answer(("body", "/size", "type"))) is None
    both = answer(("body", "/tags/1", "type"), ("body", "/size", "type"))
    assert reason_of(REFUSED, sent, both) is None


def test_formats_explain_what_is_refused_in_a_form_without_files() -> None:
    refused = answer(("body", "/when", "format"))
    assert reason_of(REFUSED, case({"when": ""}), refused) is not None
    assert reason_of(REFUSED, case({"when": "2026-01-01T00:00:00Z"}), refused) is None
    assert reason_of(REFUSED, case({"when": "", "tags": [b"\xff"]}), refused) is None
    assert reason_of(REFUSED, case({"when": "", "tags": Binary(b"\xff")}), refused) is None


def test_objects_that_a_form_has_as_the_names_of_their_members_explain_themselves_alone() -> None:
    sent = case({"place": {"city": "b"}, "tags": ["a"]})
    assert reason_of(REFUSED, sent, answer(("body", "/place", "repeated"))) is not None
    refused = answer(("body", "/place", "type"), ("body", "/tags/0", "type"))
    assert reason_of(REFUSED, sent, refused) is None
    told = "Invalid component: in body - {}: Array with more items than allowed by maxItems"
    assert reason_of(taken(told.format("place")), sent, answer()) is not None
    assert reason_of(taken(told.format("tags")), sent, answer()) is None


def test_a_text_that_may_be_a_list_is_explained_and_a_list_is_not() -> None:
    refused = answer(("query", "/tag", "oneOf"))
    assert reason_of(REFUSED, case(tag="00"), refused) is not None
    assert reason_of(REFUSED, case(tag=["00", "1"]), refused) is None


@pytest.mark.parametrize(
    ("body", "pointer", "counts"),
    [
        ({"when": ""}, "/when", False),
        ({"when": "2026-01-01T00:00:00Z"}, "/when", True),
        ({"when": 1}, "/when", True),
        ({"place": None}, "/place", False),
        ({"place": {"city": None}}, "/place/city", True),
        ({"value": None}, "/value", False),
        ({"value": {}}, "/value", True),
        ({"other": None}, "/other", True),
    ],
)
def test_json_counts_unless_formats_or_null_beside_all_of_make_it_invalid(
    body: Any, pointer: str, counts: bool
) -> None:
    sent = case(body, "application/json")
    assert (reason_of(REFUSED, sent, answer(("body", pointer, "any"))) is None) is counts


@pytest.mark.parametrize(("length", "counts"), [(70_000, False), (100, True)])
def test_what_the_http_server_answers_counts_unless_the_url_is_too_long(
    length: int, counts: bool
) -> None:
    failure = UndefinedContentType(
        operation="ask", message="", content_type="text/plain", defined_content_types=[]
    )
    came = answer(status=400, url="/ask?tag=" + "a" * length)
    assert (reason_of(failure, case(), came) is None) is counts


@pytest.mark.parametrize(
    ("version", "size", "counts"), [("3.1.0", None, False), ("3.1.0", "1", True)]
)
def test_null_that_only_nullable_admits_in_3_1_does_not_count(
    version: str, size: Any, counts: bool
) -> None:
    sent = case({"size": size}, "application/json", version=version)
    assert (reason_of(REFUSED, sent, answer(("body", "/size", "type"))) is None) is counts


@pytest.mark.parametrize(
    ("path", "status", "counts"),
    [("/ask?a=b", 404, False), ("/ask?a=b", 422, True), ("/ask", 404, True)],
)
def test_a_path_with_a_query_counts_unless_it_is_not_found(
    path: str, status: int, counts: bool
) -> None:
    found = reason_of(REFUSED, case(path=path), answer(("path", "", "any"), status=status))
    assert (found is None) is counts


@pytest.mark.parametrize(
    ("value", "status", "counts"), [("a/b", 404, False), ("a/b", 422, True), ("ab", 404, True)]
)
def test_a_slash_in_a_path_counts_unless_it_is_not_found(
    value: str, status: int, counts: bool
) -> None:
    sent = case()
    sent.path_parameters = {"name": value}
    found = reason_of(REFUSED, sent, answer(("path", "", "any"), status=status))
    assert (found is None) is counts


@pytest.mark.parametrize(("place", "counts"), [("query", False), ("body", True)])
def test_a_path_with_a_query_counts_unless_another_path_lacks_the_query(
    place: str, counts: bool
) -> None:
    refused = answer((place, "/*", "additionalProperties"))
    assert (reason_of(REFUSED, case(path="/ask?a=b"), refused) is None) is counts
