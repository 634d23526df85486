"""The contract's hooks in this service: context, entity tags, idempotency keys, page tokens.

Hook and handler share one transaction: a tag is read in the snapshot of the page it is of, and an
idempotency key is kept in the transaction of its effect.
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, TypeVar, cast

from typing_extensions import override

from db.idempotency import Busy, IdempotencyScope, Mismatch, Replay, claim, record
from db.reports import horizon
from db.revisions import RevisionClass, Revisions, peek_at_revisions
from db.session import Database
from generated.runtime.dispatch import encode_body
from generated.runtime.hooks import Answer, Call, Hooks, InWorker, NotModified
from generated.runtime.problems import Problem, foreign_page_token
from handlers.context import Context
from handlers.errors import DomainError
from handlers.preparation import Preparation
from handlers.timeline import window_at
from policies.paging import ForeignPageToken, seal, unseal
from service.auth import link_of, principal_of, secret_of
from service.looks import RevisionLooks

ResultT = TypeVar("ResultT")


class ServiceHooks(Hooks[Context]):
    def __init__(self, database: Database, contract_version: str, preparation: Preparation) -> None:
        self._database = database
        self._preparation = preparation
        self._contract_version = contract_version
        self._looks = RevisionLooks(partial(peek_at_revisions, database))

    @override
    async def unchanged(self, call: Call, in_worker: InWorker) -> NotModified | None:
        options = call.operation.extensions["x-etag"]
        if options["kind"] != "query":
            return None
        context = self._context(call)
        if call.page_token is not None:
            self.page_cursor(context, call, call.page_token)
        # Whoever sends a tag mostly has the right one; learning that needs no transaction.
        tenant_id = context.principal.tenant_id
        seen = await self._looks.revisions(tenant_id, _classes(options), in_worker)
        tag = self.tag_at(context, call, seen, horizon(seen.read_at))
        return NotModified(tag) if call.holds_current(tag) else None

    @override
    def context(self, call: Call) -> Context:
        """A read that is itself audited stands in the log before anything of it is read.

        Committed first, it is a part of what the answer shows, so that the answer's tag holds until
        something else happens; and nothing is shown of which there is no record.
        """
        context = self._context(call)
        audited = call.operation.extensions.get("x-audit")
        if audited is not None:
            # What was asked for by name alone: values may be anything.
            details = {"parameters": sorted(call.parameters)}
            context.audit(call.operation.id, audited["object_type"], None, details)
        return context

    def _context(self, call: Call) -> Context:
        return Context(
            self._database,
            call.request_id,
            principal_of(call.identities),
            call.json_body,
            own_secret=secret_of(call.identities),
            link=link_of(call.identities),
        )

    @override
    def finish(self, context: Context) -> None:
        """Transactions end with the block that opened them, so nothing is left to free."""

    @override
    def page_cursor(self, context: Context, call: Call, token: str) -> str:
        tenant_id = context.principal.tenant_id
        try:
            return unseal(call.operation.id, tenant_id, call.canonical_filters(), token)
        except ForeignPageToken as error:
            raise foreign_page_token() from error

    @override
    def page_token(self, context: Context, call: Call, cursor: str) -> str:
        tenant_id = context.principal.tenant_id
        return seal(call.operation.id, tenant_id, call.canonical_filters(), cursor)

    @override
    def conditional(
        self, context: Context, call: Call, handler: Callable[[], ResultT]
    ) -> Answer[ResultT] | NotModified:
        options = call.operation.extensions["x-etag"]
        if options["kind"] == "query":
            return self._query_tag(context, call, handler)
        result = handler()
        if options["kind"] == "file":
            return _file_tag(call, result)
        if options["kind"] == "object":
            # The handler names the object's version where the tag will stand.
            version = str(cast(Any, result).etag)
        else:
            version = hashlib.sha256(encode_body(cast(Any, result).body)).hexdigest()
        tag = self._tag(call, version)
        return NotModified(tag) if call.holds_current(tag) else Answer(result, {"ETag": tag})

    def _query_tag(
        self, context: Context, call: Call, handler: Callable[[], ResultT]
    ) -> Answer[ResultT] | NotModified:
        classes = _classes(call.operation.extensions["x-etag"])
        with context.snapshot(classes) as (transaction, seen):
            tag = self.tag_at(context, call, seen, horizon(transaction.began_at))
            return NotModified(tag) if call.holds_current(tag) else Answer(handler(), {"ETag": tag})

    def tag_at(
        self, context: Context, call: Call, revisions: Revisions, listed_until: datetime
    ) -> str:
        """The tag of a query's answer, at the moment the revisions were read."""
        context.now = revisions.read_at
        window = _window(context, call, call.operation.extensions["x-etag"].get("clock"))
        # Vectors count alike from nothing: without its tenant's name a tag would be others' too.
        tenant_id = context.principal.tenant_id
        listed = listed_until.isoformat()
        vector = repr(revisions.vector)
        return self._tag(call, tenant_id, revisions.epoch, vector, listed, window)

    def _tag(self, call: Call, *parts: str) -> str:
        named = (self._contract_version, call.operation.id, call.canonical_query(), *parts)
        digest = hashlib.sha256("\0".join(named).encode()).hexdigest()
        return f'"{digest[:32]}"'

    @override
    def idempotent(
        self, context: Context, call: Call, handler: Callable[[], ResultT]
    ) -> Answer[ResultT]:
        key = cast(str, call.idempotency_key)
        # It is stored as it is, so it must not be a token that a pipeline took for a run's id.
        self._preparation.require_no_secret("header", "/Idempotency-Key", key, context.own_secret)
        scope = IdempotencyScope(context.principal.key_id, call.operation.id, key)
        fingerprint = call.fingerprint()
        with context.transaction() as transaction:
            claimed = claim(transaction, scope, fingerprint)
            if isinstance(claimed, Busy):
                raise _in_progress()
            if isinstance(claimed, Mismatch):
                raise _reused()
            if isinstance(claimed, Replay):
                context.replay_of = claimed.reference
                context.replayed_answer = claimed.answer
                return Answer(handler(), {"Idempotency-Replayed": "true"})
            result = handler()
            if context.reference is None:
                raise DomainError(f"operation {call.operation.id} left no reference to its result")
            status = cast(Any, result).status
            record(transaction, scope, fingerprint, status, context.reference, context.answer)
            return Answer(result)


def _classes(options: Mapping[str, Any]) -> tuple[RevisionClass, ...]:
    return tuple(RevisionClass(name) for name in options["reads"])


def _window(context: Context, call: Call, clock: dict[str, str] | None) -> str:
    """The time window that a relative one comes to now; empty where the query has none."""
    if clock is None:
        return ""
    hours = call.parameters[clock["hours"]]
    window = window_at(context, hours, call.parameters.get(clock["bucket_minutes"]))
    return f"{window.start.isoformat()}/{window.end.isoformat()}"


def _file_tag(call: Call, result: ResultT) -> Answer[ResultT] | NotModified:
    """A file's tag is of its bytes alone, so that parts of it go by the tag of the whole.

    Where the answer leads elsewhere there is none.
    """
    version = getattr(result, "etag", None)
    if version is None:
        return Answer(result)
    tag = f'"{version}"'
    return NotModified(tag) if call.holds_current(tag) else Answer(result, {"ETag": tag})


def _in_progress() -> Problem:
    detail = "A request with this Idempotency-Key is being worked on. Try again shortly."
    headers = {"Retry-After": "1"}
    return Problem(409, "request-in-progress", "Request in progress", detail, headers=headers)


def _reused() -> Problem:
    detail = "This Idempotency-Key was used for another request. Use a new key for each request."
    return Problem(422, "idempotency-key-reused", "Idempotency key reused", detail)
