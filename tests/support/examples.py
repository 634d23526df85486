"""Working requests made from the contract's own examples and links, one for each operation."""

import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tests.support import contract
from tests.support.client import Client
from tests.support.contract import ContractOperation, follow


class ExampleMissing(AssertionError):
    """The contract doesn't say enough to call an operation; the message says what to add."""


@dataclass(frozen=True, slots=True)
class ExampleRequest:
    """A request that the contract promises to be right; `headers` go with it."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes | None

    def send(self, client: Client) -> Any:
        return client.send(self.method, self.target, self.headers, self.body)


def example_request(operation: ContractOperation, maker: Client | None = None) -> ExampleRequest:
    """A request of the operation. `maker` may first make what a link of the contract leads from.

    Without it ids are those of the contract's examples, which name nothing that exists.
    """
    linked = _linked(operation, maker) if maker is not None else {}
    path = operation.path
    for parameter in operation.parameters("path"):
        value = linked.get(parameter["name"]) or _example(operation, parameter)
        path = path.replace(f"{{{parameter['name']}}}", quote(str(value), safe=""))
    required = [each for each in operation.parameters("query") if each.get("required")]
    query = [f"{each['name']}={quote(str(_example(operation, each)))}" for each in required]
    if "token" in linked:
        query.append(f"token={linked['token']}")
    headers, body = _body(operation)
    for parameter in operation.parameters("header"):
        if parameter.get("required"):
            headers[parameter["name"]] = str(_example(operation, parameter))
    return ExampleRequest(
        operation.method, "?".join([path, "&".join(query)] if query else [path]), headers, body
    )


def admitted_request(operation: ContractOperation, admin: Client) -> ExampleRequest:
    """A request that `admin` may make, for things that need not exist save where a link leads."""
    return example_request(operation, admin if operation.by_link else None)


def _example(operation: ContractOperation, parameter: dict[str, Any]) -> Any:
    if "example" not in parameter:
        raise ExampleMissing(
            f"openapi.yaml: operation {operation.id}: give parameter {parameter['name']} an "
            "`example`, so that the operation's authorization can be tested"
        )
    return parameter["example"]


def _body(operation: ContractOperation) -> tuple[dict[str, str], bytes | None]:
    declared = operation.node.get("requestBody")
    if declared is None:
        return {}, None
    for media_type, media in follow(declared)["content"].items():
        for example in media.get("examples", {}).values():
            value = example["value"]
            text = value if isinstance(value, str) else json.dumps(value)
            return {"Content-Type": media_type}, text.encode()
    raise ExampleMissing(
        f"openapi.yaml: operation {operation.id}: give a media type of its request body "
        "`examples`, so that the operation's authorization can be tested"
    )


def _linked(operation: ContractOperation, maker: Client) -> dict[str, str]:
    """Path parameters taken from the answer of an operation that has a link to this one.

    For an operation that takes a link's token this too: its credential is in the answer.
    """
    needed = {parameter["name"] for parameter in operation.parameters("path")}
    for source in contract.operations().values():
        for response in source.node["responses"].values():
            for link in follow(response).get("links", {}).values():
                leads_here = link["operationId"] == operation.id and source.id != operation.id
                parameters = link.get("parameters", {})
                if leads_here and parameters.keys() <= needed:
                    request = example_request(source, maker)
                    answer = request.send(maker)
                    if answer.status == 202:
                        maker.have_work_done()
                    found = {
                        name: value
                        for name, expression in parameters.items()
                        if (value := _value(expression, source, request, answer))
                    }
                    if found.keys() != parameters.keys():
                        continue
                    return found | ({"token": _token(answer)} if operation.by_link else {})
    return {}


def _token(answer: Any) -> str:
    """The credential in an answer that has a link: by itself, or within the link's URL."""
    told: dict[str, str] = answer.json
    return told.get("token") or told["download_url"].partition("token=")[2]


def _value(
    expression: str, source: ContractOperation, request: ExampleRequest, answer: Any
) -> str | None:
    """What a runtime expression of a link stands for; None where a list has nothing."""
    if from_path := re.fullmatch(r"\$request\.path\.(\w+)", expression):
        pattern = re.sub(r"\\?\{(\w+)\\?\}", r"(?P<\1>[^/?]+)", re.escape(source.path))
        found = re.match(pattern, request.target)
        assert found is not None
        return found[from_path[1]]
    value = answer.json
    for name in expression.removeprefix("$response.body#/").split("/"):
        if value == []:
            return None
        value = value[int(name) if isinstance(value, list) else name]
    return str(value)
