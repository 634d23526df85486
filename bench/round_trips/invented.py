"""Random contracts: schemas of `invented_schemas`, and operations that send and answer them.

A number makes a contract, always the same one. It is valid OpenAPI 3.0 or 3.1; what is in it is to
be odd rather than sensible.
"""

from collections.abc import Callable
from random import Random
from typing import Final

from bench.round_trips.invented_scalars import Schema
from bench.round_trips.invented_schemas import Schemas

_NAMES: Final = (
    "Pet", "pet", "Node", "None", "class", "self", "BaseModel", "Any", "a.b", "a-b", "a_b", "2fa",
    "str", "Field", "Model", "RootModel", "ContractModel", "Thing", "Thing1", "FilePart", "date",
    "Enum", "Literal", "UUID", "Annotated", "print", "list", "Response", "_own", "S", "-",
    "GetA200", "Client", "models", "kind", "A-Title", "Error",
)  # fmt: skip
_TAGS: Final = ("things", "class", "client", "models", "Größe", "a b", "runtime", "1", "Any")
_METHODS: Final = ("get", "put", "post", "delete", "patch", "options", "head")
_WITHOUT_BODY: Final = ("get", "delete", "head", "options")
_JSON: Final = "application/json"
_STYLES: Final = {
    "path": ("simple", "label", "matrix"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
    "cookie": ("form",),
}
_PARAMETERS: Final = (
    "a", "class", "self", "a-b", "a_b", "body", "context", "2fa", "page", "Größe", "timeout",
    "content_type", "x.y", "None", "headers", "client", "operation", "models", "status",
)  # fmt: skip


def contract(number: int) -> Schema:
    """The document of this number."""
    random = Random(number)
    is_old = random.random() < 0.4
    names = random.sample(_NAMES, random.randint(2, 8))
    schemas = Schemas(random, is_old=is_old, named=names)
    components: Schema = {"schemas": {name: schemas.named(name) for name in names}}
    operations = _Operations(schemas, components)
    paths = {path: operations.path_item(path) for path in _paths(random)}
    return {
        "openapi": "3.0.3" if is_old else "3.1.0",
        "info": {"title": f"Invented contract {number}", "version": "1"},
        "security": [],
        "paths": paths,
        "components": components,
    }


def _paths(random: Random) -> list[str]:
    fixed = ["/a", "/b/{id}", "/b/{id}/c", "/d-{x.y}.json", "/a/{class}/{a-b}", "/größe"]
    return random.sample(fixed, random.randint(1, 3))


class _Operations:
    def __init__(self, schemas: Schemas, components: Schema) -> None:
        self._schemas = schemas
        self._components = components
        self._random = schemas.random
        self._ids: list[str] = []

    def path_item(self, path: str) -> Schema:
        listed = self._random.sample(_METHODS, self._random.randint(1, 2))
        item = {method: self._operation(method, path) for method in listed}
        if not self._schemas.is_old and self._random.random() < 0.15:
            shared = self._components.setdefault("pathItems", {})
            name = f"item{len(shared)}"
            shared[name] = item
            return {"$ref": f"#/components/pathItems/{name}"}
        return item

    def _operation(self, method: str, path: str) -> Schema:
        operation: Schema = {"operationId": self._id(method)}
        if self._random.random() < 0.8:
            operation["tags"] = [self._random.choice(_TAGS)]
        parameters = [*self._of_path(path), *self._others()]
        if parameters:
            operation["parameters"] = parameters
        if method not in _WITHOUT_BODY and self._random.random() < 0.8:
            operation["requestBody"] = self._request()
        operation["responses"] = self._responses(is_head=method == "head")
        return operation

    def _id(self, method: str) -> str:
        number = len(self._ids)
        odd = ("class", "list", "request", "close", "2nd", "aB", "models", "self", "Any")
        name = self._random.choice(odd) if self._random.random() < 0.4 else f"{method}_{number}"
        name = f"{name}_{number}" if name in self._ids else name
        self._ids.append(name)
        return name

    def _of_path(self, path: str) -> list[Schema]:
        names = [piece.partition("}")[0] for piece in path.split("{")[1:]]
        return [self._parameter(name, "path") for name in names]

    def _others(self) -> list[Schema]:
        places = [(name, place) for name in _PARAMETERS for place in ("query", "header", "cookie")]
        listed = self._random.sample(places, self._random.randint(0, 4))
        fit = [(name, place) for name, place in listed if place == "query" or name.isascii()]
        return [self._parameter(name, place) for name, place in fit]

    def _parameter(self, name: str, place: str) -> Schema:
        parameter: Schema = {"name": name, "in": place}
        if place == "path" or self._random.random() < 0.3:
            parameter["required"] = True
        if place != "path" and self._random.random() < 0.1:
            return {**parameter, "content": {_JSON: {"schema": self._schemas.value(1)}}}
        schema, style = self._schemas.parameter(), self._random.choice(_STYLES[place])
        kind = self._random.random()
        members = {f"{name}.1": self._schemas.parameter(), "m-n": self._schemas.parameter()}
        if style == "deepObject" or (kind < 0.1 and place != "cookie"):
            explode = self._random.random() < 0.5 or style == "deepObject"
            schema = {"type": "object", "properties": members}
            if style in ("spaceDelimited", "pipeDelimited"):
                style = "form"
            return {**parameter, "style": style, "explode": explode, "schema": schema}
        if kind < 0.4 or style in ("spaceDelimited", "pipeDelimited"):
            explode = style == "form" and self._random.random() < 0.5
            schema = {"type": "array", "items": schema}
            return {**parameter, "style": style, "explode": explode, "schema": schema}
        if self._random.random() < 0.2 and not parameter.get("required"):
            self._schemas.add_default(schema)
        return {**parameter, "style": style, "schema": schema}

    def _request(self) -> Schema:
        kinds = self._random.sample(self._contents(), self._random.choice((1, 1, 1, 2)))
        content: Schema = {}
        for make in kinds:
            content |= make()
        is_lines = "application/x-ndjson" in content
        return {"required": is_lines or self._random.random() < 0.8, "content": content}

    def _contents(self) -> list[Callable[[], Schema]]:
        random, schemas = self._random, self._schemas
        text: Schema = {"type": "string"}
        binary = {**text, "format": "binary"}
        return [
            lambda: {_JSON: {"schema": schemas.reference()}},
            lambda: {_JSON: {"schema": schemas.value(2)}},
            lambda: {"application/vnd.own+json": {"schema": schemas.reference()}},
            lambda: {"application/x-www-form-urlencoded": {"schema": self._form({})}},
            lambda: {"multipart/form-data": {"schema": self._form({"file": binary})}},
            lambda: {"multipart/form-data": {"schema": self._form({"files": _array(binary)})}},
            lambda: {
                "text/plain": {"schema": schemas.parameter() if random.random() < 0.3 else text}
            },
            lambda: {"application/octet-stream": {"schema": binary}},
            lambda: {"image/*": {}},
            lambda: {"application/x-ndjson": {"schema": _array(schemas.value(2))}},
        ]

    def _form(self, files: Schema) -> Schema:
        names = self._random.sample(("a", "a-b", "class", "2fa", "body", "名"), 3)
        properties = {name: self._schemas.parameter() for name in names[:2]}
        properties[names[2]] = self._schemas.value(1)
        schema: Schema = {"type": "object", "properties": {**properties, **files}}
        if self._random.random() < 0.5:
            schema["required"] = [names[0], *files]
        if self._random.random() < 0.2:
            schema["additionalProperties"] = self._random.choice((False, {"type": "string"}))
        return schema

    def _responses(self, *, is_head: bool) -> Schema:
        known = ("200", "201", "202", "204", "2XX", "404", "422", "4XX", "5XX", "default")
        listed = self._random.sample(known, self._random.randint(1, 3))
        return {status: self._response(status, is_head=is_head) for status in listed}

    def _response(self, status: str, *, is_head: bool) -> Schema:
        response: Schema = {"description": "Told."}
        if self._random.random() < 0.3:
            response["headers"] = {
                name: {"schema": self._schemas.parameter(), "required": self._random.random() < 0.5}
                for name in self._random.sample(("X-A", "ETag", "class", "body", "X-2"), 2)
            }
        if status == "204" or is_head or self._random.random() < 0.2:
            return response
        schema = self._schemas.value(1)
        kinds: list[Schema] = [
            {_JSON: {"schema": self._schemas.reference()}},
            {_JSON: {"schema": self._schemas.reference()}},
            {_JSON: {"schema": schema}},
            {_JSON: {"schema": schema}, "application/vnd.own+json": {"schema": schema}},
            {_JSON: {"schema": schema}, "text/csv": {"schema": {"type": "string"}}},
            {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
            {"application/x-ndjson": {"schema": _array(self._schemas.reference())}},
            {"text/plain": {"schema": {"type": "string"}}},
            {"application/problem+json": {"schema": {"type": "object"}}},
        ]
        return {**response, "content": self._random.choice(kinds)}


def _array(items: Schema) -> Schema:
    return {"type": "array", "items": items}
