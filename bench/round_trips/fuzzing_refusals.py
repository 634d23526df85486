"""Why valid input that a service with stub handlers refused counts for nothing.

Most are lost on the way: what is written otherwise than it was meant, so that it isn't valid as it
came. It judges by the errors that the problem names, by what was sent, and by the contract.
"""

import json
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote

import jsonschema_rs
from schemathesis.transport.serialization import Binary

from bench.round_trips.fuzzing_places import (
    FORMS,
    body_schema,
    has_object,
    is_form,
    is_no_moment_of_pythons,
    members,
    sent,
    texts_in,
    types,
)
from codegen.runtime.document import objects, pointer_to, resolve
from codegen.runtime.schemas import ContractSchemas

_UNREPRESENTABLE: Final = "a valid moment that no Python type holds, such as a leap second"
_NO_OBJECT: Final = "no object, where a schema has `properties` and says no type"
_EMPTY: Final = "a body of no bytes is none, where one is required"
_EMPTY_LIST: Final = "an empty list is written as one empty text, and is read as that"
_IN_BRACKETS: Final = "an object in a form is written as name[member], where no encoding says so"
AS_KEYS: Final = (
    "objects in an urlencoded form are written as the names of their members, or not at all"
)
_UNKNOWN_TWICE: Final = "a list in a form's field of which the contract doesn't say that it is one"
_NULL_TEXT: Final = "null in a parameter or a form's field is written as the text null"
_NULLABLE: Final = (
    "in OpenAPI 3.0 `nullable` beside a choice or `allOf` admits no null that those don't"
)
_UNKNOWN_NULLABLE: Final = "`nullable` is no word of OpenAPI 3.1, so it admits no null there"
_TEXT_OR_LIST: Final = "a query parameter that may be a text or a list is read as a list"
_FORMAT: Final = "a text that isn't of its format, such as none at all for a date-time"
_MOST_BYTES: Final = 1024 * 1024
_LARGE: Final = "a body larger than x-max-body, or 1 MiB where the contract has none"
_OBJECT_IN_LIST: Final = "an object in a list of a parameter is written as Python's text of it"
_NO_SUCCESS: Final = "the contract documents nothing but refusals, so a handler can only refuse"

Errors = list[tuple[str, str, str]]


def reason_of_refusal(case: Any, response: Any, problem: dict[str, Any]) -> str | None:
    """Why what Schemathesis calls valid was not taken."""
    found = [(one["in"], one["pointer"], one["keyword"]) for one in problem.get("errors", ())]
    if found == [("body", "", "required")] and not response.request.body:
        return _EMPTY
    return (
        (_LARGE if _too_large(case, response) else None)
        or _held_by_no_type(found, case)
        or _written_otherwise(found, case)
        or _null_as_text(found, case)
        or _objects_as_keys(found, case)
        or _objects_in_lists(found, case)
        or _text_for_list(found, case)
        or _not_valid(case)
        or (_NO_SUCCESS if _documents_no_success(case, response) else None)
    )


def _too_large(case: Any, response: Any) -> bool:
    most = case.operation.definition.raw.get("x-max-body", _MOST_BYTES)
    return bool(response.status_code == 413 and len(response.request.body or "") > most)


def _held_by_no_type(found: Errors, case: Any) -> str | None:
    """Where each place that was refused as such has a moment that Python doesn't."""
    if not found or any(keyword != "unrepresentable" for _, _, keyword in found):
        return None
    schema = body_schema(case) if found == [("body", "", "unrepresentable")] else None
    is_of_objects = isinstance(schema, dict) and "properties" in schema and "type" not in schema
    if is_of_objects and not isinstance(case.body, dict):
        return _NO_OBJECT
    held = sent(case)
    values = [
        dict(members(held[place])).get(pointer[1:]) if pointer else held[place]
        for place, pointer, _ in found
    ]
    is_each = all(any(map(is_no_moment_of_pythons, texts_in(value))) for value in values)
    return _UNREPRESENTABLE if is_each else None


def _documents_no_success(case: Any, response: Any) -> bool:
    documented = {str(status).upper() for status in case.operation.definition.raw["responses"]}
    told = {str(response.status_code), f"{response.status_code // 100}XX"}
    return bool(documented & told) and not any(one[0] in "23D" for one in documented)


def _null_as_text(found: Errors, case: Any) -> str | None:
    """Where each value that was refused is in a member that has null somewhere."""
    held = {"query": case.query, "header": case.headers, "path": case.path_parameters}
    held |= {"body": case.body} if is_form(case) else {}
    null = {
        (place, name)
        for place, one in held.items()
        for name, value in members(one)
        if _has_null(value)
    }
    # What fits no schema of a choice is refused as a whole.
    wholes = {place for place, _ in null}
    are_null = [(one, at.split("/")[1]) in null if at else one in wholes for one, at, _ in found]
    return _NULL_TEXT if found and all(are_null) else None


def _text_for_list(found: Errors, case: Any) -> str | None:
    texts = {("query", f"/{name}") for name, value in members(case.query) if isinstance(value, str)}
    of_choices = {(one, at) for one, at, keyword in found if keyword in ("anyOf", "oneOf")}
    may_be_lists = all("array" in types(case, one, at[1:]) for one, at in of_choices)
    are_texts = found and len(of_choices) == len(found) and of_choices <= texts
    return _TEXT_OR_LIST if are_texts and may_be_lists else None


def _has_null(value: Any) -> bool:
    """Or had, before it was written."""
    return value is None or (isinstance(value, list) and (None in value or "null" in value))


def _objects_as_keys(found: Errors, case: Any) -> str | None:
    held = {name for name, value in members(case.body) if has_object(value)}
    are_objects = [at.split("/")[1] in held if at else bool(held) for _, at, _ in found]
    is_urlencoded = str(case.media_type).startswith(FORMS[0])
    return AS_KEYS if is_urlencoded and found and all(are_objects) else None


def _objects_in_lists(found: Errors, case: Any) -> str | None:
    objects_in = {
        ("query", f"/{name}/{place}")
        for name, value in members(case.query)
        if isinstance(value, list)
        for place, one in enumerate(value)
        if isinstance(one, dict)
    }
    are_objects = [(one, at) in objects_in for one, at, _ in found]
    return _OBJECT_IN_LIST if found and all(are_objects) else None


def _not_valid(case: Any) -> str | None:
    """What only its formats make invalid, or null that only `nullable` would admit.

    It does beside `allOf` in OpenAPI 3.0, and in 3.1, to those who read it there.
    """
    if not str(case.media_type).startswith(("application/json", *FORMS)) or _has_bytes(case.body):
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
            if node.get("nullable") is True:
                said = dict(node)
                node.clear()
                node["anyOf"] = [said, {"type": "null"}]
    return (
        ContractSchemas(json.loads(contract)),
        ContractSchemas(lenient),
        ContractSchemas(nullable),
    )


def _written_otherwise(found: Errors, case: Any) -> str | None:
    """Which lists that can't be written as such are all that was refused."""
    if found and all(keyword == "repeated" for _, _, keyword in found):
        are_lists = ["array" in types(case, one, at[1:]) for one, at, _ in found]
        return None if any(are_lists) else _UNKNOWN_TWICE
    unlike = {
        (place, f"/{name}/0")
        for place, empty in (("query", ("", [])), ("header", ("",)), ("body", ([],)))
        for name, value in members(sent(case)[place])
        if value in empty and "array" in types(case, place, name)
    }
    has_object = any(isinstance(value, dict) for _, value in members(case.body))
    in_brackets = [
        one == ("body", "", "additionalProperties") and has_object and is_form(case)
        for one in found
    ]
    if not found or not all(
        bracketed or (one, at) in unlike
        for bracketed, (one, at, _) in zip(in_brackets, found, strict=True)
    ):
        return None
    return _IN_BRACKETS if any(in_brackets) else _EMPTY_LIST
