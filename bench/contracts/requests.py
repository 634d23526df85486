"""Valid requests to every operation of a generated package, one for each media type it takes."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from bench.contracts.samples import sample
from codegen.runtime.binary_schemas import is_binary
from codegen.runtime.document import alternatives
from codegen.runtime.media_types import is_json, is_multipart, is_urlencoded
from codegen.runtime.operation import Media, Operation, Parameter
from codegen.runtime.schemas import ContractSchemas


@dataclass(slots=True)
class Request:
    """What an HTTP client takes; `media_type` is empty where there is no body."""

    operation: str
    media_type: str
    method: str
    path: str
    query: list[tuple[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)


def requests(schemas: ContractSchemas, operation: Operation) -> Iterator[Request]:
    content = operation.request_body.content if operation.request_body else (None,)
    for media in content:
        request = Request(operation.id, "", operation.method, operation.path)
        for parameter in operation.parameters:
            if parameter.required:
                _add(schemas, request, parameter)
        if media is not None:
            request.media_type = media.media_type
            request.body = _body(schemas, media)
        yield request


def _add(schemas: ContractSchemas, request: Request, parameter: Parameter) -> None:
    declared = schemas.at(parameter.pointer)
    value = sample(schemas.document, schemas.at(parameter.schema_pointer))
    text = _text(value)
    if parameter.location == "path":
        request.path = request.path.replace(f"{{{declared['name']}}}", quote(text or "a"))
    elif parameter.location == "query":
        items = value if isinstance(value, list) else [value]
        request.query += [(parameter.name, _text(item)) for item in items]
    elif parameter.location == "header":
        request.headers[parameter.name] = text
    else:
        request.headers["Cookie"] = f"{parameter.name}={text}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _body(schemas: ContractSchemas, media: Media) -> dict[str, Any]:
    """Arguments of an HTTP client's request."""
    schema = schemas.at(media.pointer) if media.pointer else {}
    kind = {"Content-Type": media.media_type.replace("*", "x")}
    if is_json(media.media_type):
        value = sample(schemas.document, schema)
        return {"content": json.dumps(value).encode(), "headers": kind}
    if is_urlencoded(media.media_type) or is_multipart(media.media_type):
        return _form(schemas, media, schema)
    return {"content": b"a", "headers": kind}


def _form(schemas: ContractSchemas, media: Media, schema: Any) -> dict[str, Any]:
    value = sample(schemas.document, schema) or _one_field(schemas.document, schema)
    files = _files(schemas.document, schema) if is_multipart(media.media_type) else set()
    fields = [
        (name, _text(item))
        for name, found in value.items()
        if name not in files
        for item in (found if isinstance(found, list) else [found])
    ]
    if not is_multipart(media.media_type):
        return {"data": dict(fields)}
    parts = [(name, (None, text.encode())) for name, text in fields]
    return {"files": parts + [(name, ("a.bin", b"a")) for name in sorted(files)]}


def _one_field(document: Any, schema: Any) -> dict[str, Any]:
    """A form needs a field to be there at all, even if none of its fields does."""
    for part in alternatives(document, schema):
        for name, declared in part.get("properties", {}).items():
            return {name: sample(document, declared)}
    return {"key": "a"}


def _files(document: Any, schema: Any) -> set[str]:
    return {
        name
        for part in alternatives(document, schema)
        for name, declared in part.get("properties", {}).items()
        if any(map(is_binary, alternatives(document, declared)))
    }
