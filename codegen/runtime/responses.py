"""Holds answers against the contract on their way out. What breaks it never reaches a caller."""

from collections.abc import Callable
from typing import Any, Final

import orjson
from anyio import to_thread
from connexion.exceptions import NonConformingResponseBody
from starlette.types import Message, Send

from .admission import LARGE_BYTES
from .media_types import is_json, media_type_of, most_specific
from .operation import Media, Operation
from .schemas import ContractSchemas
from .tables import answer_pointer

_MOST_ERRORS: Final = 3


class ResponseStep:
    """Holds a response back until its body is known to keep the contract.

    One of lines goes on line by line: the first that breaks the contract ends it. Of other bodies
    that are no JSON status and media type are checked, and they go on as they come.
    """

    def __init__(
        self, schemas: ContractSchemas, operation: Operation, *, has_body: bool = True
    ) -> None:
        self._schemas = schemas
        self._operation = operation
        self._has_body = has_body

    def wrap_send(self, send: Send) -> Send:
        take: Send | None = None

        async def checked(message: Message) -> None:
            nonlocal take
            if message["type"] == "http.response.start":
                take = self._taker(message, send)
                if take is None:
                    await send(message)
            else:
                await (take or send)(message)

        return checked

    def _taker(self, start: Message, send: Send) -> Send | None:
        """What takes the messages behind `start`, and sends that too; None if nothing needs it."""
        media = self._media(start)
        pointer = answer_pointer(self._schemas, media) if media else None
        if media is None or pointer is None:
            return None
        if is_json(media.media_type):
            return self._whole(start, send, pointer)
        bounds = self._schemas.at(media.pointer or "")
        return self._by_line(start, send, pointer, _Lines(bounds, self._has_body))

    def _whole(self, start: Message, send: Send, pointer: str) -> Send:
        chunks: list[bytes] = []

        async def take(message: Message) -> None:
            chunks.append(message.get("body", b""))
            if message.get("more_body", False):
                return
            body = b"".join(chunks)
            await _in_time(len(body), self._check, pointer, body, start["status"])
            await send(start)
            await send({"type": "http.response.body", "body": body})

        return take

    def _by_line(self, start: Message, send: Send, pointer: str, lines: "_Lines") -> Send:
        is_sent = False

        def check(ready: bytes) -> None:
            for line in ready.split(b"\n"):
                if line.strip():
                    lines.count += 1
                    self._check(pointer, line, start["status"])

        async def take(message: Message) -> None:
            nonlocal is_sent
            is_last = not message.get("more_body", False)
            ready = lines.ready(message.get("body", b""), is_last=is_last)
            await _in_time(len(ready), check, ready)
            if broken := lines.broken(is_last=is_last):
                raise self._broken(start["status"], broken)
            if not is_sent and (ready or is_last):
                await send(start)
                is_sent = True
            if ready or is_last:
                await send({**message, "body": ready})

        return take

    def _media(self, start: Message) -> Media | None:
        """The documented media type of this response; None where it has no body."""
        contents = documented(self._operation, start["status"])
        if contents is None:
            raise NonConformingResponseBody(
                detail=f"{self._operation.id} has no response {start['status']} in the contract"
            )
        sent = {name.lower(): value for name, value in start["headers"]}.get(b"content-type", b"")
        essence = media_type_of(sent)[0]
        found = most_specific((media.media_type for media in contents), essence)
        for media in contents:
            if media.media_type == found:
                # A range such as `*/*` says nothing of JSON; what was sent does.
                return Media(essence, media.pointer)
        if contents or essence:
            raise NonConformingResponseBody(
                detail=f"{self._operation.id} answered {start['status']} as {essence or 'nothing'}"
            )
        return None

    def _check(self, pointer: str, body: bytes, status: int) -> None:
        validator = self._schemas.compiled("response", pointer)
        value = orjson.loads(body)
        if not validator.is_valid(value):
            broken = [
                f"{error.kind.name} at {'/'.join(map(str, error.schema_path))}"
                for error, _ in zip(validator.iter_errors(value), range(_MOST_ERRORS), strict=False)
            ]
            raise self._broken(status, "; ".join(broken))

    def _broken(self, status: int, what: str) -> NonConformingResponseBody:
        detail = f"{self._operation.id} {status} breaks the contract: {what}"
        return NonConformingResponseBody(detail=detail)


class _Lines:
    """Holds back what is no whole line yet. `count` is how many there were, blank ones aside."""

    def __init__(self, array: dict[str, Any], has_body: bool) -> None:
        self._most = array.get("maxItems")
        self._least = array.get("minItems", 0) if has_body else 0
        self._begun: list[bytes] = []
        self.count = 0

    def ready(self, piece: bytes, *, is_last: bool) -> bytes:
        """What ends in this piece; of the last one all."""
        whole, feed, rest = piece.rpartition(b"\n")
        if is_last:
            whole, rest = piece, b""
        if feed or is_last:
            whole = b"".join([*self._begun, whole, b"" if is_last else feed])
            self._begun = []
        self._begun.append(rest)
        return whole

    def broken(self, *, is_last: bool) -> str:
        if self._most is not None and self.count > self._most:
            return f"maxItems ({self._most})"
        return f"minItems ({self._least})" if is_last and self.count < self._least else ""


async def _in_time(size: int, check: Callable[..., None], *arguments: Any) -> None:
    """What is large takes so long that others would wait for it."""
    if size > LARGE_BYTES:
        await to_thread.run_sync(check, *arguments)
    else:
        check(*arguments)


def documented(operation: Operation, status: int) -> tuple[Media, ...] | None:
    """Media types that the contract gives a status; None if it has no such response."""
    for key in (str(status), f"{status // 100}XX", "default"):
        if key in operation.responses:
            return operation.responses[key]
    return None
