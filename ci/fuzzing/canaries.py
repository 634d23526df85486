"""Random tokens that are sent and must come back in no error, and requests spoiled with them."""

import itertools
import zlib
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlencode, urlsplit, urlunsplit

import requests
import schemathesis

from ci.fuzzing.counted import SPOILED, counted
from ci.fuzzing.error_checks import errors_are_problems
from ci.fuzzing.facts import facts
from ci.fuzzing.requests_and_answers import (
    Answer,
    Case,
    ask_again,
    operation_id,
    operation_of,
    refused_lines,
    text_of,
)

# Spoiling each request would double a run for little.
_ONE_IN: Final = 8
_numbers: Final = itertools.count()
_spoiled_before: Final[set[str]] = set()


def new_canary() -> str:
    return f"{facts().canary}{next(_numbers)}"


@schemathesis.check
def spoiled_requests_are_refused_in_our_own_words(
    context: schemathesis.CheckContext, response: Answer, case: Case
) -> None:
    """What went well is refused, and not repeated, with a canary where none fits."""
    went_well = operation_id(case) and 200 <= response.status_code < 300
    is_first = operation_id(case) not in _spoiled_before
    if not went_well or not (is_first or _mark_of(response.request) % _ONE_IN == 0):
        return
    _spoiled_before.add(operation_id(case))
    for spoiled in _spoiled(case, response.request):
        counted[SPOILED] += 1
        answer = ask_again(case, spoiled)
        # A batch is answered all the same, and its one line refused.
        is_refused = 400 <= answer.status_code < 500 or bool(refused_lines(answer))
        assert is_refused, "a spoiled request was taken"
        assert facts().canary not in text_of(answer), "the refusal holds a canary"
        errors_are_problems(context, answer, case)


def _mark_of(request: requests.PreparedRequest) -> int:
    """The same for the same request, so that a failure comes again when it is tried again."""
    return zlib.crc32(f"{request.method} {request.path_url} {request.body!r}".encode())


def _spoiled(case: Case, request: requests.PreparedRequest) -> Iterator[requests.PreparedRequest]:
    operation = operation_of(case)
    parts = urlsplit(str(request.url))
    for parameter in operation.parameters("path"):
        value = str(case.path_parameters[parameter["name"]])
        yield _at(request, parts._replace(path=parts.path.replace(value, new_canary())).geturl())
    for name in [new_canary(), *(one["name"] for one in operation.parameters("query"))]:
        if name not in _FREE_TEXT:
            query = urlencode({name: new_canary()})
            yield _at(request, urlunsplit(parts._replace(query=query)))
    for header in ("X-Api-Key", "X-Tenant"):
        if operation.roles is not None:
            yield _with_header(request, header, new_canary())
    if request.body is not None:
        yield _with_header(request, "Content-Type", f"text/{new_canary()}")
        spoiled = request.copy()
        spoiled.headers.pop("Content-Encoding", None)
        spoiled.prepare_body(f'{{"{new_canary()}": "{new_canary()}"}}', None)
        yield _with_header(spoiled, "Idempotency-Key", new_canary())


# Any text fits them, a canary as well.
_FREE_TEXT: Final = ("stream", "source", "policy_version", "action", "actor", "object")


def _at(request: requests.PreparedRequest, url: str) -> requests.PreparedRequest:
    spoiled = request.copy()
    spoiled.url = url
    return spoiled


def _with_header(
    request: requests.PreparedRequest, name: str, value: str
) -> requests.PreparedRequest:
    spoiled = request.copy()
    spoiled.headers[name] = value
    return spoiled
