"""A failure that Schemathesis tells counts for nothing for a reason alone, and else it counts."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.openapi.checks import (
    AllowHeaderMismatch,
    RejectedPositiveData,
    UndefinedContentType,
    UndefinedStatusCode,
)
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
    fields = {
        "tags": TEXTS,
        "Sizes": TEXTS,
        "place": PLACE,
        "when": WHEN,
        "size": {"type": "integer"},
    }
    form_schema = {"type": "object", "properties": fields}
    body = {
        "required": required,
        "content": {
            "application/json": {"schema": json_schema},
            FORM: {"schema": form_schema},
            "text/plain": {"schema": {"type": "string", "maxLength": 9}},
            "application/merge+json": {"schema": {"properties": {"when": WHEN}}},
        },
    }
    count = {"type": "integer", "format": "int64", "minimum": 1}
    parameters = [
        {"name": "count", "in": "query", "schema": count},
        {"name": "tag", "in": "query", "schema": {"oneOf": [{"type": "string"}, TEXTS]}},
        {"name": "either", "in": "query", "schema": {"oneOf": [{"type": "string"}, count]}},
        {"name": "places", "in": "query", "schema": {"type": "array", "items": PLACE}},
        {"name": "when", "in": "query", "schema": WHEN},
    ]
    operation = {
        "operationId": "ask",
        "parameters": parameters,
        "requestBody": body,
        "responses": {"200": {"description": "Well."}},
    }
    others = {
        "/things/{thing}": {"get": {"responses": {"200": {"description": "Well."}}}},
        "/things/{other}": {"put": {"responses": {"401": {"description": "Never."}}}},
        "/things/latest": {"post": {"responses": {"200": {"description": "Well."}}}},
    }
    info = {"title": "Asked", "version": "1"}
    return {"openapi": version, "info": info, "paths": {path: {"post": operation}, **others}}


def case(
    body: Any = None,
    media: str = FORM,
    required: bool = True,
    version: str = "3.0.3",
    path: str = "/ask",
    method: str = "POST",
    **query: Any,
) -> Any:
    settings = SchemathesisConfig.from_dict({})
    whole = contract(required, version, "/ask" if path.startswith("/things") else path)
    schema = schemathesis.openapi.from_dict(whole, config=settings)
    return schema[path][method].Case(body=body, media_type=media, query=query)


def answer(
    *errors: tuple[str, str, str],
    status: int = 422,
    url: str = "/ask",
    body: bytes | None = None,
    **changes: Any,
) -> Any:
    named = ("in", "pointer", "keyword")
    told = {"type": "/problems/a", "title": "A", "status": status, "detail": "b"}
    told |= {"errors": [dict(zip(named, error, strict=True)) for error in errors], **changes}
    kind = "application/problem+json" if errors or changes else "text/plain"
    return SimpleNamespace(
        status_code=status,
        headers={"content-type": [kind]},
        content=json.dumps(told).encode(),
        request=SimpleNamespace(url=url, body=body, method="POST"),
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
    # The other is beside `allOf`.
    sent = case({"size": size, "place": None}, "application/json", version=version)
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


@pytest.mark.parametrize(("place", "counts"), [("query", False), ("body", True)])
def test_a_path_with_a_query_counts_unless_another_path_lacks_the_query(
    place: str, counts: bool
) -> None:
    refused = answer((place, "/*", "additionalProperties"))
    assert (reason_of(REFUSED, case(path="/ask?a=b"), refused) is None) is counts


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({"instance": "urn:request:1"}, False),
        ({"status": 200}, True),
        ({"title": None}, True),
        ({"type": None}, True),
        ({"detail": 1}, True),
    ],
)
def test_a_refusal_that_the_contract_lacks_counts_unless_it_is_a_whole_problem(
    changes: dict[str, Any], counts: bool
) -> None:
    failure = UndefinedStatusCode(
        operation="ask",
        message="",
        status_code=422,
        defined_status_codes=[],
        allowed_status_codes=[],
    )
    assert (reason_of(failure, case(), answer(**changes)) is None) is counts


@pytest.mark.parametrize("path", ["/ask#b", "/ask?a=b"])
def test_a_5xx_always_counts(path: str) -> None:
    refused = answer(("query", "/*", "additionalProperties"), status=500)
    assert reason_of(REFUSED, case(path=path), refused) is None


@pytest.mark.parametrize(("body", "counts"), [(b"", False), (None, False), (b"{}", True)])
def test_a_body_that_is_missing_counts_if_one_was_sent(body: bytes | None, counts: bool) -> None:
    refused = answer(("body", "", "required"), body=body)
    assert (reason_of(REFUSED, case({}, "application/json"), refused) is None) is counts


@pytest.mark.parametrize(
    ("when", "counts"),
    [
        ("2016-12-31T23:59:60Z", False),
        ("0000-01-01T00:00:00Z", False),
        ("2016-12-31T23:59:59.1234567Z", True),
        ("2016-12-31t23:59:59+01:00", True),
        ("now", True),
    ],
)
def test_what_no_type_holds_counts_unless_it_is_a_moment_that_python_lacks(
    when: str, counts: bool
) -> None:
    refused = answer(("body", "", "unrepresentable"))
    sent = case({"value": [{"when": when}]}, "application/json")
    assert (reason_of(REFUSED, sent, refused) is None) is counts
    refused = answer(("query", "/when", "unrepresentable"))
    assert (reason_of(REFUSED, case(when=when), refused) is None) is counts


@pytest.mark.parametrize(
    ("media", "body", "counts"),
    [
        ("application/merge+json", None, False),
        ("application/merge+json", {}, True),
        ("application/json", None, True),
    ],
)
def test_no_object_counts_unless_its_schema_has_properties_and_no_type(
    media: str, body: Any, counts: bool
) -> None:
    refused = answer(("body", "", "unrepresentable"))
    assert (reason_of(REFUSED, case(body, media), refused) is None) is counts


@pytest.mark.parametrize(("name", "counts"), [("other", False), ("tags", True)])
def test_a_field_that_came_twice_counts_where_the_contract_says_that_it_is_a_list(
    name: str, counts: bool
) -> None:
    refused = answer(("body", f"/{name}", "repeated"))
    assert (reason_of(REFUSED, case({name: ["a", "b"]}), refused) is None) is counts


@pytest.mark.parametrize(("name", "counts"), [("tag", False), ("either", True)])
def test_a_text_in_a_choice_counts_unless_a_list_is_one_of_it(name: str, counts: bool) -> None:
    refused = answer(("query", f"/{name}", "oneOf"))
    sent: dict[str, Any] = {name: "00"}
    assert (reason_of(REFUSED, case(**sent), refused) is None) is counts


@pytest.mark.parametrize(
    ("body", "name", "counts"),
    [
        ({"tags": 0}, "tags", False),
        ({"Sizes": 0}, "sizes", False),
        ({"tags": [0]}, "tags", True),
        ({"size": "a"}, "size", True),
    ],
)
def test_a_wrong_type_in_a_form_counts_unless_it_may_be_the_item_of_a_list(
    body: Any, name: str, counts: bool
) -> None:
    told = f"Invalid component: in body - {name}: Incorrect type"
    assert (reason_of(taken(told), case(body), answer()) is None) is counts


@pytest.mark.parametrize(
    ("told", "body", "counts"),
    [
        ("incorrect type", {}, False),
        ("violates `type` (was string, became boolean)", False, False),
        ("incorrect type", "a", True),
        ("string longer than maxLength", {}, True),
    ],
)
def test_what_is_sent_as_a_text_counts_unless_its_type_alone_is_wrong(
    told: str, body: Any, counts: bool
) -> None:
    failure = taken(f"Invalid component: in body - {told}")
    assert (reason_of(failure, case(body, "text/plain"), answer()) is None) is counts


def test_an_object_in_a_list_of_a_parameter_is_explained_at_its_place_alone() -> None:
    sent = case(places=[{"city": "b"}, "c"])
    assert reason_of(REFUSED, sent, answer(("query", "/places/0", "type"))) is not None
    assert reason_of(REFUSED, sent, answer(("query", "/places/1", "type"))) is None


@pytest.mark.parametrize(("size", "counts"), [(1024 * 1024 + 1, False), (1024 * 1024, True)])
def test_a_body_that_is_too_large_counts_unless_it_is(size: int, counts: bool) -> None:
    refused = answer(status=413, body=b"a" * size, instance="urn:request:1")
    assert (reason_of(REFUSED, case(), refused) is None) is counts


@pytest.mark.parametrize(
    ("path", "method", "status", "counts"),
    [
        ("/things/{other}", "PUT", 401, False),
        ("/things/{other}", "PUT", 403, True),
        ("/things/{thing}", "GET", 401, True),
    ],
)
def test_a_refusal_counts_unless_the_contract_has_nothing_else(
    path: str, method: str, status: int, counts: bool
) -> None:
    refused = answer(status=status, instance="urn:request:1")
    asked = case(path=path, method=method, media="")
    assert (reason_of(REFUSED, asked, refused) is None) is counts


@pytest.mark.parametrize(
    ("url", "told", "missing", "counts"),
    [
        # GET is of one path, PUT of another of the same shape.
        ("/things/a", ["PUT"], [], False),
        ("/things/a", ["DELETE"], [], True),
        ("/things/a", ["PUT"], ["GET"], True),
        # The more concrete path has neither.
        ("/things/latest", ["POST"], ["GET"], False),
        ("/things/a", ["POST"], ["GET"], True),
    ],
)
def test_allow_counts_unless_other_paths_that_match_explain_all_of_it(
    url: str, told: list[str], missing: list[str], counts: bool
) -> None:
    failure = AllowHeaderMismatch(
        operation="ask",
        message="",
        allow_header="",
        undocumented_methods=told,
        missing_methods=missing,
    )
    asked = case(path="/things/{thing}", method="GET")
    refused = answer(status=405, url=f"http://127.0.0.1:80{url}?a=b", instance="urn:request:1")
    assert (reason_of(failure, asked, refused) is None) is counts
