"""Checks that keep callers apart: nothing of another tenant, nothing a role may not have."""

from typing import Any, Final

import requests
import schemathesis

from ci.fuzzing.counted import AIMED_AT_NEIGHBOUR, counted
from ci.fuzzing.facts import facts
from ci.fuzzing.requests_and_answers import (
    Answer,
    Case,
    ask_again,
    headers_of,
    is_positive,
    operation_id,
    operation_of,
    problem_in,
    text_of,
)

# Differ from answer to answer whatever was asked for; an entity tag is of the query.
_VOLATILE_HEADERS: Final = ("date", "x-request-id", "etag", "ratelimit", "ratelimit-policy")


@schemathesis.check
def nothing_of_others_leaks(
    context: schemathesis.CheckContext, response: Answer, case: Case
) -> None:
    """No answer holds a key, or an id, a name or a mark of the neighbour tenant."""
    text = text_of(response)
    assert not any(hidden in text for hidden in facts().hidden), "the answer holds a hidden string"


@schemathesis.check
def neighbours_things_look_like_nobodys(
    context: schemathesis.CheckContext, response: Answer, case: Case
) -> None:
    """Asked for a thing of the neighbour's, the service answers as for one that nobody has."""
    stand_ins = {
        value: stand_in
        for values in facts().neighbours.values()
        for value, stand_in in values.items()
        if _names(response.request, value)
    }
    if not stand_ins or "x-audit" in operation_of(case).node:
        # A reading of the audit log is in the log, so that no two answers are alike.
        return
    counted[AIMED_AT_NEIGHBOUR] += 1
    request = response.request.copy()
    for value, stand_in in stand_ins.items():
        request.url = str(request.url).replace(value, stand_in)
        for name, sent in list(request.headers.items()):
            request.headers[name] = _as_text(sent).replace(value, stand_in)
    assert _told(response) == _told(ask_again(case, request)), (
        "a neighbour's thing is told from nobody's"
    )


def _names(request: requests.PreparedRequest, value: str) -> bool:
    return value in str(request.url) or any(
        value in _as_text(sent) for sent in request.headers.values()
    )


def _as_text(sent: str | bytes) -> str:
    return sent.decode("latin-1") if isinstance(sent, bytes) else sent


def _told(answer: Answer) -> tuple[int, dict[str, Any], dict[str, str]]:
    headers = {
        name: value for name, value in headers_of(answer).items() if name not in _VOLATILE_HEADERS
    }
    body = {name: said for name, said in problem_in(answer).items() if name != "instance"}
    return answer.status_code, body, headers


@schemathesis.check
def roles_are_enforced(context: schemathesis.CheckContext, response: Answer, case: Case) -> None:
    """A valid request is forbidden if, and only if, the contract doesn't admit the role."""
    if not is_positive(case) or not operation_id(case) or operation_of(case).by_link:
        return
    assert response.status_code != 401, "a known key was not taken"
    is_forbidden = response.status_code == 403
    assert is_forbidden is not role_is_admitted(case), "role and answer disagree"


def role_is_admitted(case: Case) -> bool:
    """Whether the operation's security requirement names the run's role, or it is public."""
    roles = operation_of(case).roles
    return roles is None or facts().role in roles
