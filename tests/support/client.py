"""The clients of every API test: each answer is checked against the contract before a test sees it.

`Client` says what goes over the wire, letter by letter; `Client.api` is the one that was generated.
Which one a test takes: CONTRIBUTING.md.
"""

import json
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import httpx2
from typing_extensions import override

from generated.client import Client as GeneratedClient
from generated.client import Credentials, EntityCache, Retrying
from policies.access import ROLES
from tests.support import contract, oracle
from tests.support.oracle import ContractBroken
from tests.support.service import SECRET_MARK, TENANT_MARK, RunningService

_REPEATABLE_LENGTH: Final = 8
_TENANTS: Final = re.compile(TENANT_MARK + "[0-9a-f]{16}")

Query = Mapping[str, str | list[str]]
Headers = Mapping[str, str]
Body = bytes | Iterable[bytes]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that keeps the contract."""

    status: int
    headers: httpx2.Headers
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def etag(self) -> str:
        return self.headers["etag"]

    @property
    def problem_type(self) -> str:
        """The problem's slug."""
        slug: str = self.json["type"].removeprefix("/problems/")
        return slug

    @property
    def error(self) -> dict[str, str]:
        """The one error of an invalid-input problem."""
        [error] = self.json["errors"]
        found: dict[str, str] = error
        return found


class Checked(httpx2.BaseTransport):
    """What a generated client sends by, over the connections that all tests share."""

    def __init__(self, http: httpx2.Client) -> None:
        self._http = http

    @override
    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        body = request.read()
        target = request.url.raw_path.decode("ascii")
        sent = {name.decode(): value.decode("latin-1") for name, value in request.headers.raw}
        response = self._http.request(
            request.method,
            "/",
            headers=[each for each in request.headers.raw if each[0].lower() != b"host"],
            content=body,
            extensions={"target": request.url.raw_path},
        )
        check_answer(request.method, target, sent, body, response)
        return httpx2.Response(
            response.status_code, headers=response.headers, content=response.content
        )


class Client:
    """Calls as one key of one tenant; without them where they are None."""

    def __init__(
        self, service: RunningService, tenant: str | None = None, key: str | None = None
    ) -> None:
        self._service = service
        self._http = service.http
        self.tenant = tenant
        self.key = key
        # Nothing is kept and nothing tried again: a test sees each answer of the service.
        self.api = GeneratedClient(
            service.url,
            Credentials(api_key=key, tenant=tenant),
            retrying=Retrying(attempts=1),
            cache=EntityCache(entries=0),
            transport=Checked(service.http),
        )

    def have_work_done(self) -> None:
        """What the tenant's requests have left to a worker is done when this returns."""
        if self.tenant is not None:
            self._service.have_work_done(self.tenant)

    def send(
        self, method: str, target: str, headers: Headers | None = None, body: Body | None = None
    ) -> Answer:
        """Sends a request whose target (path and query) goes on the wire as it is."""
        sent = {"X-Request-Id": f"req-{secrets.token_hex(8)}"}
        sent |= {"X-Tenant": self.tenant} if self.tenant is not None else {}
        sent |= {"X-Api-Key": self.key} if self.key is not None else {}
        sent |= headers or {}
        response = self._http.request(
            method,
            "/",
            headers=[(name.encode(), value.encode("latin-1")) for name, value in sent.items()],
            content=body,
            extensions={"target": target.encode("ascii")},
        )
        check_answer(method, target, sent, body if isinstance(body, bytes) else b"", response)
        return Answer(response.status_code, response.headers, response.content)

    def get(self, path: str, query: Query | None = None, headers: Headers | None = None) -> Answer:
        target = f"{path}?{urlencode(query, doseq=True)}" if query else path
        return self.send("GET", target, headers)

    def post(
        self, path: str, body: Body, content_type: str | None, headers: Headers | None = None
    ) -> Answer:
        typed = {"Content-Type": content_type} if content_type is not None else {}
        return self.send("POST", path, {**typed, **(headers or {})}, body)

    def post_json(self, path: str, document: Any, headers: Headers | None = None) -> Answer:
        body = json.dumps(document).encode()
        return self.post(path, body, "application/json", headers)

    def ingest(self, document: Any, headers: Headers | None = None) -> dict[str, Any]:
        """Posts a report that must be taken; returns the receipt."""
        answer = self.post_json("/ingest/qc", document, headers)
        assert answer.status == 201, answer.content
        receipt: dict[str, Any] = answer.json
        return receipt


class Callers:
    """A tenant that no other test has, and a client for each role in it."""

    def __init__(self, service: RunningService) -> None:
        self.tenant, self.secrets = service.new_tenant()
        self.by_role: dict[str, Client] = {
            role: Client(service, self.tenant, self.secrets[role]) for role in ROLES
        }

    @property
    def viewer(self) -> Client:
        return self.by_role["viewer"]

    @property
    def operator(self) -> Client:
        return self.by_role["operator"]


def check_answer(
    method: str, target: str, sent: Headers, body: bytes, response: httpx2.Response
) -> None:
    """Raises ContractBroken for an answer that breaks the contract or tells too much."""
    path, _, query = target.partition("?")
    # HEAD is GET without the body (RFC 9110, 9.3.2), so the contract needn't name it.
    meant = "GET" if method == "HEAD" else method
    here = [each for each in contract.operations_at(path) if each.method == meant]
    try:
        oracle.check(
            here[0] if here else None,
            method,
            response.status_code,
            response.headers,
            response.content,
        )
        if response.status_code == 500:
            raise ContractBroken("the service failed; the log above says why")
        _check_discretion(sent, query, body, response)
    except ContractBroken as broken:
        shown = response.content[:1000]
        raise ContractBroken(
            f"{method} {path} -> {response.status_code}: {broken}\n{shown!r}"
        ) from (broken)


def _check_discretion(sent: Headers, query: str, body: bytes, response: httpx2.Response) -> None:
    text = "\n".join([response.text, *response.headers.values()])
    if SECRET_MARK in text:
        raise ContractBroken("the answer holds an API key")
    if foreign := set(_TENANTS.findall(text)) - {sent.get("X-Tenant")}:
        raise ContractBroken(f"the answer names another tenant: {foreign}")
    if response.headers.get("content-type") != oracle.PROBLEM:
        return
    for value in {*_query_values(query), *_body_values(body)} - contract.declared_words():
        if len(value) >= _REPEATABLE_LENGTH and value in _without_instance(response):
            raise ContractBroken(f"the problem repeats an input value: {value[:40]!r}")


def _without_instance(response: httpx2.Response) -> str:
    problem = response.json()
    # The request's id is repeated on purpose.
    del problem["instance"]
    return json.dumps(problem, ensure_ascii=False)


def _query_values(query: str) -> Iterator[str]:
    for name, value in parse_qsl(query, keep_blank_values=True, errors="replace"):
        yield name
        yield value


def _body_values(body: bytes) -> Iterator[str]:
    """Every string in a JSON body, keys included; of another body what is no plain word."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        words = re.findall(r"[\w./:-]{8,}", body[:100_000].decode("utf-8", "replace"))
        yield from (word for word in words if not word.isalpha())
        return
    level = [document]
    while level:
        node = level.pop()
        if isinstance(node, dict):
            level.extend(node.values())
            yield from node
        elif isinstance(node, list):
            level.extend(node)
        elif isinstance(node, str):
            yield node
