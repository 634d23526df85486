"""Why a failure of a service with stub handlers counts for nothing: a reason for each, in words.

Each is held to what the contract says of the place where it was met, as far as that can be told.
"""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote

import jsonschema_rs
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.openapi.checks import (
    JsonSchemaError,
    MissingHeaders,
    RejectedPositiveData,
    UndefinedContentType,
    UndefinedStatusCode,
)
from schemathesis.transport.serialization import Binary

from codegen.runtime.document import follow, objects, pointer_to, resolve
from codegen.runtime.schemas import ContractSchemas

_OWN: Final = "the runtime's own refusal: a problem (RFC 9457), whatever the contract says of it"
_OWN_STATUSES: Final = (400, 401, 403, 404, 405, 406, 413, 415, 422)
_NOT_FOUND: Final = (404, 405)
_UNREPRESENTABLE: Final = "valid, but no Python type holds it, such as a leap second"
_EMPTY: Final = "a body of no bytes is none, where one is required"
_FRAGMENT: Final = "a path with a # is sent without what follows it (CG081)"
_QUERY: Final = (
    "a path with a ? is not found, or another: what follows it is a query, no part of it"
)
_WIDTH: Final = "int32 and int64 say how a number is held, not which are valid"
_ONE_OF_A_LIST: Final = "in a form a list of one item and that item are the same bytes"
_EMPTY_LIST: Final = "an empty list is written as one empty text, and is read as that"
_IN_BRACKETS: Final = "an object in a form is written as name[member], where no encoding says so"
_AS_KEYS: Final = (
    "objects in an urlencoded form are written as the names of their members, or not at all"
)
_UNKNOWN_TWICE: Final = "a list in a form's field of which the contract doesn't say that it is one"
_NO_FORM: Final = "a form without a field is no body, and the contract requires none"
_NULL_TEXT: Final = "null in a parameter or a form's field is written as the text null"
_NULLABLE: Final = (
    "in OpenAPI 3.0 `nullable` beside a choice or `allOf` admits no null that those don't"
)
_SLASH: Final = (
    "no server tells a / that is encoded in a path parameter from one that ends a segment"
)
_UNKNOWN_NULLABLE: Final = "`nullable` is no word of OpenAPI 3.1, so it admits no null there"
_TEXT_OR_LIST: Final = "a query parameter that may be a text or a list is read as a list"
_FORMAT: Final = "a text that isn't of its format, such as none at all for a date-time"
_LONG_LINE: Final = "a URL beyond what the HTTP server takes (64 KiB) is refused by that"
_LONGEST_LINE: Final = 60_000


def reason_of(failure: Failure, case: Any, response: Any) -> str | None:
    if "#" in case.operation.path:
        return _FRAGMENT
    if "?" in case.operation.path and _knows_no_query(response):
        return _QUERY
    in_path = [value for _, value in _members(case.path_parameters)]
    if response.status_code in _NOT_FOUND and any("/" in str(value) for value in in_path):
        return _SLASH
    if isinstance(failure, AcceptedNegativeData):
        return _taken(failure.message, case)
    problem = _problem(response)
    if problem is None:
        is_long = len(response.request.url) > _LONGEST_LINE
        return _LONG_LINE if is_long and response.status_code in (400, 414) else None
    undocumented = (UndefinedStatusCode, UndefinedContentType, JsonSchemaError, MissingHeaders)
    if isinstance(failure, undocumented) and response.status_code in _OWN_STATUSES:
        return _OWN
    if isinstance(failure, RejectedPositiveData):
        found = [(one["in"], one["pointer"], one["keyword"]) for one in problem.get("errors", ())]
        if found == [("body", "", "required")] and not case.body:
            return _EMPTY
        if found and all(keyword == "unrepresentable" for _, _, keyword in found):
            return _UNREPRESENTABLE
        return (
            _written_otherwise(found, case)
            or _null_as_text(found, case)
            or _objects_as_keys(found, case)
            or _text_for_list(found, case)
            or _not_valid(case)
        )
    return None


def _knows_no_query(response: Any) -> bool:
    """Whether nothing is found, or a path without the query, which takes no such parameter."""
    told = (_problem(response) or {}).get("errors", ())
    unknown = [(one["in"], one["keyword"]) == ("query", "additionalProperties") for one in told]
    return response.status_code in _NOT_FOUND or (bool(unknown) and all(unknown))


def _null_as_text(found: list[tuple[str, str, str]], case: Any) -> str | None:
    """Where each value that was refused is in a member that has null somewhere."""
    held = {"query": case.query, "header": case.headers, "path": case.path_parameters}
    held |= {"body": case.body} if _is_form(case) else {}
    null = {
        (place, name)
        for place, one in held.items()
        for name, value in _members(one)
        if _has_null(value)
    }
    # What fits no schema of a choice is refused as a whole.
    wholes = {place for place, _ in null}
    are_null = [(one, at.split("/")[1]) in null if at else one in wholes for one, at, _ in found]
    return _NULL_TEXT if found and all(are_null) else None


def _text_for_list(found: list[tuple[str, str, str]], case: Any) -> str | None:
    texts = {
        ("query", f"/{name}") for name, value in _members(case.query) if isinstance(value, str)
    }
    of_choices = {(one, at) for one, at, keyword in found if keyword in ("anyOf", "oneOf")}
    return (
        _TEXT_OR_LIST if found and len(of_choices) == len(found) and of_choices <= texts else None
    )


def _has_null(value: Any) -> bool:
    """Or had, before it was written."""
    return value is None or (isinstance(value, list) and (None in value or "null" in value))


def _objects_as_keys(found: list[tuple[str, str, str]], case: Any) -> str | None:
    held = {name for name, value in _members(case.body) if _has_object(value)}
    are_objects = [at.split("/")[1] in held if at else bool(held) for _, at, _ in found]
    is_urlencoded = str(case.media_type).startswith(_FORMS[0])
    return _AS_KEYS if is_urlencoded and found and all(are_objects) else None


def _has_object(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(map(_has_object, value)))


def _not_valid(case: Any) -> str | None:
    """What only its formats make invalid, or null that only `nullable` would admit.

    It does beside `allOf` in OpenAPI 3.0, and in 3.1, to those who read it there.
    """
    if not str(case.media_type).startswith(("application/json", *_FORMS)) or _has_bytes(case.body):
        return None
    operation = case.operation
    strict, lenient, nullable = _schemas(json.dumps(operation.schema.raw_schema))
    body = pointer_to(["paths", operation.path, operation.method, "requestBody"])
    if reference := operation.definition.raw["requestBody"].get("$ref"):
        body = reference.removeprefix("#")
    pointer = f"{body}{pointer_to(['content', case.media_type, 'schema'])}"
    if strict.compiled("request", pointer).is_valid(case.body):
        return None
    if lenient.compiled("request", pointer).is_valid(case.body):
        return _FORMAT
    if nullable.compiled("request", pointer).is_valid(case.body):
        return _UNKNOWN_NULLABLE
    errors = list(strict.compiled("request", pointer).iter_errors(case.body))
    document = operation.schema.raw_schema
    return _NULLABLE if all(_is_null_beside_parts(document, one) for one in errors) else None


def _has_bytes(value: Any) -> bool:
    """Or whatever else is no JSON, as files in forms are."""
    if isinstance(value, dict):
        return any(map(_has_bytes, value.values()))
    if isinstance(value, list):
        return any(map(_has_bytes, value))
    # What Schemathesis has bytes in is a text as well, of a class of its own.
    return not isinstance(value, str | int | float | None) or isinstance(value, Binary)


def _is_null_beside_parts(document: Any, error: jsonschema_rs.ValidationError) -> bool:
    """Whether it is the type of a part itself that null doesn't fit, or none of a choice."""
    way = [step for step in error.evaluation_path if step != "$ref"]
    if error.instance is not None:
        return False
    if way[-1] in ("oneOf", "anyOf"):
        place = unquote((error.absolute_keyword_location or "").partition("#")[2])
        holder = resolve(document, place.rpartition("/")[0])
        return isinstance(holder, dict) and holder.get("nullable") is True
    return way[-3:-2] == ["allOf"] and way[-1] == "type"


@lru_cache(maxsize=1)
def _schemas(contract: str) -> tuple[ContractSchemas, ContractSchemas, ContractSchemas]:
    """As the contract has them, without formats, and with null where `nullable` says so in 3.1."""
    lenient, nullable = json.loads(contract), json.loads(contract)
    for node in list(objects(lenient)):
        if isinstance(node.get("format"), str):
            del node["format"]
    if nullable["openapi"].startswith("3.1"):
        for node in list(objects(nullable)):
            if node.get("nullable") is True and isinstance(node.get("type"), str):
                node["type"] = [node["type"], "null"]
    return (
        ContractSchemas(json.loads(contract)),
        ContractSchemas(lenient),
        ContractSchemas(nullable),
    )


def _written_otherwise(found: list[tuple[str, str, str]], case: Any) -> str | None:
    """Which lists that can't be written as such are all that was refused."""
    if found and all(keyword == "repeated" for _, _, keyword in found):
        return _UNKNOWN_TWICE
    unlike = {
        *(("query", f"/{name}/0") for name, value in _members(case.query) if value in ("", [])),
        *(("header", f"/{name}/0") for name, value in _members(case.headers) if value == ""),
        *(("body", f"/{name}/0") for name, value in _members(case.body) if value == []),
    }
    has_object = any(isinstance(value, dict) for _, value in _members(case.body))
    in_brackets = [
        one == ("body", "", "additionalProperties") and has_object and _is_form(case)
        for one in found
    ]
    if not found or not all(
        bracketed or (one, at) in unlike
        for bracketed, (one, at, _) in zip(in_brackets, found, strict=True)
    ):
        return None
    return _IN_BRACKETS if any(in_brackets) else _EMPTY_LIST


def _is_form(case: Any) -> bool:
    return str(case.media_type).startswith(_FORMS)


def _members(held: Any) -> list[tuple[Any, Any]]:
    return list(held.items()) if isinstance(held, Mapping) else []


def _taken(told: str, case: Any) -> str | None:
    """Why what Schemathesis calls invalid was taken."""
    if _is_beyond_width(told, case):
        return _WIDTH
    if _is_form(case) and not case.body and "equired propert" in told:
        required = case.operation.definition.raw.get("requestBody", {}).get("required")
        return None if required else _NO_FORM
    named = _MEMBER.search(told)
    if named and str(case.media_type).startswith(_FORMS[0]):
        value = dict(_members(case.body)).get(named[1])
        if _has_object(value):
            return _AS_KEYS
    is_of_form = _is_form(case) and "in body - " in told
    return _ONE_OF_A_LIST if is_of_form and "ncorrect type" in told else None


def _is_beyond_width(told: str, case: Any) -> bool:
    """Whether a number lies beyond its width, and no bound that the contract has at this end."""
    document = case.operation.schema.raw_schema
    if not (beyond := _BEYOND.search(told)) or _WIDTHS not in json.dumps(document):
        return False
    end = "minimum" if "smaller" in beyond[0].lower() or "minimum" in beyond[0] else "maximum"
    place: Any = case.operation.definition.raw
    if named := _PARAMETER.search(told):
        item = document["paths"][case.operation.path]
        declared = [
            follow(document, one)
            for one in (*item.get("parameters", ()), *place.get("parameters", ()))
        ]
        place = [one for one in declared if (one["name"], one["in"]) == (named[1], named[2])]
    return not re.search(f'"(exclusive)?{end}":', json.dumps(place), re.IGNORECASE)


_WIDTHS: Final = '"format": "int'
_BEYOND: Final = re.compile(
    "(?i)value (greater than maximum|smaller than minimum)|violates [`a-z, ]*`(minimum|maximum)`"
)
_MEMBER: Final = re.compile("in body - ([^ :]+): ")
_PARAMETER: Final = re.compile("parameter `([^`]+)` in ([a-z]+)")
_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")


def _problem(response: Any) -> dict[str, Any] | None:
    kinds = response.headers.get("content-type", [""])
    if not kinds or not kinds[0].startswith("application/problem+json"):
        return None
    told = json.loads(response.content) if response.content else {}
    return told if isinstance(told, dict) else None
