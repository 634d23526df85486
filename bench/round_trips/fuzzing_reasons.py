"""Why a failure of a service with stub handlers counts for nothing: a reason for each, in words.

Each is held to what the contract says of the place where it was met, as far as that can be told;
`fuzzing_refusals` has those of valid input that was refused. A 5xx always counts.
"""

import json
import re
from typing import Any, Final
from urllib.parse import urlsplit

from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.openapi.checks import (
    AllowHeaderMismatch,
    JsonSchemaError,
    MissingHeaders,
    RejectedPositiveData,
    UndefinedContentType,
    UndefinedStatusCode,
)

from bench.round_trips.fuzzing_places import (
    FORMS,
    body_of,
    declared_parameters,
    has_object,
    is_form,
    members,
    methods_of_matching,
    types,
)
from bench.round_trips.fuzzing_refusals import AS_KEYS, reason_of_refusal

_OWN: Final = "the runtime's own refusal: a problem (RFC 9457), whatever the contract says of it"
_OWN_STATUSES: Final = (400, 401, 403, 404, 405, 406, 413, 415, 422)
_NOT_FOUND: Final = (404, 405)
_FRAGMENT: Final = "a path with a # is sent without what follows it (CG081)"
_QUERY: Final = (
    "a path with a ? is not found, or another: what follows it is a query, no part of it"
)
_WIDTH: Final = "int32 and int64 say how a number is held, not which are valid"
_ONE_OF_A_LIST: Final = "in a form a list of one item and that item are the same bytes"
_NO_FORM: Final = "a form without a field is no body, and the contract requires none"
_LONG_LINE: Final = "a URL beyond what the HTTP server takes (64 KiB) is refused by that"
_LONGEST_LINE: Final = 60_000
_SEVERAL_PATHS: Final = (
    "Allow lists what a URL takes, and of several paths that match it each is asked"
)
_ANY_TEXT: Final = "what is no text is sent as one, where the media type is a text's"


def reason_of(failure: Failure, case: Any, response: Any) -> str | None:
    if response.status_code >= 500:
        return None
    if "#" in case.operation.path:
        return _FRAGMENT
    if "?" in case.operation.path and _knows_no_query(response):
        return _QUERY
    if isinstance(failure, AcceptedNegativeData):
        return _taken(failure.message, case)
    if isinstance(failure, AllowHeaderMismatch):
        return _told_of_several(failure, case, response)
    problem = _problem(response)
    if problem is None:
        is_long = len(response.request.url) > _LONGEST_LINE
        return _LONG_LINE if is_long and response.status_code in (400, 414) else None
    undocumented = (UndefinedStatusCode, UndefinedContentType, JsonSchemaError, MissingHeaders)
    if isinstance(failure, undocumented) and response.status_code in _OWN_STATUSES:
        return _OWN
    if isinstance(failure, RejectedPositiveData):
        return reason_of_refusal(case, response, problem)
    return None


def _told_of_several(failure: AllowHeaderMismatch, case: Any, response: Any) -> str | None:
    """Whether another path is what has the methods that are told, or lacks those that aren't.

    One may lack them only if it is literal in a segment where the path that was meant is not.
    """
    path = urlsplit(response.request.url).path
    others = methods_of_matching(case, path)
    own = case.operation.path.split("/")
    others.pop(case.operation.path, None)
    known = set[str]().union(*others.values())
    more_concrete = [
        methods
        for other, methods in others.items()
        if any(
            "{" in mine and "{" not in its for mine, its in zip(own, other.split("/"), strict=True)
        )
    ]
    is_explained = set(failure.undocumented_methods) <= known and all(
        any(method not in methods for methods in more_concrete)
        for method in failure.missing_methods
    )
    return _SEVERAL_PATHS if others and is_explained else None


def _knows_no_query(response: Any) -> bool:
    """Whether nothing is found, or a path without the query, which takes no such parameter."""
    told = (_problem(response) or {}).get("errors", ())
    unknown = [(one["in"], one["keyword"]) == ("query", "additionalProperties") for one in told]
    return response.status_code in _NOT_FOUND or (bool(unknown) and all(unknown))


def _taken(told: str, case: Any) -> str | None:
    """Why what Schemathesis calls invalid was taken."""
    if _is_beyond_width(told, case):
        return _WIDTH
    if is_form(case) and not case.body and "equired propert" in told:
        return None if body_of(case).get("required") else _NO_FORM
    if str(case.media_type).startswith("text/") and _OF_TYPE.search(told):
        return None if isinstance(case.body, str) else _ANY_TEXT
    if not is_form(case) or not (named := _MEMBER.search(told)):
        return None
    # It is told with a small letter, however it begins.
    name = next((one for one, _ in members(case.body) if one[:1].lower() + one[1:] == named[1]), "")
    value = dict(members(case.body)).get(name)
    if str(case.media_type).startswith(FORMS[0]) and has_object(value):
        return AS_KEYS
    is_item = "array" in types(case, "body", name) and not isinstance(value, list)
    return _ONE_OF_A_LIST if is_item and "ncorrect type" in told else None


def _is_beyond_width(told: str, case: Any) -> bool:
    """Whether a number lies beyond its width, and no bound that the contract has at this end."""
    document = case.operation.schema.raw_schema
    if not (beyond := _BEYOND.search(told)) or _WIDTHS not in json.dumps(document):
        return False
    end = "minimum" if "smaller" in beyond[0].lower() or "minimum" in beyond[0] else "maximum"
    place: Any = case.operation.definition.raw
    if named := _PARAMETER.search(told):
        known = declared_parameters(case)
        place = [one for one in known if (one["name"], one["in"]) == (named[1], named[2])]
    return not re.search(f'"(exclusive)?{end}":', json.dumps(place), re.IGNORECASE)


_WIDTHS: Final = '"format": "int'
_BEYOND: Final = re.compile(
    "(?i)value (greater than maximum|smaller than minimum)|violates [`a-z, ]*`(minimum|maximum)`"
)
_OF_TYPE: Final = re.compile("in body - (incorrect type|violates `type`)")
_MEMBER: Final = re.compile("in body - ([^ :]+): ")
_PARAMETER: Final = re.compile("parameter `([^`]+)` in ([a-z]+)")


def _problem(response: Any) -> dict[str, Any] | None:
    kinds = response.headers.get("content-type", [""])
    if not kinds or not kinds[0].startswith("application/problem+json"):
        return None
    if not response.content:
        return {} if response.request.method == "HEAD" else None
    told = json.loads(response.content)
    is_whole = (
        isinstance(told, dict)
        and told.get("status") == response.status_code
        and all(isinstance(told.get(name), str) for name in ("type", "title", "detail"))
    )
    return told if is_whole else None
