"""Which failures of a service with stub handlers count for nothing, and why, for Schemathesis.

Every other one does. How often each was met is told at the end.
"""

import atexit
import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import schemathesis
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.openapi.checks import (
    JsonSchemaError,
    MissingHeaders,
    RejectedPositiveData,
    UndefinedContentType,
    UndefinedStatusCode,
)

from codegen.runtime.document import follow

_OWN: Final = "the runtime's own refusal: a problem (RFC 9457), whatever the contract says of it"
_OWN_STATUSES: Final = (400, 401, 403, 404, 405, 406, 413, 415, 422)
_UNREPRESENTABLE: Final = "valid, but no Python type holds it, such as a leap second"
_EMPTY: Final = "a body of no bytes is none, where one is required"
_FRAGMENT: Final = "a path with a # is sent without what follows it (CG081)"
_WIDTH: Final = "int32 and int64 say how a number is held, not which are valid"
_ONE_OF_A_LIST: Final = "in a form a list of one item and that item are the same bytes"
_EMPTY_LIST: Final = "an empty list is written as one empty text, and is read as that"
_IN_BRACKETS: Final = "an object in a form is written as name[member], where no encoding says so"
_UNKNOWN_TWICE: Final = "a list in a form's field that the contract doesn't name: which are lists?"
_met: Final[Counter[str]] = Counter()


@schemathesis.serializer("application/x-ndjson", "application/ndjson", "application/jsonl")
def as_lines(context: schemathesis.SerializationContext, value: Any) -> bytes | None:
    """The items of an array, a line each; anything else as the only line."""
    lines = value if isinstance(value, list) else [value]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


@schemathesis.hook
def filter_failure(
    context: schemathesis.HookContext, failure: Failure, case: Any, response: Any
) -> bool:
    """Whether it counts."""
    reason = _explained(failure, case, response)
    if reason is not None:
        _met[reason] += 1
    return reason is None


def _explained(failure: Failure, case: Any, response: Any) -> str | None:
    if "#" in case.operation.path:
        return _FRAGMENT
    if isinstance(failure, AcceptedNegativeData):
        return _taken(failure.message, case)
    problem = _problem(response)
    if problem is None:
        return None
    undocumented = (UndefinedStatusCode, UndefinedContentType, JsonSchemaError, MissingHeaders)
    if isinstance(failure, undocumented) and response.status_code in _OWN_STATUSES:
        return _OWN
    if isinstance(failure, RejectedPositiveData):
        found = [(one["in"], one["pointer"], one["keyword"]) for one in problem.get("errors", ())]
        if found == [("body", "", "required")] and not case.body:
            return _EMPTY
        if found and all(keyword == "unrepresentable" for _, _, keyword in found):
            return _UNREPRESENTABLE
        return _written_otherwise(found, case)
    return None


def _written_otherwise(found: list[tuple[str, str, str]], case: Any) -> str | None:
    """Which lists that can't be written as such are all that was refused."""
    if found and all(keyword == "repeated" and "*" in pointer for _, pointer, keyword in found):
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
_PARAMETER: Final = re.compile("parameter `([^`]+)` in ([a-z]+)")
_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")


def _problem(response: Any) -> dict[str, Any] | None:
    kinds = response.headers.get("content-type", [""])
    if not kinds or not kinds[0].startswith("application/problem+json"):
        return None
    told = json.loads(response.content) if response.content else {}
    return told if isinstance(told, dict) else None


@atexit.register
def tell() -> None:
    for reason, count in _met.items():
        print(f"{count:6} explained: {reason}")
