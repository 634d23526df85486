"""What the checks ask of a request that Schemathesis made and of the answer that came."""

import json
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import requests
import schemathesis

from ci.fuzzing.counted import answered_beside
from tests.support.contract import ContractOperation, operations

Case: TypeAlias = schemathesis.Case[Any]
Answer: TypeAlias = schemathesis.Response

_TIMEOUT_SECONDS: Final = 20
_session: Final = requests.Session()
# Only what the checks themselves name may decide where a repeated request goes.
_session.trust_env = False


def operation_id(case: Case) -> str:
    return str(case.operation.definition.raw.get("operationId", ""))


def operation_of(case: Case) -> ContractOperation:
    return operations()[operation_id(case)]


def is_positive(case: Case) -> bool:
    """Whether the request fits the contract's schemas, and its method is the operation's."""
    return case.meta is not None and case.meta.generation.mode.is_positive


def problem_in(answer: Answer) -> dict[str, Any]:
    """The JSON object that an answer holds; empty where it holds none."""
    try:
        found = json.loads(answer.content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def refused_lines(answer: Answer) -> list[Any]:
    """The problems of the lines that a batch's answer refuses."""
    outcomes = problem_in(answer).get("outcomes", [])
    return [outcome["problem"] for outcome in outcomes if "problem" in outcome]


def headers_of(answer: Answer) -> dict[str, str]:
    """Header values by small name, several lines of one joined."""
    return {name: ", ".join(values) for name, values in answer.headers.items()}


def text_of(answer: Answer) -> str:
    """Headers and body."""
    return "\n".join([*headers_of(answer).values(), answer.content.decode("utf-8", "replace")])


def ask_again(case: Case, request: requests.PreparedRequest) -> Answer:
    """Sends a request like the case's beside Schemathesis, which doesn't check the answer."""
    sent = _session.send(request, timeout=_TIMEOUT_SECONDS, allow_redirects=False)
    if request.method == case.operation.method.upper():
        answered_beside[f"{operation_id(case)} {sent.status_code}"] += 1
    return schemathesis.Response.from_requests(sent, verify=False)


def strings_in(value: Any) -> Iterator[str]:
    """Every string and every number in a JSON-shaped value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield value.decode("utf-8", "replace")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield json.dumps(value)
    elif isinstance(value, dict):
        for key, child in value.items():
            yield from strings_in(key)
            yield from strings_in(child)
    elif isinstance(value, list | tuple):
        for child in value:
            yield from strings_in(child)
