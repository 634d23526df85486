"""A service of any generated package that answers each operation with a sample of its answer.

Run as `python -m bench.round_trips.sample_service SPEC FOLDER PACKAGE PORT`, once the package is
there. An operation that no sample can be made for is named on standard error, and answered 501.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import uvicorn
from hypothesis import Phase, find, settings
from hypothesis.errors import HypothesisException
from pydantic import TypeAdapter, ValidationError

from bench.contracts.samples import sample
from bench.round_trips.echo import application_of
from bench.round_trips.package import Package, imported
from bench.round_trips.values import Values
from codegen.contract import Operation, Response
from codegen.runtime.media_types import is_json, is_json_lines


class NoSample(Exception):
    """Neither the rules nor a search made a valid value."""


def answers(package: Package) -> dict[str, Any]:
    """A result for each operation that one can be made for, by operation id."""
    found = {}
    for tag in package.contract.tags:
        module = package.module(f"routes.{tag.module}")
        for operation in tag.operations:
            for response in _best_first(operation):
                try:
                    made = getattr(module, str(response.class_name))
                    found[operation.id] = made(**_fields(package, response))
                    break
                except NoSample as error:
                    print(f"{operation.id} {response.status}: {error}", file=sys.stderr)
    return found


def refusals(package: Package) -> dict[str, int]:
    """A documented status for each operation that documents nothing else, by operation id."""
    return {
        operation.id: min(int(one.status.replace("X", "0")) for one in operation.responses)
        for tag in package.contract.tags
        for operation in tag.operations
        if operation.responses and not any(one.class_name for one in operation.responses)
    }


def _best_first(operation: Operation) -> Iterator[Response]:
    results = [one for one in operation.responses if one.class_name]
    yield from sorted(results, key=lambda one: (one.status[0] != "2", one.status))


def _fields(package: Package, response: Response) -> dict[str, Any]:
    encoded = package.module("runtime.encoded_json").EncodedJson
    fields: dict[str, Any] = {}
    if response.content:
        media = response.content[0]
        fields["body"] = b"" if is_json_lines(media.media_type) else b"a"
        if is_json(media.media_type):
            value = _valid(package, media.pointer) if media.pointer else {}
            fields["body"] = encoded(json.dumps(value).encode())
        if response.has_content_type:
            fields["content_type"] = media.media_type.replace("*", "x")
    if not response.has_one_status:
        fields["status"] = 200 if response.status == "default" else int(f"{response.status[0]}00")
    for header in response.headers:
        if header.required:
            fields[header.argument] = _header(package.type_of(header.annotation))
    return fields


def _header(kind: Any) -> Any:
    """A value that a header of the type may have."""
    while hasattr(kind, "__value__"):
        kind = kind.__value__
    if get_origin(kind) is Literal:
        return get_args(kind)[0]
    for text in _HEADERS:
        try:
            return TypeAdapter(kind).validate_strings(text)
        except ValidationError:
            continue
    raise NoSample(f"no rule makes a header of {kind}")


_HEADERS = ("1", "2026-01-02T03:04:05Z", "2026-01-02", "0190a6d2-7c1e-7d3b-9a54-2f6f0c1e8b11", "/a")


# To look for the simplest one takes minutes where schemas are large.
_SEARCH = settings(database=None, max_examples=50, phases=[Phase.generate])


def _valid(package: Package, pointer: str) -> Any:
    """By the rules, or the first that is found where these don't do."""
    schemas = package.schemas
    value = sample(schemas.document, schemas.at(pointer), hidden="writeOnly")
    if schemas.compiled("response", pointer).is_valid(value):
        return value
    values = Values(schemas, "response", [pointer]).valid(pointer)
    try:
        return find(values, lambda _: True, settings=_SEARCH)
    except HypothesisException as error:
        raise NoSample(f"no valid value of {pointer}: {error}") from error


def main() -> None:
    spec, folder, name, port = sys.argv[1:]
    package = imported(Path(spec), Path(folder), name)
    known, refused = answers(package), refusals(package)
    problem = package.module("runtime.problems").Problem

    def handle(operation: str, arguments: dict[str, Any]) -> Any:
        body = arguments.get("body")
        if type(body).__name__ == "JsonLines":
            for line in body or ():
                # What to do with a bad line is for a handler to say; here it is refused.
                if line.problem is not None:
                    raise line.problem
        if operation in refused:
            raise problem(
                refused[operation], "refused", "Refused", "The contract has nothing else."
            )
        if operation not in known:
            raise problem(501, "no-sample", "No sample", f"{operation} has no sample of an answer.")
        return known[operation]

    application = application_of(package, handle)
    uvicorn.run(application, host="127.0.0.1", port=int(port), log_level="warning")


if __name__ == "__main__":
    main()
