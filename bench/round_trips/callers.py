"""One way to use both clients: the blocking one, and the awaiting one in a loop."""

import asyncio
from types import TracebackType
from typing import Any, Protocol, Self

from codegen.runtime.media_types import is_json_lines


class Caller(Protocol):
    """`stream` gives the fields of a result and all of its body that could be read.

    After `stop_after` pieces the caller fails, as a program may.
    """

    def call(self, operation: str, /, **arguments: Any) -> Any: ...
    def pages(self, operation: str, /, **arguments: Any) -> list[Any]: ...
    def stream(
        self, operation: str, /, *, stop_after: int | None = None, **arguments: Any
    ) -> tuple[Any, list[bytes]]: ...
    def lines(self, operation: str, /, **arguments: Any) -> list[bytes]: ...
    def models(self, operation: str, /, **arguments: Any) -> list[Any]: ...
    def whole(self, operation: str, /, **arguments: Any) -> tuple[Any, Any]:
        """The fields of a streamed result, and all of its body: models where it is lines."""
        ...


class Blocking:
    def __init__(self, client: Any, *arguments: Any, **options: Any) -> None:
        self._client = client.Client(*arguments, **options)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client.close()

    def call(self, operation: str, /, **arguments: Any) -> Any:
        return getattr(self._client, operation)(**arguments)

    def pages(self, operation: str, /, **arguments: Any) -> list[Any]:
        return list(getattr(self._client, operation)(**arguments))

    def stream(
        self, operation: str, /, *, stop_after: int | None = None, **arguments: Any
    ) -> tuple[Any, list[bytes]]:
        with getattr(self._client, operation)(**arguments) as result:
            body = getattr(result, "body", ())
            pieces: list[bytes] = []
            for piece in body if callable(getattr(body, "close", None)) else ():
                pieces.append(piece)
                _stop(pieces, stop_after)
            return result, pieces

    def lines(self, operation: str, /, **arguments: Any) -> list[bytes]:
        with getattr(self._client, operation)(**arguments) as result:
            return list(result.body.lines())

    def models(self, operation: str, /, **arguments: Any) -> list[Any]:
        with getattr(self._client, operation)(**arguments) as result:
            return list(result.body.models())

    def whole(self, operation: str, /, **arguments: Any) -> tuple[Any, Any]:
        with getattr(self._client, operation)(**arguments) as result:
            body: Any = getattr(result, "body", None)
            if _has_models(result):
                return result, list(body.models())
            return result, body.read() if callable(getattr(body, "close", None)) else body


class Awaiting:
    def __init__(self, client: Any, *arguments: Any, **options: Any) -> None:
        self._runner = asyncio.Runner()
        self._client = client.AsyncClient(*arguments, **options)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._runner.run(self._client.close())
        self._runner.close()

    def call(self, operation: str, /, **arguments: Any) -> Any:
        return self._runner.run(getattr(self._client, operation)(**arguments))

    def pages(self, operation: str, /, **arguments: Any) -> list[Any]:
        async def collect() -> list[Any]:
            return [page async for page in getattr(self._client, operation)(**arguments)]

        return self._runner.run(collect())

    def stream(
        self, operation: str, /, *, stop_after: int | None = None, **arguments: Any
    ) -> tuple[Any, list[bytes]]:
        async def collect() -> tuple[Any, list[bytes]]:
            async with getattr(self._client, operation)(**arguments) as result:
                pieces: list[bytes] = []
                if hasattr(getattr(result, "body", None), "close"):
                    async for piece in result.body:
                        pieces.append(piece)
                        _stop(pieces, stop_after)
                return result, pieces

        return self._runner.run(collect())

    def lines(self, operation: str, /, **arguments: Any) -> list[bytes]:
        async def collect() -> list[bytes]:
            async with getattr(self._client, operation)(**arguments) as result:
                return [line async for line in result.body.lines()]

        return self._runner.run(collect())

    def models(self, operation: str, /, **arguments: Any) -> list[Any]:
        async def collect() -> list[Any]:
            async with getattr(self._client, operation)(**arguments) as result:
                return [model async for model in result.body.models()]

        return self._runner.run(collect())

    def whole(self, operation: str, /, **arguments: Any) -> tuple[Any, Any]:
        async def collect() -> tuple[Any, Any]:
            async with getattr(self._client, operation)(**arguments) as result:
                body: Any = getattr(result, "body", None)
                if _has_models(result):
                    return result, [model async for model in body.models()]
                return result, await body.read() if callable(getattr(body, "close", None)) else body

        return self._runner.run(collect())


def _stop(pieces: list[bytes], after: int | None) -> None:
    if after is not None and len(pieces) >= after:
        raise ZeroDivisionError


def _has_models(result: Any) -> bool:
    """Whether its body is lines: one that names no media type has that of its contract alone."""
    is_of_lines = callable(getattr(getattr(result, "body", None), "models", None))
    content_type = getattr(result, "content_type", None)
    return is_of_lines and (content_type is None or is_json_lines(content_type))
