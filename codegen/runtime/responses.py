"""Holds answers against the contract on their way out. What breaks it never reaches a caller."""

import orjson
from anyio import to_thread
from connexion.exceptions import NonConformingResponseBody
from starlette.types import Message, Send

from .admission import LARGE_BYTES
from .media_types import is_json, media_type_of, most_specific
from .operation import Media, Operation
from .schemas import ContractSchemas


class ResponseStep:
    """Holds a response back until its body is known to keep the contract."""

    def __init__(self, schemas: ContractSchemas, operation: Operation) -> None:
        self._schemas = schemas
        self._operation = operation

    def wrap_send(self, send: Send) -> Send:
        start: Message = {}
        chunks: list[bytes] = []
        pointer: str | None = None

        async def checked(message: Message) -> None:
            nonlocal start, pointer
            if message["type"] == "http.response.start":
                start = message
                pointer = self._pointer(message)
                if pointer is None:
                    await send(message)
                return
            if pointer is None:
                await send(message)
                return
            chunks.append(message.get("body", b""))
            if not message.get("more_body", False):
                body = b"".join(chunks)
                if len(body) > LARGE_BYTES:
                    await to_thread.run_sync(self._check, pointer, body, start["status"])
                else:
                    self._check(pointer, body, start["status"])
                await send(start)
                await send({"type": "http.response.body", "body": body})

        return checked

    def _pointer(self, start: Message) -> str | None:
        """Where the schema of this response is; None where nothing is to be checked."""
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
                return media.pointer if is_json(essence) else None
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
                for error, _ in zip(validator.iter_errors(value), range(3), strict=False)
            ]
            raise NonConformingResponseBody(
                detail=f"{self._operation.id} {status} breaks the contract: {'; '.join(broken)}"
            )


def documented(operation: Operation, status: int) -> tuple[Media, ...] | None:
    """Media types that the contract gives a status; None if it has no such response."""
    for key in (str(status), f"{status // 100}XX", "default"):
        if key in operation.responses:
            return operation.responses[key]
    return None
