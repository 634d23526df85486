"""What a service supplies to the emitted routes, and what the routes hand to it.

The hooks stand in the contract as `x-page`, `x-etag` and `x-idempotency`; a service without them
uses `PlainHooks`.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from .json_lines import ReadLines
from .operation import Operation

ContextT = TypeVar("ContextT")
ContextT_co = TypeVar("ContextT_co", covariant=True)
ResultT = TypeVar("ResultT")
WorkT = TypeVar("WorkT")


@dataclass(frozen=True, slots=True)
class Page:
    """Which page a caller asks for. `after` is the cursor that `token` was called with, or None.

    `token(cursor)` makes the opaque token that leads to the page behind `cursor`.
    """

    limit: int
    after: str | None
    token: Callable[[str], str]


@dataclass(slots=True)
class Call:
    """One request, decoded and valid by the contract.

    `parameters` maps argument names to JSON values, without those that hooks claim. `identities`
    maps each security scheme to what its authenticator returned. `content_type` is what came, in
    small letters and without options, and empty if no body came; `media_type` is the one of the
    contract that it belongs to. `json_body` is the value of a JSON body or a text, or the fields of
    a form as one object, with a `FilePart` for each file. Lines and forms with files are not in
    `raw_body`: `body_sha256` stands for them, and `lines` reads the former.
    """

    operation: Operation
    request_id: str
    identities: Mapping[str, Any]
    parameters: Mapping[str, Any]
    content_type: str = ""
    media_type: str = ""
    raw_body: bytes = b""
    body_read: bool = False
    json_body: Any = None
    lines: ReadLines | None = None
    body_sha256: bytes = b""
    page_limit: int | None = None
    page_token: str | None = None
    if_none_match: str | None = None
    idempotency_key: str | None = None
    _page: Page | None = field(default=None, repr=False)

    @property
    def page(self) -> Page:
        if self._page is None:
            raise LookupError(f"operation {self.operation.id} has no x-page in the contract")
        return self._page

    def set_page(self, page: Page) -> None:
        self._page = page

    def holds_current(self, tag: str) -> bool:
        """Whether the caller's own answer has this entity tag, in quotes (RFC 9110, 13.1.2)."""
        if self.if_none_match is None:
            return False
        sent = [entry.strip().removeprefix("W/") for entry in self.if_none_match.split(",")]
        return tag.removeprefix("W/") in sent or sent == ["*"]

    def canonical_filters(self) -> str:
        """What a page token is bound to: the parameters, without the page's own and the unbound."""
        unbound = self.operation.extensions["x-page"].get("unbound", ())
        free = {each.argument for each in self.operation.parameters if each.name in unbound}
        return _canonical(
            {name: self.parameters[name] for name in self.parameters if name not in free}
        )

    def canonical_query(self) -> str:
        """Everything in the request that an answer depends on, save the caller."""
        parts = [self.parameters, self.page_limit, self.page_token]
        return _canonical(parts)

    def fingerprint(self) -> bytes:
        """SHA-256 of parameters, media type and body: whether two requests are the same."""
        digest = hashlib.sha256(self.canonical_query().encode())
        digest.update(b"\0" + self.content_type.encode() + b"\0")
        digest.update(self.body_sha256 or self.raw_body)
        return digest.digest()


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class NotModified:
    """The caller's own answer, under `etag`, is still right."""

    etag: str


@dataclass(frozen=True, slots=True)
class Answer(Generic[ResultT]):
    """A handler's result with the headers that hooks add to it."""

    result: ResultT
    headers: Mapping[str, str] = field(default_factory=dict)


class InWorker(Protocol):
    """Runs blocking work in a worker thread, as soon as one of the handlers' places is free.

    Raises a 503 Problem if none gets free in time.
    """

    async def __call__(self, work: Callable[[], WorkT]) -> WorkT: ...


class Hooks(Protocol[ContextT]):
    """Called in a worker thread, in this order: context, page, then conditional or idempotent.

    `unchanged` comes before them all, on the event loop.
    """

    async def unchanged(self, call: Call, in_worker: InWorker) -> NotModified | None:
        """Whether the caller's own answer still holds, if that can be told without a handler.

        Asked where an operation has `x-etag` and the caller sent If-None-Match. What blocks goes
        through `in_worker`. None says no more than that it takes the whole way to find out.
        """
        ...

    def context(self, call: Call) -> ContextT:
        """What handlers get as their first argument."""
        ...

    def finish(self, context: ContextT) -> None:
        """Called once the answer is encoded or has failed; frees what `context` took."""
        ...

    def page_cursor(self, context: ContextT, call: Call, token: str) -> str:
        """The cursor in a page token. Raises a Problem if the token isn't of this query."""
        ...

    def page_token(self, context: ContextT, call: Call, cursor: str) -> str:
        """An opaque token for `cursor`, bound to this query."""
        ...

    def conditional(
        self, context: ContextT, call: Call, handler: Callable[[], ResultT]
    ) -> Answer[ResultT] | NotModified:
        """Runs a handler of an operation with `x-etag`, unless the caller's answer is right."""
        ...

    def idempotent(
        self, context: ContextT, call: Call, handler: Callable[[], ResultT]
    ) -> Answer[ResultT]:
        """Runs a handler whose operation has `x-idempotency`, at most once for a key."""
        ...


class PlainHooks:
    """Hooks of a service that has none: the call itself is the context, a token its own cursor."""

    async def unchanged(self, call: Call, in_worker: InWorker) -> NotModified | None:
        return None

    def context(self, call: Call) -> Call:
        return call

    def finish(self, context: Call) -> None:
        """Nothing was taken."""

    def page_cursor(self, context: Call, call: Call, token: str) -> str:
        return token

    def page_token(self, context: Call, call: Call, cursor: str) -> str:
        return cursor

    def conditional(
        self, context: Call, call: Call, handler: Callable[[], ResultT]
    ) -> Answer[ResultT] | NotModified:
        """The handler runs in any case: the `ETag` that it gives tells what the caller lacks."""
        result = handler()
        tag = getattr(result, "etag", None)
        return NotModified(tag) if tag and call.holds_current(tag) else Answer(result)

    def idempotent(
        self, context: Call, call: Call, handler: Callable[[], ResultT]
    ) -> Answer[ResultT]:
        return Answer(handler())
