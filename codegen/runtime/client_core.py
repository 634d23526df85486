"""All that a client decides, without input or output: what to send, when again, what came of it.

Each call is a generator of steps that somebody else takes; see `client_steps`.
"""

import hashlib
import time
import uuid
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace

from .client_answers import LEAST_ERROR, Described, ResultT, next_token, read_answer
from .client_body import NO_CONTENT, Content, content_of
from .client_cache import EntityCache, StoredAnswer
from .client_credentials import CredentialSet
from .client_errors import ClientError, ConnectionLost, UnexpectedAnswer, problem_answer
from .client_parameters import WireParameters, write_parameters
from .client_retries import SAFE_METHODS, Retrying, seconds_to_wait
from .client_steps import Failed, Outcome, Received, Send, Step, Wait

Arguments = Mapping[str, object]
Steps = Generator[Step, Outcome, ResultT]


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A call, written down once for all its attempts."""

    parameters: WireParameters
    content: Content
    can_be_repeated: bool


@dataclass(slots=True)
class ClientCore:
    """Without `asks_for_credentials` a call is made even if one that it needs isn't there."""

    credentials: CredentialSet
    retrying: Retrying = field(default_factory=Retrying)
    cache: EntityCache = field(default_factory=EntityCache)
    asks_for_credentials: bool = True

    def ask(
        self,
        described: Described[ResultT],
        arguments: Arguments,
        body: object = None,
        content_type: str | None = None,
    ) -> Steps[ResultT]:
        """The result of a call. Raises a ClientError, or ValueError for what can't be sent."""
        prepared = _prepare(described, arguments, content_of(described.forms, body, content_type))
        received = yield from self._exchange(described, prepared)
        return read_answer(described, received)

    def page(
        self, described: Described[ResultT], arguments: Arguments
    ) -> Steps[tuple[ResultT, Arguments | None]]:
        """A page, and the arguments for the next one, if there is one."""
        prepared = _prepare(described, arguments, NO_CONTENT)
        received = yield from self._exchange(described, prepared)
        result = read_answer(described, received)
        paging = described.paging
        token = next_token(paging, received) if paging else None
        if paging is None or token is None:
            return result, None
        if token == arguments.get(paging.argument):
            reason = "the page names itself as the next one"
            raise UnexpectedAnswer(described.operation.id, received.status, reason)
        return result, {**arguments, paging.argument: token}

    def _exchange(self, described: Described[ResultT], prepared: _Prepared) -> Steps[Received]:
        """The answer to the last attempt, if it is a result, or the stored one that it confirms.

        A status to try again at is a result only of the last attempt, though the contract has it.
        """
        began, attempt = time.monotonic(), 0
        while True:
            attempt += 1
            send = self._send(described, prepared)
            key = _cache_key(send) if described.condition else b""
            stored = self.cache.find(key) if described.condition else None
            outcome = yield _with_condition(send, stored)
            if isinstance(outcome, Received) and outcome.status == 304 and stored is not None:
                return Received(stored.status, stored.headers, stored.body)
            pause = self._pause(prepared, outcome, attempt, time.monotonic() - began)
            if pause is not None:
                yield Wait(pause)
            elif isinstance(outcome, Received) and _is_result(described, outcome):
                self._keep(key, outcome)
                return outcome
            else:
                raise _error(described, outcome)

    def _send(self, described: Described[ResultT], prepared: _Prepared) -> Send:
        """The next attempt. Credentials are asked for anew: a token may have run out meanwhile."""
        operation = described.operation
        presented = self.credentials.present(operation, must=self.asks_for_credentials)
        written = prepared.parameters
        shared = _names(presented.query) & _names(written.query)
        if shared:
            raise ValueError(
                f"{operation.id}: {min(shared)} is the name of a credential's parameter"
            )
        headers = {"Accept": described.accept, **written.headers, **presented.headers}
        if prepared.content.media_type is not None:
            headers["Content-Type"] = prepared.content.media_type
        if prepared.content.size is not None:
            headers["Content-Length"] = str(prepared.content.size)
        cookies = {**written.cookies, **presented.cookies}
        if cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        return Send(
            method=operation.method,
            url=f"{written.path}?{written.query}" if written.query else written.path,
            headers=headers,
            hidden_query=presented.query,
            content=prepared.content,
            keeps_open=described.is_stream,
        )

    def _pause(
        self, prepared: _Prepared, outcome: Outcome, attempt: int, elapsed: float
    ) -> float | None:
        """Seconds until the next attempt; None if there is to be none."""
        retry_after = None
        if isinstance(outcome, Received):
            is_worth_it = outcome.status in self.retrying.statuses
            retry_after = _retry_after(outcome)
        else:
            is_worth_it = isinstance(outcome, Failed) and outcome.can_change
        if not (is_worth_it and prepared.can_be_repeated):
            return None
        return self.retrying.pause(attempt, elapsed, retry_after)

    def _keep(self, key: bytes, received: Received) -> None:
        etag = received.headers.get("etag")
        may_be_kept = "no-store" not in received.headers.get("cache-control", "").lower()
        if key and etag and may_be_kept and received.status == 200 and received.stream is None:
            answer = StoredAnswer(etag, received.status, received.headers, received.body)
            self.cache.keep(key, answer)


def _names(query: str) -> set[str]:
    return {pair.partition("=")[0] for pair in query.split("&") if pair}


def _prepare(described: Described[ResultT], arguments: Arguments, content: Content) -> _Prepared:
    key = described.key
    if key is not None and arguments.get(key) is None:
        arguments = {**arguments, key: str(uuid.uuid4())}
    written = write_parameters(described.operation, described.path, arguments)
    is_harmless = described.operation.method in SAFE_METHODS or key is not None
    return _Prepared(written, content, is_harmless and content.can_be_sent_again)


def _cache_key(send: Send) -> bytes:
    """Of all that an answer may depend on, credentials too. A digest, so that it holds none."""
    parts = [send.method, send.url, send.hidden_query, *sorted(send.headers.items())]
    return hashlib.sha256(repr(parts).encode()).digest()


def _with_condition(send: Send, stored: StoredAnswer | None) -> Send:
    if stored is None:
        return send
    return replace(send, headers={**send.headers, "If-None-Match": stored.etag})


def _is_result(described: Described[ResultT], received: Received) -> bool:
    return described.answer(received.status, received.content_type) is not None


def _retry_after(received: Received) -> float | None:
    return seconds_to_wait(received.headers.get("retry-after"))


def _error(described: Described[ResultT], outcome: Outcome) -> ClientError:
    operation = described.operation.id
    if not isinstance(outcome, Received):
        return ConnectionLost(operation, outcome.reason if outcome else "nothing was told")
    if outcome.status >= LEAST_ERROR:
        return problem_answer(operation, outcome.status, outcome.body, _retry_after(outcome))
    return UnexpectedAnswer(operation, outcome.status, "the contract has no such answer")
