"""Checks of errors: none is our fault, each is a problem, none repeats its input."""

import re
from typing import Final

import schemathesis

from ci.fuzzing.counted import ERRORS, counted
from ci.fuzzing.facts import facts
from ci.fuzzing.requests_and_answers import (
    Answer,
    Case,
    headers_of,
    problem_in,
    refused_lines,
    strings_in,
    text_of,
)
from tests.support.contract import ROOT, document
from tests.support.oracle import PROBLEM, check_schema

# A word of the contract or of our own sources may be the service's, whoever sent it as well.
_OUR_FOLDERS: Final = ("generated", "handlers", "formats", "policies", "service")
_OUR_SOURCES: Final = [path for name in _OUR_FOLDERS for path in (ROOT / name).rglob("*.py")]
_OUR_TEXT: Final = "\n".join(
    path.read_text(encoding="utf-8")
    for path in [ROOT / "generated" / "openapi.json", *_OUR_SOURCES]
)
# "- `/problems/not-found`: 404, …" in the contract's description of its problem types.
_STATUS_OF_TYPE: Final = {
    name: int(status)
    for name, status in re.findall(
        r"`(/problems/[a-z-]+)`: (\d{3})",
        document()["components"]["schemas"]["ProblemType"]["description"],
    )
}
# Header that an error of the status can't do without; of `Retry-After` also that it is a number.
_NEEDED_HEADERS: Final = {
    401: "www-authenticate",
    405: "allow",
    409: "retry-after",
    429: "retry-after",
    503: "retry-after",
}
# A 409 that no waiting helps: the request itself must be another.
_ASKS_ANEW: Final = "/problems/retention-plan-outdated"
# Shorter texts, and numbers of fewer digits, stand in a problem by chance: as part of a word, or as
# the size that came.
_TELLING_LENGTH: Final = 5
_TELLING_DIGITS: Final = 9
# The one value that is given back on purpose, well-formed as it must be, and the clock.
_NOT_OF_THE_INPUT: Final = ("x-request-id", "date", "content-length")


@schemathesis.check
def no_error_is_our_fault(context: schemathesis.CheckContext, response: Answer, case: Case) -> None:
    """No answer is a 5xx: no request of one client at a time may bring the service that far."""
    assert response.status_code < 500, "the service failed"


@schemathesis.check
def errors_are_problems(context: schemathesis.CheckContext, response: Answer, case: Case) -> None:
    """Every error is a problem that the contract's schema admits, consistent in itself."""
    if response.status_code < 400:
        return
    headers = headers_of(response)
    assert headers.get("content-type") == PROBLEM, "an error that isn't a problem"
    if response.request.method == "HEAD":
        _check_needed_header(response.status_code, headers)
        return
    problem = problem_in(response)
    if problem.get("type") != _ASKS_ANEW:
        _check_needed_header(response.status_code, headers)
    check_schema("/components/schemas/Problem", problem)
    assert problem["status"] == response.status_code, "the problem has another status"
    said = _STATUS_OF_TYPE[problem["type"]]
    assert said == response.status_code, "the contract gives the problem's type another status"
    assert problem["instance"] == f"urn:request:{headers.get('x-request-id')}", (
        "instance isn't the request id"
    )


def _check_needed_header(status: int, headers: dict[str, str]) -> None:
    needed = _NEEDED_HEADERS.get(status)
    if needed is None:
        return
    assert headers.get(needed), f"a {status} without {needed}"
    assert needed != "retry-after" or headers[needed].isdigit(), "Retry-After isn't in seconds"


@schemathesis.check
def errors_repeat_no_input(
    context: schemathesis.CheckContext, response: Answer, case: Case
) -> None:
    """No error repeats a value of the request, in body or header, that isn't a word of ours."""
    if response.status_code < 400 and not refused_lines(response):
        return
    counted[ERRORS] += 1
    said = _said(response)
    # A header's name is the contract's or HTTP's word; every other name may be the sender's.
    headers = list(case.headers.values())
    sent = [case.path_parameters, case.query, headers, case.cookies, case.body]
    repeated = [
        text
        for text in strings_in(sent)
        if _is_telling(text) and text in said and text not in _OUR_TEXT
    ]
    assert not repeated, "the error repeats what was sent"


def _said(response: Answer) -> str:
    """All that an error says of its own accord: not the ids made here, which hold any digits."""
    if response.status_code < 400:
        return "\n".join(strings_in(refused_lines(response)))
    problem = {name: said for name, said in problem_in(response).items() if name != "instance"}
    headers = [
        value for name, value in headers_of(response).items() if name not in _NOT_OF_THE_INPUT
    ]
    return "\n".join(strings_in([problem, headers]))


def _is_telling(text: str) -> bool:
    if re.fullmatch(r"-?[\d.eE+-]+", text):
        return sum(character.isdigit() for character in text) >= _TELLING_DIGITS
    return len(text) >= _TELLING_LENGTH


@schemathesis.check
def canaries_never_come_back_in_errors(
    context: schemathesis.CheckContext, response: Answer, case: Case
) -> None:
    """No error holds one of the random tokens that were put into headers, query and body."""
    said = text_of(response) if response.status_code >= 400 else str(refused_lines(response))
    assert facts().canary not in said, "the error holds a canary"
