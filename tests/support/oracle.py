"""Holds an answer against the contract: status, headers, media type, body; an independent oracle.

Uses jsonschema, where the service uses jsonschema-rs, so that one library's mistake shows.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final
from urllib.parse import quote

import httpx2
from jsonschema import Draft202012Validator, exceptions, validators
from jsonschema.protocols import Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from tests.support import contract
from tests.support.contract import ContractOperation, follow

_URI: Final = "urn:contract"
PROBLEM: Final = "application/problem+json"
# A 409 that no waiting helps: the request itself must be another.
_ASKS_ANEW: Final = b'"type":"/problems/retention-plan-outdated"'


class ContractBroken(AssertionError):
    """An answer that the contract doesn't admit."""


def _pattern(
    _: Any, pattern: str, instance: object, __: Any
) -> Iterator[exceptions.ValidationError]:
    # In ECMA-262, which JSON Schema means, `$` is the very end; Python's also comes before a
    # closing line break.
    if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
        yield exceptions.ValidationError("does not match the pattern")


# The types of jsonschema leave this function out.
_Oracle: type[Validator] = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"pattern": _pattern}
)


@cache
def validator(pointer: str) -> Validator:
    """The validator of the schema at a JSON pointer such as `/components/schemas/Problem`."""
    resource = DRAFT202012.create_resource(contract.document())
    registry: Registry[Any] = Registry().with_resource(_URI, resource)
    return _Oracle(
        {"$ref": f"{_URI}#{quote(pointer, safe='/~')}"},
        registry=registry,
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )


def check(
    operation: ContractOperation | None,
    method: str,
    status: int,
    headers: httpx2.Headers,
    body: bytes,
) -> None:
    """Raises ContractBroken. `operation` is None where the contract has no such path or method."""
    if not headers.get("x-request-id"):
        raise ContractBroken("no X-Request-Id")
    if operation is None:
        _check_problem(method, status, headers, body)
        return
    response = operation.response(status)
    if response is None:
        raise ContractBroken(f"{operation.id} has no response {status} in the contract")
    _check_headers(response, status, headers)
    is_named = str(status) in operation.node["responses"]
    if status in (204, 304) or (is_named and "content" not in response):
        if body or "content-type" in headers:
            raise ContractBroken("it has neither body nor Content-Type")
    elif not is_named:
        _check_problem(method, status, headers, body)
    else:
        _check_content(operation, method, response, headers, body)


def _check_headers(response: dict[str, Any], status: int, headers: httpx2.Headers) -> None:
    for name, reference in response.get("headers", {}).items():
        declared = follow(reference)
        value = headers.get(name)
        if value is None:
            if declared.get("required"):
                raise ContractBroken(f"{status} without the required header {name}")
            continue
        schema = declared["schema"]
        typed: Any = int(value) if schema["type"] == "integer" and value.isdigit() else value
        if not Draft202012Validator(schema).is_valid(typed):
            raise ContractBroken(f"header {name} doesn't fit its schema: {value!r}")


def _check_content(
    operation: ContractOperation,
    method: str,
    response: dict[str, Any],
    headers: httpx2.Headers,
    body: bytes,
) -> None:
    content = response.get("content", {})
    essence = headers.get("content-type", "").partition(";")[0]
    if essence not in content:
        raise ContractBroken(f"{operation.id} answered as {essence!r}, not one of {list(content)}")
    if method == "HEAD":
        if body:
            raise ContractBroken("HEAD was answered with a body")
    elif "schema" in content[essence]:
        reference = content[essence]["schema"].get("$ref")
        if reference is None:
            raise ContractBroken(f"name the schema of {operation.id}'s answer in components")
        check_schema(reference.removeprefix("#"), json.loads(body))


def check_schema(pointer: str, value: Any) -> None:
    """Raises ContractBroken unless `value` fits the schema at `pointer`."""
    if errors := [error.message for error in validator(pointer).iter_errors(value)]:
        raise ContractBroken(f"{pointer}: {'; '.join(errors[:3])}")


def _check_problem(method: str, status: int, headers: httpx2.Headers, body: bytes) -> None:
    if status < 400:
        raise ContractBroken(f"{status} is no answer of a path or method out of the contract")
    if headers.get("content-type") != PROBLEM:
        raise ContractBroken(f"a {status} came as {headers.get('content-type')!r}")
    if status == 405 and not headers.get("allow"):
        raise ContractBroken("405 without Allow")
    if status == 401 and not headers.get("www-authenticate"):
        raise ContractBroken("401 without WWW-Authenticate")
    waits = status in (409, 429, 503) and _ASKS_ANEW not in body
    if waits and not headers.get("retry-after", "").isdigit():
        raise ContractBroken(f"{status} without Retry-After")
    if method == "HEAD":
        return
    problem = json.loads(body)
    check_schema("/components/schemas/Problem", problem)
    if problem["status"] != status:
        raise ContractBroken(f"the problem says {problem['status']}, the status line {status}")
    if problem["instance"] != f"urn:request:{headers['x-request-id']}":
        raise ContractBroken("the problem's instance isn't the request's id")
