"""Whether a contract admits a request or an answer: by the runtime's own reading of both.

What shows that a change breaks somebody is tried here against the old and the new contract.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast
from urllib.parse import urlsplit

from codegen.runtime.document import follow, pointer_to
from codegen.runtime.operation import Operation, Parameter, ParameterLocation
from codegen.runtime.parameters import ParameterReader
from codegen.runtime.problems import Problem
from codegen.runtime.schema_views import Direction
from codegen.runtime.schemas import ContractSchemas
from codegen.runtime.wire import raw_request

_STYLES = {"path": "simple", "query": "form", "header": "simple", "cookie": "form"}


class Contract:
    """One contract, ready to be asked."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.schemas = ContractSchemas(document)

    def admits(self, request: Mapping[str, Any]) -> bool:
        """`request` has call, and may have type, body, accept and credentials (scheme: scopes)."""
        method, _, target = request["call"].partition(" ")
        url = urlsplit(target)
        for path, item in self.document["paths"].items():
            match = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path), url.path)
            if match and method.lower() in item:
                pointer = pointer_to(["paths", path, method.lower()])
                return all(
                    [
                        self._reads_parameters(path, method, match.groupdict(), url.query),
                        self._admits_credentials(item[method.lower()], request),
                        self._admits_body(pointer, item[method.lower()], request),
                        self._answers_in(item[method.lower()], request.get("accept")),
                    ]
                )
        return False

    def documents(self, operation: str, answer: Mapping[str, Any]) -> bool:
        """`answer` has status, and may have headers, type and body."""
        method, _, path = operation.partition(" ")
        responses = self.document["paths"][path][method.lower()]["responses"]
        status = str(answer["status"])
        found = next((s for s in (status, f"{status[0]}XX", "default") if s in responses), None)
        if found is None:
            return False
        pointer = pointer_to(["paths", path, method.lower(), "responses", found])
        response = follow(self.document, responses[found])
        return self._has_headers(pointer, response, answer) and self._fits(
            pointer, response.get("content", {}), answer, "response"
        )

    def _reads_parameters(
        self, path: str, method: str, segments: dict[str, str], query: str
    ) -> bool:
        parameters = tuple(self._parameters(path, method.lower()))
        operation = Operation("asked", method, path, "asked", parameters)
        scope = {
            "query_string": query.encode(),
            "headers": [],
            "path": "/" + "/".join(segments.values()),
            "raw_path": b"/",
            "path_params": segments,
        }
        try:
            ParameterReader(operation, self.schemas).read(raw_request(scope))
        except Problem:
            return False
        return True

    def _parameters(self, path: str, method: str) -> Iterator[Parameter]:
        for holder in (["paths", path], ["paths", path, method]):
            value = self.schemas.at(pointer_to(holder))
            for index, one in enumerate(value.get("parameters", [])):
                location = cast(ParameterLocation, one["in"])
                style = one.get("style", _STYLES[location])
                yield Parameter(
                    name=one["name"],
                    argument=one["name"],
                    location=location,
                    required=one.get("required", False),
                    pointer=pointer_to([*holder, "parameters", str(index)]),
                    style=style,
                    explode=one.get("explode", style == "form"),
                )

    def _admits_credentials(self, operation: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
        held = request.get("credentials", {})
        asked = operation.get("security", self.document.get("security", []))
        return any(
            all(name in held and set(scopes) <= set(held[name]) for name, scopes in one.items())
            for one in asked or [{}]
        )

    def _admits_body(
        self, pointer: str, operation: Mapping[str, Any], request: Mapping[str, Any]
    ) -> bool:
        body = operation.get("requestBody")
        if "body" not in request:
            return not (body or {}).get("required", False)
        if body is None:
            return False
        return self._fits(f"{pointer}/requestBody", body["content"], request, "request")

    def _fits(
        self,
        pointer: str,
        content: Mapping[str, Any],
        sent: Mapping[str, Any],
        direction: Direction,
    ) -> bool:
        if "body" not in sent:
            return True
        kind = sent["type"].partition("/")[0]
        for media_type in (sent["type"], f"{kind}/*", "*/*"):
            if media_type in content:
                if "schema" not in content[media_type]:
                    return True
                schema = pointer + pointer_to(["content", media_type, "schema"])
                return self.schemas.compiled(direction, schema).is_valid(sent["body"])
        return False

    def _answers_in(self, operation: Mapping[str, Any], accepted: str | None) -> bool:
        return accepted is None or any(
            accepted in response.get("content", {}) for response in operation["responses"].values()
        )

    def _has_headers(
        self, pointer: str, response: Mapping[str, Any], answer: Mapping[str, Any]
    ) -> bool:
        given = {name.lower(): text for name, text in answer.get("headers", {}).items()}
        for name, header in response.get("headers", {}).items():
            if name.lower() not in given:
                if header.get("required"):
                    return False
                continue
            value: Any = given[name.lower()]
            if header["schema"].get("type") in ("integer", "number"):
                value = float(value)
            schema = pointer + pointer_to(["headers", name, "schema"])
            if not self.schemas.compiled("response", schema).is_valid(value):
                return False
        return True
