"""The client that awaits: input and output for `client_core`, and no decisions.

`client_sync` is made of this text by the generator, word by word.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Generic, Self, TypedDict, TypeVar

import anyio
import httpx2

from .client_answers import Described, ResultT, Typed, read_line
from .client_body import Content, Gathered
from .client_cache import EntityCache
from .client_core import Arguments, ClientCore, Steps
from .client_credentials import CredentialSet
from .client_errors import ConnectionLost
from .client_retries import Retrying
from .client_steps import Outcome, Received, Step, Wait
from .client_wire import TIMEOUT, failed, received, request_of

ItemT = TypeVar("ItemT")


class AsyncOptions(TypedDict, total=False):
    """`transport` and `auth` are the HTTP library's own. With `auth` no credential is missed."""

    retrying: Retrying
    cache: EntityCache
    timeout: httpx2.Timeout
    transport: httpx2.AsyncBaseTransport
    auth: httpx2.Auth


class AsyncByteStream:
    """The body of an answer, as it comes. It can be read once, while its `async with` lasts."""

    def __init__(self, operation: str, response: httpx2.Response) -> None:
        self._operation = operation
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._response.aiter_bytes():
                yield piece
        except httpx2.RequestError as error:
            reason = failed(error).reason
        else:
            return
        raise ConnectionLost(self._operation, reason)

    async def lines(self) -> AsyncIterator[bytes]:
        """Each line without its end, as soon as that came; blank ones are passed over."""
        begun: list[bytes] = []
        async for piece in self:
            *whole, rest = piece.split(b"\n")
            if whole:
                whole[0] = b"".join([*begun, whole[0]])
                begun.clear()
            begun.append(rest)
            for line in whole:
                if line.strip():
                    yield line.removesuffix(b"\r")
        last = b"".join(begun)
        if last.strip():
            yield last

    def reading(self, line: Typed, status: int) -> "AsyncLineStream[Any]":
        """The same stream, of which each line is read as what the contract says it is."""
        return AsyncLineStream(self._operation, self._response, line, status)

    async def read(self) -> bytes:
        return b"".join([piece async for piece in self])

    async def close(self) -> None:
        await self._response.aclose()


class AsyncLineStream(AsyncByteStream, Generic[ItemT]):
    """A body of lines. It can be read once: by `models`, or as any other."""

    def __init__(self, operation: str, response: httpx2.Response, line: Typed, status: int) -> None:
        super().__init__(operation, response)
        self._line = line
        self._status = status

    async def models(self) -> AsyncIterator[ItemT]:
        """What each line holds, as it comes. Raises UnexpectedAnswer for what doesn't fit."""
        async for line in self.lines():
            yield read_line(self._operation, self._status, self._line, line)


class AsyncCalls:
    """What the emitted `AsyncClient` has from here. Tasks may share one."""

    def __init__(
        self,
        base_url: str,
        credentials: CredentialSet,
        *,
        retrying: Retrying | None = None,
        cache: EntityCache | None = None,
        timeout: httpx2.Timeout = TIMEOUT,
        transport: httpx2.AsyncBaseTransport | None = None,
        auth: httpx2.Auth | None = None,
    ) -> None:
        self._core = ClientCore(
            credentials, retrying or Retrying(), cache or EntityCache(), auth is None
        )
        self._http = httpx2.AsyncClient(
            base_url=base_url, timeout=timeout, transport=transport, auth=auth
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def _call(
        self,
        described: Described[ResultT],
        arguments: Arguments,
        body: object = None,
        content_type: str | None = None,
    ) -> ResultT:
        asked = self._core.ask(described, arguments, body, content_type)
        return await self._run(described.operation.id, asked)

    @asynccontextmanager
    async def _stream(
        self,
        described: Described[ResultT],
        arguments: Arguments,
        body: object = None,
        content_type: str | None = None,
    ) -> AsyncIterator[ResultT]:
        result = await self._call(described, arguments, body, content_type)
        try:
            yield result
        finally:
            stream = getattr(result, "body", None)
            if isinstance(stream, AsyncByteStream):
                await stream.close()

    async def _pages(
        self, described: Described[ResultT], arguments: Arguments
    ) -> AsyncIterator[ResultT]:
        following: Arguments | None = arguments
        while following is not None:
            asked = self._core.page(described, following)
            result, following = await self._run(described.operation.id, asked)
            yield result

    async def _run(self, operation: str, steps: Steps[ResultT]) -> ResultT:
        outcome: Outcome = None
        try:
            while True:
                step = steps.send(outcome)
                await _close(outcome)
                outcome = await self._take(operation, step)
        except StopIteration as done:
            result: ResultT = done.value
            return result
        except BaseException:
            await _close(outcome)
            raise

    async def _take(self, operation: str, step: Step) -> Outcome:
        if isinstance(step, Wait):
            await anyio.sleep(step.seconds)
            return None
        try:
            request = request_of(self._http, step, _sent(step.content))
            response = await self._http.send(request, stream=True)
            if step.keeps_open(response.status_code, response.headers.get("content-type", "")):
                return received(response, stream=AsyncByteStream(operation, response))
            try:
                return received(response, await response.aread())
            finally:
                await response.aclose()
        except httpx2.RequestError as error:
            return failed(error)


async def _close(outcome: Outcome) -> None:
    """Of an answer that is not handed on."""
    if isinstance(outcome, Received) and outcome.stream is not None:
        await outcome.stream.close()


def _sent(content: Content) -> bytes | AsyncIterator[bytes] | None:
    return content.whole if content.source is None else _pieces(content)


async def _pieces(content: Content) -> AsyncIterator[bytes]:
    gathered = Gathered()
    async for each in content.each_async():
        piece = gathered.add(content.encode(each))
        if piece:
            yield piece
    yield gathered.rest()
