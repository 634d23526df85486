"""A service put together by hand from operations as data, and a caller in the same process."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, cast

import httpx2
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message

from codegen.runtime.application import Assembly, RequestRecord, build_application
from codegen.runtime.dispatch import invoke
from codegen.runtime.hooks import Call, Hooks, PlainHooks
from codegen.runtime.operation import Media, Operation
from codegen.runtime.problems import Problem
from codegen.runtime.quota import Quota
from codegen.runtime.security import Authenticator

from .contracts import document

JSON = (Media("application/json", "/components/schemas/Any"),)
PROBLEM = (Media("application/problem+json", None),)
ANSWERS: Mapping[str, tuple[Media, ...]] = {"200": JSON, "default": PROBLEM}

Handle = Callable[[Call], Any]


def result(
    body: Any = b"",
    status: int = 200,
    media_type: str | None = "application/json",
    **headers: tuple[str, Any],
) -> Any:
    """An object as the emitted result classes make it; a header is its name and its value."""
    fields = {
        "status": status,
        "media_type": media_type,
        "HEADERS": {argument: name for argument, (name, _) in headers.items()},
        "body": body,
        **{argument: value for argument, (_, value) in headers.items()},
    }
    return cast(Any, type("Result", (), fields))()


def operation(id: str = "ask", method: str = "GET", path: str = "/ask", **fields: Any) -> Operation:
    return Operation(id=id, method=method, path=path, tag="all", **{"responses": ANSWERS, **fields})


@dataclass
class Service:
    """What a service is made of; `handlers` by operation id, a plain answer for the others."""

    operations: list[Operation] = field(default_factory=lambda: [operation()])
    handlers: Mapping[str, Handle] = field(default_factory=dict)
    schemas: Mapping[str, Any] = field(default_factory=dict)
    schemes: Mapping[str, Any] = field(default_factory=dict)
    authenticators: Mapping[str, Authenticator] = field(default_factory=dict)
    endpoints: Mapping[str, Callable[[Request], Any]] = field(default_factory=dict)
    hooks: Hooks[Any] = field(default_factory=PlainHooks)
    more: Mapping[str, Any] = field(default_factory=dict)
    problem_table: Callable[[Exception], Problem | None] = lambda error: None
    observer: Callable[[RequestRecord], None] | None = None
    places: int = 8
    quota: Quota | None = None
    records: list[RequestRecord] = field(default_factory=list)

    def application(self) -> ASGIApp:
        whole = document({"Any": {}, **self.schemas})
        whole["components"] |= {"securitySchemes": dict(self.schemes), **self.more}
        return build_application(
            Assembly(
                document=whole,
                view=lowered(self.operations, self.schemes),
                operations={one.id: one for one in self.operations},
                routes=[self._route(one) for one in self.operations],
                authenticators=self.authenticators,
                problem_table=self.problem_table,
                observer=self.observer or self.records.append,
                places=self.places,
                quota=self.quota,
            )
        )

    def _route(self, one: Operation) -> Route:
        handle: Handle = self.handlers.get(one.id, lambda call: result(b"{}"))

        async def endpoint(request: Request) -> Response:
            return await invoke(request, one, self.hooks, lambda context, call: handle(call))

        return Route(one.path, self.endpoints.get(one.id, endpoint), methods=[one.method])


def lowered(operations: Iterable[Operation], schemes: Mapping[str, Any]) -> dict[str, Any]:
    """The view that Connexion routes by, as the generator writes it."""
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        entry: dict[str, Any] = {
            "operationId": one.id,
            "parameters": [
                {"name": p.name, "in": p.location, "required": p.required, "schema": {}}
                for p in one.parameters
            ],
            "responses": {
                status: {"description": "", "content": _content(contents)}
                for status, contents in one.responses.items()
            },
            "security": [
                {name: list(roles) for name, roles in requirement.items()}
                for requirement in one.security
            ],
        }
        if one.request_body:
            body = {"content": _content(one.request_body.content)}
            entry["requestBody"] = {**body, "required": one.request_body.required}
        paths.setdefault(one.path, {})[one.method.lower()] = entry
    info = {"title": "small", "version": "1"}
    components = {"securitySchemes": dict(schemes)}
    return {"openapi": "3.0.3", "info": info, "paths": paths, "components": components}


def _content(contents: Iterable[Media]) -> dict[str, Any]:
    return {media.media_type: {"schema": {"description": "checked"}} for media in contents}


class Caller:
    """Calls a service in this process; one event loop for all calls."""

    def __init__(self, service: Service) -> None:
        self._application = service.application()
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._runner.close()

    def ask(self, method: str = "GET", url: str = "/ask", **options: Any) -> httpx2.Response:
        return self.ask_all([(method, url, options)])[0]

    def ask_all(self, requests: Iterable[tuple[str, str, dict[str, Any]]]) -> list[httpx2.Response]:
        """The answers to requests that are made at once."""

        async def ask() -> list[httpx2.Response]:
            transport = httpx2.ASGITransport(self._application)
            async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
                return await asyncio.gather(
                    *(client.request(method, url, **rest) for method, url, rest in requests)
                )

        return self._runner.run(ask())

    def exchange(
        self,
        messages: Iterable[Message] = (),
        *,
        method: str = "GET",
        path: str = "/ask",
        headers: Iterable[tuple[bytes, bytes]] = (),
        **scope: Any,
    ) -> list[Message]:
        """What a server would be told to send, for messages that no client library makes.

        The client stays and says nothing more, unless the last message is a disconnect.
        """
        sent: list[Message] = []
        incoming = iter(messages)

        async def receive() -> Message:
            message = next(incoming, None)
            if message is None:
                await asyncio.sleep(5)
                raise AssertionError("nothing more comes from this client")
            return message

        async def send(message: Message) -> None:
            sent.append(message)

        whole = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": list(headers),
            "server": ("test", 80),
            "scheme": "http",
            **scope,
        }

        async def serve() -> None:
            await self._application(whole, receive, send)

        self._sent = sent
        self._runner.run(serve())
        return sent

    @property
    def sent(self) -> list[Message]:
        """What the last exchange sent, even if it ended in an exception."""
        return self._sent


def slug(answer: httpx2.Response) -> str:
    """The last part of a problem's type, once it is a whole problem."""
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert set(told) - {"errors"} == {"type", "title", "status", "detail", "instance"}
    assert told["status"] == answer.status_code
    assert told["instance"] == f"urn:request:{answer.headers['x-request-id']}"
    assert answer.headers["cache-control"] == "no-store"
    return str(told["type"].removeprefix("/problems/"))
