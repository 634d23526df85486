"""Reads the body of a request within its limits, and holds it against the contract."""

import hashlib
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

from anyio import to_thread
from starlette.types import Message, Receive, Scope

from .admission import LARGE_BYTES, Ticket
from .content_coding import ACCEPTED, Gunzip, is_gzip
from .form_fields import canonical_form, read_form, urlencoded_fields
from .form_rules import FormRule
from .hooks import Call
from .incoming import Incoming, refuse_announced
from .json_body import parse_json
from .json_lines import LinesRule, read_lines, refuse_wrong_number
from .media_types import (
    UTF_8,
    is_json,
    is_json_lines,
    is_multipart,
    is_urlencoded,
    media_type_of,
    most_specific,
)
from .multipart import MultipartReader
from .operation import Media
from .problems import (
    InputError,
    invalid_input,
    malformed_request,
    unsupported_encoding,
    unsupported_media_type,
)
from .spool import Spool
from .tables import CALL, ContractTables

# What is left to do with a body that has come and is of a documented media type.
Finish = Callable[[], Awaitable[None]]


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
        incoming = Incoming(receive, limit, Gunzip() if is_expanded else None, ticket)
        content_type = headers.get(b"content-type", b"")
        media = self._fitting(call, content_type) if _is_readable(coding) else None
        finish = await self._read(call, incoming, media, content_type)
        _refuse(call, media, coding, incoming.size > 0)
        call.body_read = True
        if media is not None and incoming.size:
            call.content_type = media_type_of(content_type)[0]
            call.media_type = media.media_type
            await finish()
        else:
            await ticket.enter()
        return _replay(call.raw_body, receive), scope

    def _fitting(self, call: Call, content_type: bytes) -> Media | None:
        """The documented media type that a body is of; None if there is none."""
        declared = call.operation.request_body
        essence, charset = media_type_of(content_type)
        if declared is None or not essence:
            return None
        found = most_specific((media.media_type for media in declared.content), essence)
        for media in declared.content:
            if media.media_type == found and (charset in UTF_8 or not self._is_decoded(media)):
                return media
        return None

    def _is_decoded(self, media: Media) -> bool:
        """Whether it is read as text here, which is UTF-8."""
        readers = (is_json, is_json_lines, is_urlencoded, is_multipart)
        is_read = any(reads(media.media_type) for reads in readers)
        return is_read or media.pointer in self._tables.texts

    async def _read(
        self, call: Call, incoming: Incoming, media: Media | None, content_type: bytes
    ) -> Finish:
        rules = self._tables.lines.get(call.operation.id, {})
        if rules and (media is None or media.media_type in rules):
            # What is of no documented type is refused, but read before: it may be as large.
            spool = await incoming.spooled()
            rule = next(iter(rules.values())) if media is None else rules[media.media_type]
            return partial(self._finish_lines, call, incoming, rule, spool)
        form = self._tables.forms.get(media.pointer or "") if media else None
        if form is not None and media is not None and is_multipart(media.media_type):
            return await self._read_multipart(call, incoming, form, content_type)
        call.raw_body = await incoming.whole()
        return partial(self._finish_whole, call, incoming, media, form)

    async def _read_multipart(
        self, call: Call, incoming: Incoming, form: FormRule, content_type: bytes
    ) -> Finish:
        spool = incoming.ticket.keep(Spool())
        reader = MultipartReader(content_type, spool, form)
        await incoming.pass_on(reader.take)

        async def finish() -> None:
            fields = await reader.finish()
            await incoming.ticket.enter()
            call.json_body = await _off_the_loop(
                incoming.size, partial(read_form, form, self._tables.schemas, fields)
            )
            canonical = canonical_form(call.json_body)
            call.body_sha256 = hashlib.sha256(spool.sha256() + canonical).digest()

        return finish

    async def _finish_lines(
        self, call: Call, incoming: Incoming, lines: LinesRule, spool: Spool
    ) -> None:
        refuse_wrong_number(lines, spool)
        call.body_sha256 = spool.sha256()
        call.lines = lambda: read_lines(lines, self._tables.schemas, spool)
        await incoming.ticket.enter()

    async def _finish_whole(
        self, call: Call, incoming: Incoming, media: Media | None, form: FormRule | None
    ) -> None:
        await incoming.ticket.enter()
        if form is not None:
            parse: Callable[[], Any] = partial(self._form, form, call.raw_body)
        elif media is None or media.pointer is None:
            return
        elif is_json(media.media_type):
            parse = partial(self._checked, media.pointer, partial(parse_json, call.raw_body))
        elif media.pointer in self._tables.texts:
            parse = partial(self._checked, media.pointer, partial(_text, call.raw_body))
        else:
            return
        call.json_body = await _off_the_loop(incoming.size, parse)

    def _form(self, form: FormRule, body: bytes) -> Any:
        return read_form(form, self._tables.schemas, urlencoded_fields(body, form.most_fields))

    def _checked(self, pointer: str, read: Callable[[], Any]) -> Any:
        value = read()
        if errors := self._tables.schemas.errors(pointer, value, "body"):
            raise invalid_input(errors)
        return value


async def _off_the_loop(size: int, parse: Callable[[], Any]) -> Any:
    """What is large takes so long that others would wait for it."""
    return await to_thread.run_sync(parse) if size > LARGE_BYTES else parse()


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise malformed_request("The body is not text in UTF-8.") from error


def _is_readable(coding: bytes) -> bool:
    return coding in (b"", b"identity") or is_gzip(coding)


def _refuse(call: Call, media: Media | None, coding: bytes, came: bool) -> None:
    """Raises a Problem for a body that the operation doesn't take, or wants and didn't get."""
    declared = call.operation.request_body
    if declared is None:
        return
    if not came:
        if declared.required:
            raise invalid_input([InputError("body", "", "required")])
    elif not _is_readable(coding):
        raise unsupported_encoding(ACCEPTED)
    elif media is None:
        raise unsupported_media_type([one.media_type for one in declared.content])


def _coding(scope: Scope) -> bytes:
    """The Content-Encoding, in small letters; of several headers one list (RFC 9110, 5.3)."""
    values = [value for name, value in scope["headers"] if name.lower() == b"content-encoding"]
    return b",".join(values).strip().lower()


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body once more, then what the server tells: a stream waits for its disconnect."""
    messages: Iterator[Message] = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def replay() -> Message:
        return next(messages, None) or await receive()

    return replay
