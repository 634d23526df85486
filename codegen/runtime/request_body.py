"""Reads the body of a request within its limits, and holds it against the contract."""

from collections.abc import Iterator, Mapping
from typing import Any

from anyio import to_thread
from starlette.types import Message, Receive, Scope

from .admission import LARGE_BYTES, Ticket
from .content_coding import ACCEPTED, Gunzip, is_gzip
from .hooks import Call
from .incoming import read_body, refuse_announced
from .json_body import parse_json
from .json_lines import read_lines, refuse_wrong_number
from .media_types import UTF_8, is_json, is_json_lines, media_type_of
from .operation import Media
from .problems import (
    InputError,
    invalid_input,
    unsupported_encoding,
    unsupported_media_type,
)
from .spool import Spool
from .tables import CALL, ContractTables


class BodyStep:
    """Reads a body within its limit, parses and validates it, and keeps it in the `Call`."""

    def __init__(self, tables: ContractTables, **_: Any) -> None:
        self._tables = tables

    async def wrap_receive(self, receive: Receive, *, scope: Scope) -> tuple[Receive, Scope]:
        call: Call = scope["extensions"][CALL]
        # Of a repeated header Connexion reads the first as well.
        headers = dict(reversed([(name.lower(), value) for name, value in scope["headers"]]))
        limit = self._tables.max_body(call.operation)
        refuse_announced(headers, limit)
        coding = _coding(scope)
        ticket = Ticket.of(scope)
        is_expanded = call.operation.request_body is not None and is_gzip(coding)
        gunzip = Gunzip() if is_expanded else None
        lines = self._tables.lines.get(call.operation.id)
        if lines is None:
            call.raw_body = await _read(receive, limit, gunzip, ticket)
            came = bool(call.raw_body)
        else:
            spool = await _spool(receive, limit, gunzip, ticket)
            came = spool.size > 0
        media = self._media(call, headers, coding, came)
        call.body_read = True
        if lines is not None and media is not None:
            refuse_wrong_number(lines, spool)
            call.body_sha256 = spool.sha256()
            call.lines = lambda: read_lines(lines, self._tables.schemas, spool)
        await ticket.enter()
        if media is not None:
            call.content_type = media.media_type
            if media.pointer is not None and is_json(media.media_type):
                await self._parse(call, media.pointer)
        return _replay(call.raw_body, receive), scope

    def _media(
        self, call: Call, headers: Mapping[bytes, bytes], coding: bytes, came: bool
    ) -> Media | None:
        declared = call.operation.request_body
        if declared is None:
            return None
        if not came:
            if declared.required:
                raise invalid_input([InputError("body", "", "required")])
            return None
        if coding not in (b"", b"identity") and not is_gzip(coding):
            raise unsupported_encoding(ACCEPTED)
        essence, charset = media_type_of(headers.get(b"content-type", b""))
        for media in declared.content:
            is_text = is_json(media.media_type) or is_json_lines(media.media_type)
            is_readable = not is_text or charset in UTF_8
            if media.media_type.lower() == essence and is_readable:
                return media
        raise unsupported_media_type([media.media_type for media in declared.content])

    async def _parse(self, call: Call, pointer: str) -> None:
        def parse() -> None:
            call.json_body = parse_json(call.raw_body)
            if errors := self._tables.schemas.errors(pointer, call.json_body, "body"):
                raise invalid_input(errors)

        if len(call.raw_body) > LARGE_BYTES:
            await to_thread.run_sync(parse)
        else:
            parse()


def _coding(scope: Scope) -> bytes:
    """The Content-Encoding, in small letters; of several headers one list (RFC 9110, 5.3)."""
    values = [value for name, value in scope["headers"] if name.lower() == b"content-encoding"]
    return b",".join(values).strip().lower()


async def _read(receive: Receive, limit: int, gunzip: Gunzip | None, ticket: Ticket) -> bytes:
    chunks: list[bytes] = []
    size = 0

    async def take(piece: bytes) -> None:
        nonlocal size
        size += len(piece)
        ticket.grown_to(size)
        chunks.append(piece)

    await read_body(receive, limit, gunzip, take)
    return b"".join(chunks)


async def _spool(receive: Receive, limit: int, gunzip: Gunzip | None, ticket: Ticket) -> Spool:
    spool = ticket.keep(Spool())

    async def take(piece: bytes) -> None:
        ticket.grown_to(spool.size + len(piece))
        await spool.append(piece)

    await read_body(receive, limit, gunzip, take)
    await spool.finish()
    return spool


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body once more, then what the server tells: a stream waits for its disconnect."""
    messages: Iterator[Message] = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def replay() -> Message:
        return next(messages, None) or await receive()

    return replay
