"""Runs a handler for a decoded request and encodes its typed result.

Handlers are synchronous and run in worker threads, never on the event loop.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NoReturn, Protocol, TypeVar, cast

import anyio
from anyio import to_thread
from pydantic import BaseModel, TypeAdapter
from starlette.requests import Request
from starlette.responses import Response

from .byte_ranges import has_parts, in_part
from .encoded_json import EncodedJson
from .hooks import Answer, Call, ContextT, Hooks, NotModified, Page
from .media_types import is_json, is_json_lines
from .operation import Operation
from .problems import not_found, unavailable, unsupported_media_type
from .streaming import StreamedResponse, as_bytes, is_streamed, source_of
from .tables import CALL

# At a few milliseconds a request so many are done well within a caller's patience.
_WAITING_A_PLACE = 32
# Beyond so many the others take turns: refusing them takes a twentieth of a processor.
_REFUSALS_A_SECOND = 200
_LONGEST_REFUSAL_SECONDS = 5.0
_ANYTHING: TypeAdapter[Any] = TypeAdapter(Any)
# RFC 9110, 5.5. Servers differ in whether they stop a line break, which would begin a new header.
_HEADER_TEXT = re.compile(r"[\t\x20-\x7e]*")


class Result(Protocol):
    """What emitted result classes have in common; `body` is there unless `media_type` is None."""

    @property
    def status(self) -> int: ...

    media_type: ClassVar[str | None]
    HEADERS: ClassVar[Mapping[str, str]]


ResultT = TypeVar("ResultT", bound=Result)
WorkT = TypeVar("WorkT")


class Workers:
    """Places for running handlers. A request that gets none within `patience` seconds is a 503.

    So is one that finds `waiting` others before it, without waiting with them: a queue without an
    end would take memory and time for requests whose callers have long given up.
    """

    def __init__(self, places: int, patience: float = 2.0, waiting: int | None = None) -> None:
        self._semaphore = anyio.Semaphore(places)
        self._limiter = anyio.CapacityLimiter(places)
        self._patience = patience
        self._most_waiting = _WAITING_A_PLACE * places if waiting is None else waiting
        self._waiting = 0
        self._next_refusal = 0.0

    @property
    def is_full(self) -> bool:
        """Whether a request that came now would be refused at once."""
        return self._waiting >= self._most_waiting

    async def refuse(self) -> NoReturn:
        """Raises a 503 Problem, at once unless many are refused: then these take turns.

        Callers who heed no Retry-After would else have the event loop do nothing but refuse them,
        while handlers that are done wait for it to give their places to others.
        """
        now = anyio.current_time()
        self._next_refusal = max(now, self._next_refusal + 1 / _REFUSALS_A_SECOND)
        self._next_refusal = min(self._next_refusal, now + _LONGEST_REFUSAL_SECONDS)
        await anyio.sleep(self._next_refusal - now)
        detail = f"The service is busy: {self._most_waiting} requests wait already. Try again."
        raise unavailable(detail, retry_after=1)

    async def run(self, work: Callable[[], WorkT]) -> WorkT:
        try:
            self._semaphore.acquire_nowait()
        except anyio.WouldBlock:
            if self.is_full:
                await self.refuse()
            await self._wait()
        try:
            return await to_thread.run_sync(work, limiter=self._limiter)
        finally:
            self._semaphore.release()

    async def _wait(self) -> None:
        self._waiting += 1
        try:
            with anyio.move_on_after(self._patience):
                await self._semaphore.acquire()
                return
        finally:
            self._waiting -= 1
        detail = f"The service is busy: no place within {self._patience:g} s. Try again."
        raise unavailable(detail, retry_after=1)


async def invoke(
    request: Request,
    operation: Operation,
    hooks: Hooks[ContextT],
    handler: Callable[[ContextT, Call], ResultT],
) -> Response:
    """Answers one request: hooks, handler and encoding, all in one worker thread.

    A caller whose answer still holds is told so before that, where the hooks can tell.
    """
    call = cast(Call | None, request.scope["extensions"].get(CALL))
    if call is None:
        # Connexion matched no path (one with a line break, say), so it neither asked who is
        # calling nor checked a value: for a caller, nothing is here.
        raise not_found()
    if operation.request_body is not None and not call.body_read:
        # Connexion found no media type to validate by; a body that nobody checked goes no further.
        accepted = [media.media_type for media in operation.request_body.content]
        raise unsupported_media_type(accepted)
    state = request.app.state
    workers = cast(Workers, state.workers if operation.security else state.public_workers)
    if call.if_none_match is not None and "x-etag" in operation.extensions:
        unchanged = await hooks.unchanged(call, workers.run)
        if unchanged is not None:
            return _not_modified(operation, unchanged)
    response = await workers.run(lambda: _answer(operation, hooks, call, handler))
    return in_part(response, operation, request) if has_parts(operation) else response


def _answer(
    operation: Operation,
    hooks: Hooks[ContextT],
    call: Call,
    handler: Callable[[ContextT, Call], ResultT],
) -> Response:
    context = hooks.context(call)
    try:
        if "x-page" in operation.extensions:
            call.set_page(_page(operation, hooks, context, call))

        def run() -> ResultT:
            return handler(context, call)

        answer: Answer[ResultT] | NotModified
        if "x-etag" in operation.extensions:
            answer = hooks.conditional(context, call, run)
        elif call.idempotency_key is not None:
            answer = hooks.idempotent(context, call, run)
        else:
            answer = Answer(run())
        if isinstance(answer, NotModified):
            return _not_modified(operation, answer)
        return encode(answer.result, answer.headers, defaults=_cache(operation))
    finally:
        hooks.finish(context)


def _not_modified(operation: Operation, answer: NotModified) -> Response:
    return Response(status_code=304, headers={"ETag": answer.etag, **_cache(operation)})


def _cache(operation: Operation) -> dict[str, str]:
    # A cache that doesn't know our credentials for such must not hand one caller's answer to
    # another; asking again with If-None-Match is cheap.
    return {"Cache-Control": "private, no-cache"} if operation.security else {}


def _page(operation: Operation, hooks: Hooks[ContextT], context: ContextT, call: Call) -> Page:
    after = None
    if call.page_token is not None:
        after = hooks.page_cursor(context, call, call.page_token)
    if call.page_limit is None:
        raise LookupError(f"the limit parameter of {operation.id} needs a default in the contract")
    return Page(call.page_limit, after, lambda cursor: hooks.page_token(context, call, cursor))


def encode(
    result: Result, headers: Mapping[str, str], defaults: Mapping[str, str] | None = None
) -> Response:
    """A typed result as an HTTP response: status and media type from its class, body as JSON.

    A body that is not JSON is sent as it is, or as it is made: see `RawBody` and `LinesBody`.
    `headers` replace the result's own, which replace `defaults`.
    """
    own = {
        name: _header(name, value)
        for argument, name in result.HEADERS.items()
        if (value := getattr(result, argument)) is not None
    }
    # Names know no case, and a header that is sent twice is read as a list.
    sent = {
        name.lower(): value
        for source in (defaults or {}, own, headers)
        for name, value in source.items()
    }
    if result.media_type is None:
        return Response(status_code=result.status, headers=sent)
    media_type: str = getattr(result, "content_type", result.media_type)
    charset = "; charset=utf-8" if media_type.startswith("text/") else ""
    sent["content-type"] = media_type + charset
    body = cast(Any, result).body
    if is_json(media_type) or isinstance(body, bytes | EncodedJson):
        return Response(encode_body(body), result.status, sent)
    if isinstance(body, str | BaseModel | Mapping):
        raise TypeError(f"a body of {media_type} must be bytes, not {type(body).__name__}")
    encode_piece = _line if is_json_lines(media_type) else as_bytes
    return StreamedResponse(source_of(body, encode_piece), result.status, sent)


def _line(value: Any) -> bytes:
    return encode_body(value) + b"\n"


def encode_body(body: Any) -> bytes:
    """Raises TypeError for a body that is made while it is sent: nobody has it as a whole."""
    if isinstance(body, bytes):
        return body
    if isinstance(body, EncodedJson):
        return body.content
    if is_streamed(body):
        raise TypeError(f"a body that is sent as it is made ({type(body).__name__}) has no bytes")
    if isinstance(body, BaseModel):
        serializer = body.__pydantic_serializer__
        # Handlers may build models without validating them; the response is validated after this.
        return serializer.to_json(body, by_alias=True, exclude_unset=True, warnings=False)
    return _ANYTHING.dump_json(body, by_alias=True, exclude_unset=True)


def _header(name: str, value: Any) -> str:
    """In the style `simple`. Raises ValueError for text that would break out of the header."""
    plain = _ANYTHING.dump_python(value, mode="json")
    parts = plain if isinstance(plain, list) else [plain]
    text = ",".join(str(part).lower() if isinstance(part, bool) else str(part) for part in parts)
    if not _HEADER_TEXT.fullmatch(text):
        raise ValueError(f"the header {name} may hold visible ASCII characters and spaces alone")
    return text
