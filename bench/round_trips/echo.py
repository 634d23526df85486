"""A service of any generated package that says what it was called with and answers as it is told.

It is served by a real server on a socket, in a thread, so that whoever calls it can look inside.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from bench.round_trips.package import Package

_PATIENCE_SECONDS = 60
_IDLE_SECONDS = 3600
Handle = Callable[[str, dict[str, Any]], Any]


def kept(name: str, value: Any) -> Any:
    """Lines are gone once the request is answered."""
    return list(value) if type(value).__name__ == "JsonLines" else value


@dataclass(slots=True)
class Echo:
    """What handlers were called with since it was last emptied, and what the next one returns, or
    raises. `keep` makes of an argument what is kept of it, while the request lasts."""

    url: str = ""
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    answer: Any = None
    keep: Callable[[str, Any], Any] = kept

    def taken(self) -> list[tuple[str, dict[str, Any]]]:
        calls, self.calls = self.calls, []
        return calls


@contextmanager
def echoing(package: Package) -> Iterator[Echo]:
    echo = Echo()
    listener = socket.create_server(("127.0.0.1", 0))
    echo.url = f"http://127.0.0.1:{listener.getsockname()[1]}"

    def handle(operation: str, arguments: dict[str, Any]) -> Any:
        taken = {key: echo.keep(key, value) for key, value in arguments.items()}
        echo.calls.append((operation, taken))
        if isinstance(echo.answer, Exception):
            raise echo.answer
        return echo.answer

    # To make the next values may take longer than servers keep an idle connection.
    config = uvicorn.Config(
        application_of(package, handle), log_config=None, timeout_keep_alive=_IDLE_SECONDS
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not server.started and thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.01)
        if not server.started:
            raise RuntimeError(f"the service of {package.name} did not start")
        yield echo
    finally:
        server.should_exit = True
        thread.join(timeout=_PATIENCE_SECONDS)
        listener.close()


def application_of(package: Package, handle: Handle) -> ASGIApp:
    """Every handler of it is `handle`, which gets the operation id and the arguments by name."""
    routes = package.module("routes")
    application = package.module("runtime.application")
    view = package.view
    handlers = routes.Handlers(
        **{one.name: _handlers(package, one.name, handle) for one in fields(routes.Handlers)}
    )
    built: ASGIApp = application.build_application(
        application.Assembly(
            document=package.document,
            view=view,
            operations=package.module("operations").OPERATIONS,
            routes=routes.routes(handlers, package.module("runtime.hooks").PlainHooks()),
            authenticators=dict.fromkeys(
                view["components"]["securitySchemes"], lambda credential: credential.value
            ),
        )
    )
    return built


def _handlers(package: Package, module: str, handle: Handle) -> Any:
    """An object with a handler for each operation of the tag, which derives from nothing."""
    found = package.module(f"routes.{module}")
    [protocol] = [
        one
        for name, one in vars(found).items()
        if name.endswith("Handlers") and one.__module__ == found.__name__
    ]
    names = package.module("runtime.binding").operations_of(protocol)
    return type("Echoing", (), {name: _handler(name, handle) for name in names})()


def _handler(name: str, handle: Handle) -> Callable[..., Any]:
    def handler(self: object, context: object, /, **arguments: Any) -> Any:
        return handle(name, arguments)

    return handler
