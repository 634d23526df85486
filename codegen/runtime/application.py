"""Assembles a service: emitted routes behind Connexion's routing, security and validation.

Every failure on the way becomes a problem here, and every request one record for the observer.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from anyio import CapacityLimiter
from connexion.exceptions import NonConformingResponse, ProblemException
from connexion.middleware import ConnexionMiddleware
from connexion.middleware.lifespan import LifespanMiddleware
from connexion.middleware.request_validation import RequestValidationMiddleware
from connexion.middleware.response_validation import ResponseValidationMiddleware
from connexion.middleware.routing import RoutingMiddleware
from connexion.middleware.security import SecurityMiddleware
from connexion.resolver import Resolver
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from . import problems
from .admission import LargeBodies, Ticket
from .dispatch import Workers
from .exchange import CLIENT_CLOSED, Exchange, RequestRecord, log_failure
from .operation import Operation
from .paths import (
    KnownPath,
    KnownPaths,
    methods_of,
    path_pattern,
    route_path,
    with_whole_segments,
)
from .problems import Problem
from .quota import Quota, QuotaStep
from .security import SCHEME_NAME, Authenticator, challenge, security_map
from .tables import OPERATION_SCOPE, ContractTables
from .validation import validators

__all__ = ["Assembly", "Observer", "ProblemTable", "RequestRecord", "build_application"]

# Probes and pages that anyone may ask for must neither starve nor starve the rest.
_PUBLIC_PLACES = 2


Observer = Callable[[RequestRecord], None]
# Turns a service's own exceptions into problems; None for those it doesn't know.
ProblemTable = Callable[[Exception], Problem | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """What `build_application` puts together.

    `document` is the bundled contract, `view` its lowered form for Connexion, both parsed JSON.
    `places` is how many handlers may run at once. Without a `quota` nobody is turned away for
    asking too much. `observer` gets a record of each request; unless one is given, failures are
    logged. `keeps_request_id` says of a caller's own request id whether it may be logged
    and sent back.
    """

    document: dict[str, Any]
    view: dict[str, Any]
    operations: Mapping[str, Operation]
    routes: Sequence[Route]
    authenticators: Mapping[str, Authenticator]
    problem_table: ProblemTable = lambda error: None
    observer: Observer = log_failure
    places: int = 8
    quota: Quota | None = None
    keeps_request_id: Callable[[str], bool] = lambda sent: True
    lifespan: Any = None


def build_application(assembly: Assembly) -> ASGIApp:
    """The ASGI application of a contract. Raises KeyError for a scheme without an authenticator."""
    tables = ContractTables(assembly.document, assembly.operations)
    schemes = assembly.view.get("components", {}).get("securitySchemes", {})
    if missing := sorted(set(schemes) - set(assembly.authenticators)):
        raise KeyError(f"no authenticator for security scheme: {', '.join(missing)}")
    inner = Starlette(routes=list(assembly.routes))
    inner.router.redirect_slashes = False
    inner.state.workers = Workers(assembly.places)
    inner.state.public_workers = Workers(_PUBLIC_PLACES)
    # Threads apart: whoever downloads slowly keeps no handler from running.
    inner.state.streaming = CapacityLimiter(assembly.places)
    connexion = ConnexionMiddleware(
        _Inner(inner, assembly.routes),
        lifespan=assembly.lifespan,
        middlewares=[
            RoutingMiddleware,
            SecurityMiddleware,
            *_quota_step(assembly),
            RequestValidationMiddleware,
            ResponseValidationMiddleware,
            LifespanMiddleware,
        ],
    )
    connexion.add_api(
        {
            **assembly.view,
            "paths": _as_routed(assembly.view["paths"]),
            "components": {"securitySchemes": _named(schemes)},
        },
        validate_responses=True,
        strict_validation=False,
        validator_map=validators(tables),
        security_map=security_map(assembly.authenticators, schemes),
        resolver=Resolver(function_resolver=lambda operation_id: _unused),
        uri_parser_class=_NoUriParser,
    )
    return _Boundary(connexion, assembly, inner.state.workers)


def _quota_step(assembly: Assembly) -> list[Any]:
    quota = assembly.quota
    return [partial(QuotaStep, quota=quota, operations=assembly.operations)] if quota else []


def _named(schemes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: {**scheme, SCHEME_NAME: name} for name, scheme in schemes.items()}


def _as_routed(paths: Mapping[str, Any]) -> dict[str, Any]:
    """The view's paths as Connexion needs them, which takes the first of all that fits.

    `{}` is the last alternative of a security requirement: it always fits, so nobody would ever be
    known. HEAD is the first method of a path: its router answers HEAD by GET as well.
    """
    return {
        path: {
            method: {
                **operations[method],
                "security": sorted(operations[method]["security"], key=_is_anonymous),
            }
            for method in sorted(operations, key=lambda method: method != "head")
        }
        for path, operations in paths.items()
    }


def _is_anonymous(requirement: Mapping[str, Any]) -> bool:
    return not requirement


def _unused() -> None:
    """Stands where Connexion wants a function; the emitted routes call the handlers."""


class _NoUriParser:
    """Connexion makes a parser for each request; ours is in `parameters`, so this does nothing."""

    def __init__(self, *_: Any) -> None: ...


class _Inner:
    """The inner application as the request's `app`, in whose place Connexion put itself.

    Connexion has found the operation by then; what it found none for, the router answers.
    """

    def __init__(self, inner: Starlette, routes: Iterable[Route]) -> None:
        self._inner = inner
        self._endpoints = {route.name: route.endpoint for route in routes}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope = {**scope, "app": self._inner}
        routing = scope.get("extensions", {}).get(OPERATION_SCOPE, {})
        endpoint = self._endpoints.get(routing.get("operation_id", ""))
        if endpoint is None:
            await self._inner.router(scope, receive, send)
            return
        response = await endpoint(Request(scope, receive, send))
        await response(scope, receive, send)


class _Boundary:
    """The outermost layer: request ids, problems, records."""

    def __init__(self, app: ASGIApp, assembly: Assembly, workers: Workers) -> None:
        self._app = app
        self._workers = workers
        self._assembly = assembly
        self._large_bodies = LargeBodies()
        self._known = KnownPaths(assembly.operations.values())
        public = [each.path for each in assembly.operations.values() if not each.security]
        self._public = re.compile("|".join(map(path_pattern, public)) or r"(?!)")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope = with_whole_segments(scope)
        scope["headers"] = [_plain_media_type(name, value) for name, value in scope["headers"]]
        exchange = Exchange(scope, send, self._assembly.keeps_request_id)
        try:
            matching = self._known.matching(route_path(scope))
            if not matching:
                # The router would answer with a redirect where a closing slash more or less fits.
                raise problems.not_found()
            _refuse_method(matching, scope["method"])
            if self._workers.is_full and self._is_guarded(scope):
                # Refusing late would cost as much as answering, and then nothing gets answered.
                await self._workers.refuse()
            with Ticket(self._large_bodies, scope):
                await self._app(scope, exchange.receiving(receive), exchange.send)
            exchange.finish()
        except ClientDisconnect as gone:
            exchange.failed(CLIENT_CLOSED, gone)
        except Exception as error:  # noqa: BLE001  # the boundary: each failure becomes a problem
            await self._answer_with_problem(exchange, error)
        finally:
            self._assembly.observer(exchange.record())

    def _is_guarded(self, scope: Scope) -> bool:
        """Whether the path has none but guarded operations: public ones wait elsewhere."""
        return not self._public.fullmatch(route_path(scope))

    async def _answer_with_problem(self, exchange: Exchange, error: Exception) -> None:
        problem = self._problem(exchange.scope, error)
        exchange.failed(problem.status, error)
        if exchange.started:
            # The status is on the wire already: cutting the connection is all that tells the truth.
            raise error
        await exchange.answer(problem)

    def _problem(self, scope: Scope, error: Exception) -> Problem:
        if isinstance(error, Problem):
            return error
        if (known := self._assembly.problem_table(error)) is not None:
            return known
        if isinstance(error, HTTPException):
            return self._from_status(scope, error.status_code)
        if isinstance(error, ProblemException) and not isinstance(error, NonConformingResponse):
            return self._from_status(scope, error.status)
        return problems.internal_error()

    def _from_status(self, scope: Scope, status: int) -> Problem:
        if status == 401:
            asked = challenge(self._schemes(scope))
            return problems.unauthenticated(asked, "This operation needs credentials.")
        if status == 403:
            return problems.forbidden("The credentials do not allow this operation.")
        if status == 404:
            return problems.not_found()
        if status == 405:
            methods = methods_of(self._known.matching(route_path(scope)))
            return problems.method_not_allowed(", ".join(methods))
        if status == 415:
            return problems.unsupported_media_type(self._accepted(scope))
        if status < 500:
            return problems.malformed_request("The request can't be read.")
        return problems.internal_error()

    def _schemes(self, scope: Scope) -> dict[str, Any]:
        """The security schemes that the operation's requirements name."""
        declared = self._assembly.view.get("components", {}).get("securitySchemes", {})
        routing = scope.get("extensions", {}).get(OPERATION_SCOPE, {})
        operation = self._assembly.operations.get(routing.get("operation_id", ""))
        wanted = {name for each in operation.security for name in each} if operation else declared
        return {name: scheme for name, scheme in declared.items() if name in wanted}

    def _accepted(self, scope: Scope) -> list[str]:
        routing = scope.get("extensions", {}).get("connexion_routing", {})
        operation = self._assembly.operations.get(routing.get("operation_id", ""))
        body = operation.request_body if operation else None
        return [media.media_type for media in body.content] if body else []


def _plain_media_type(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    """The header, its media type in small letters: Connexion compares letter by letter."""
    if name != b"content-type":
        return name, value
    essence, semicolon, options = value.partition(b";")
    return name, essence.strip().lower() + semicolon + options


def _refuse_method(matching: list[KnownPath], method: str) -> None:
    """Raises a 405 Problem where only a less concrete path has the method.

    The router would go on to that one, but the more concrete one is what was meant.
    """
    if any(method in path.methods for path in matching):
        methods = methods_of(matching)
        if method not in methods:
            raise problems.method_not_allowed(", ".join(methods))
