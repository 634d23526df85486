"""What our contract promises beyond any contract: checks and data for Schemathesis.

A refusal of valid input that `schemathesis_refusals` doesn't explain is a failure.
"""

import atexit
import itertools
import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import schemathesis
from hypothesis import strategies
from schemathesis.core.failures import Failure

from ci.schemathesis_refusals import (
    REFUSED_FOR_MEANING,
    STORED,
    TOOL_OUTPUTS,
    Case,
    Refusal,
    ToolOutput,
    fitting_buckets,
    operation_id,
)

ROOT: Final = Path(__file__).resolve().parent.parent
CONTRACT_TEXT: Final = (ROOT / "generated" / "openapi.json").read_text(encoding="utf-8")
CONTRACT: Final[dict[str, Any]] = json.loads(CONTRACT_TEXT)
PROBLEM_TYPES: Final = frozenset(CONTRACT["components"]["schemas"]["ProblemType"]["enum"])

# Role of this run, ids the tenant already has, and strings no answer may hold: the neighbour
# tenant's name, ids and mark, and every key.
FACTS: Final[dict[str, Any]] = json.loads(os.environ["FUZZ_FACTS"])
EXAMPLE_KEY: Final = CONTRACT["components"]["parameters"]["IdempotencyKey"]["example"]
LONG_ENOUGH_TO_TELL: Final = 5

STORED.report_ids.update(FACTS["own_ids"])
_numbers: Final = itertools.count()
_explained: Final[Counter[Refusal]] = Counter()


def is_positive(case: Case) -> bool:
    return case.meta is not None and case.meta.generation.mode.is_positive


@schemathesis.serializer("application/xml", "text/xml")
def as_it_is(context: schemathesis.SerializationContext, value: Any) -> bytes | None:
    """XML has no schema in the contract: text travels as it is, anything else as JSON."""
    if isinstance(value, bytes):
        return value
    return (value if isinstance(value, str) else json.dumps(value)).encode("utf-8", "replace")


@schemathesis.hook
def flatmap_case(context: schemathesis.HookContext, case: Case) -> strategies.SearchStrategy[Case]:
    """Makes half of the valid requests mean something where a made-up one rarely does."""
    if is_positive(case) and operation_id(case) == "ingest_tool_output":
        return strategies.one_of(strategies.none(), strategies.sampled_from(TOOL_OUTPUTS)).map(
            lambda output: _with_output(case, output)
        )
    if is_positive(case) and operation_id(case) == "get_timeline":
        return strategies.one_of(
            strategies.none(), strategies.sampled_from(fitting_buckets(case))
        ).map(lambda minutes: _with_bucket(case, minutes))
    return strategies.just(case)


def _with_output(case: Case, output: ToolOutput | None) -> Case:
    if output is not None:
        case.path_parameters["format"] = output.format
        case.media_type = output.media_type
        case.body = output.content
    return case


def _with_bucket(case: Case, minutes: int | None) -> Case:
    if minutes is not None:
        case.query["bucket_m"] = minutes
    return case


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    """Gives the contract's one example key a number, or all but its first use would be refused."""
    if case.headers.get("Idempotency-Key") == EXAMPLE_KEY:
        case.headers["Idempotency-Key"] = f"{EXAMPLE_KEY}-{next(_numbers)}"


@schemathesis.hook
def after_call(
    context: schemathesis.HookContext, case: Case, response: schemathesis.Response
) -> None:
    """Remembers what now exists, so that the table's conditions are exact."""
    if response.status_code == 201:
        STORED.report_ids.add(json.loads(response.content)["id"])
        if key := case.headers.get("Idempotency-Key"):
            STORED.keys.add((operation_id(case), str(key)))


@schemathesis.hook
def filter_failure(
    context: schemathesis.HookContext,
    failure: Failure,
    case: Case,
    response: schemathesis.Response,
) -> bool:
    """Keeps a refusal of valid input as a failure unless the table, or the role, explains it."""
    if failure.code != "ST202":
        return True
    if response.status_code == 403 and FACTS["role"] not in admitted_roles(case):
        return False
    problem = problem_in(response)
    for refusal in REFUSED_FOR_MEANING:
        if (
            refusal.operation == operation_id(case)
            and refusal.status == response.status_code
            and problem.get("type") == f"/problems/{refusal.problem}"
            and refusal.applies(case)
        ):
            _explained[refusal] += 1
            return False
    return True


@atexit.register
def print_explained() -> None:
    """Ends the report with every refusal of valid input and its reason."""
    print("Valid by schema, refused for its meaning:")
    for refusal in REFUSED_FOR_MEANING:
        answer = f"{refusal.status} {refusal.problem}"
        print(f"{_explained[refusal]:6} {refusal.operation}: {answer}: {refusal.reason}")


def admitted_roles(case: Case) -> frozenset[str]:
    """The roles of the operation's security requirement; all of them for a public one."""
    requirements = case.operation.definition.raw["security"]
    if not requirements:
        return frozenset({"viewer", "operator", "auditor", "admin"})
    return frozenset(role for requirement in requirements for role in requirement["ApiKey"])


def problem_in(response: schemathesis.Response) -> dict[str, Any]:
    try:
        found = json.loads(response.content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


@schemathesis.check
def errors_are_problems(
    context: schemathesis.CheckContext, response: schemathesis.Response, case: Case
) -> None:
    """Every error is an RFC 9457 problem of a type that the contract lists."""
    if response.status_code < 400:
        return
    problem = problem_in(response)
    assert response.headers.get("content-type") == ["application/problem+json"]
    assert problem.get("type") in PROBLEM_TYPES, "the problem's type isn't in the contract"
    assert problem.get("status") == response.status_code, "the problem has another status"
    request_id = response.headers.get("x-request-id", [""])[0]
    assert problem.get("instance") == f"urn:request:{request_id}", "instance isn't the request id"


@schemathesis.check
def every_answer_has_a_request_id(
    context: schemathesis.CheckContext, response: schemathesis.Response, case: Case
) -> None:
    assert response.headers.get("x-request-id"), "no X-Request-Id"
    assert response.headers.get("x-content-type-options") == ["nosniff"]


@schemathesis.check
def nothing_of_others_leaks(
    context: schemathesis.CheckContext, response: schemathesis.Response, case: Case
) -> None:
    """No answer holds a key, or anything of the neighbour tenant."""
    text = answer_text(response)
    assert not any(hidden in text for hidden in FACTS["hidden"]), "the answer holds a hidden string"


@schemathesis.check
def errors_repeat_no_input(
    context: schemathesis.CheckContext, response: schemathesis.Response, case: Case
) -> None:
    """No problem repeats a value of the request, unless it is a word of the contract."""
    if response.status_code < 400:
        return
    # The request id in `instance` is made here; it may hold any short sequence of digits.
    problem = {name: said for name, said in problem_in(response).items() if name != "instance"}
    said = "\n".join(strings_in(problem))
    # A header's name is the contract's or HTTP's word; every other name may be the sender's.
    headers = list(case.headers.values())
    sent = [case.path_parameters, case.query, headers, case.cookies, case.body]
    repeated = [
        text
        for text in strings_in(sent)
        if len(text) >= LONG_ENOUGH_TO_TELL and text in said and text not in CONTRACT_TEXT
    ]
    assert not repeated, "the problem repeats what was sent"


@schemathesis.check
def roles_are_enforced(
    context: schemathesis.CheckContext, response: schemathesis.Response, case: Case
) -> None:
    """A valid request is forbidden if, and only if, the contract doesn't admit the role."""
    if not is_positive(case) or not operation_id(case):
        return
    admitted = FACTS["role"] in admitted_roles(case)
    assert response.status_code != 401, "a known key was not taken"
    assert (response.status_code == 403) is not admitted, "role and answer disagree"


def answer_text(response: schemathesis.Response) -> str:
    headers = "\n".join(value for values in response.headers.values() for value in values)
    return headers + "\n" + response.content.decode("utf-8", "replace")


def strings_in(value: Any) -> Iterator[str]:
    """Every string in a JSON-shaped value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield value.decode("utf-8", "replace")
    elif isinstance(value, dict):
        for key, child in value.items():
            yield from strings_in(key)
            yield from strings_in(child)
    elif isinstance(value, list | tuple):
        for child in value:
            yield from strings_in(child)
