"""A service's quota is asked after security and before the body; never for public operations."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.types import Message
from typing_extensions import override

from codegen.runtime.operation import Media, RequestBody
from codegen.runtime.problems import Problem, not_found, too_many_requests
from codegen.runtime.quota import Arrival, Quota

from .small_service import Caller, Service, operation, slug

KEY = {"type": "apiKey", "in": "header", "name": "X-Key"}
GUARDED: Any = {"security": ({"Key": ()},)}
BODY = RequestBody(True, (Media("application/octet-stream", None),))
LEFT = {"RateLimit": '"all";r=1;t=1'}


@dataclass
class Counting(Quota):
    """Takes `limit` bytes and turns away who sends more; notes what it was asked."""

    limit: int = 100
    arrivals: list[Arrival] = field(default_factory=list)
    growth: list[tuple[int, int]] = field(default_factory=list)

    @override
    async def admit(self, arrival: Arrival) -> Mapping[str, str]:
        self.arrivals.append(arrival)
        self._check(arrival.announced)
        return LEFT

    @override
    async def grown(self, arrival: Arrival, before: int, now: int) -> None:
        self.growth.append((before, now))
        self._check(now)

    def _check(self, size: int) -> None:
        if size > self.limit:
            raise too_many_requests("Too much.", {"Retry-After": "7", **LEFT})


def fail(_: Any) -> Any:
    raise not_found()


def small(quota: Quota) -> Service:
    return Service(
        operations=[
            operation(**GUARDED),
            operation("fail", path="/fail", **GUARDED),
            operation("send", "POST", "/send", request_body=BODY, **GUARDED),
            operation("probe", path="/probe"),
        ],
        handlers={"fail": fail},
        schemes={"Key": KEY},
        authenticators={"Key": lambda credential: _known(credential.value)},
        quota=quota,
    )


def _known(value: str) -> str:
    if value != "right":
        raise Problem(401, "unauthenticated", "Not authenticated", "Unknown key.")
    return "somebody"


def headers(value: str = "right", **more: str) -> dict[str, Any]:
    return {"headers": {"X-Key": value, **more}}


def test_headers_of_the_quota_are_on_every_answer_that_follows() -> None:
    with Caller(small(Counting())) as caller:
        for path, status in (("/ask", 200), ("/fail", 404)):
            answer = caller.ask(url=path, **headers())
            assert (answer.status_code, answer.headers["ratelimit"]) == (status, LEFT["RateLimit"])
        head = caller.ask("HEAD", **headers())
        assert head.headers["ratelimit"] == LEFT["RateLimit"]


def test_who_is_turned_away_gets_the_problem_with_its_headers_once() -> None:
    with Caller(small(Counting(limit=-1))) as caller:
        answer = caller.ask(**headers())
    assert (answer.status_code, slug(answer)) == (429, "rate-limit-exceeded")
    assert answer.headers["retry-after"] == "7"
    assert answer.headers.get_list("ratelimit") == [LEFT["RateLimit"]]


def test_the_quota_knows_operation_caller_and_announced_size() -> None:
    quota = Counting()
    with Caller(small(quota)) as caller:
        sent = headers(**{"Content-Type": "application/octet-stream", "Content-Encoding": "gzip"})
        caller.ask("POST", "/send", content=b"x" * 60, **sent)
        caller.ask(**headers())
    post, get = quota.arrivals
    assert (post.operation.id, post.announced, post.is_encoded) == ("send", 60, True)
    assert post.identities == {"Key": "somebody"}
    assert (get.operation.id, get.announced, get.is_encoded) == ("ask", 0, False)
    assert quota.growth == []


def test_nobody_unknown_and_no_public_operation_is_counted() -> None:
    quota = Counting(limit=-1)
    with Caller(small(quota)) as caller:
        assert caller.ask(**headers("wrong")).status_code == 401
        assert caller.ask().status_code == 401
        probed = caller.ask(url="/probe", **headers())
        assert probed.status_code == 200
        assert "ratelimit" not in probed.headers
        assert caller.ask(url="/nowhere", **headers()).status_code == 404
    assert quota.arrivals == []


def _post(caller: Caller, messages: Iterable[Message], *more: tuple[bytes, bytes]) -> int:
    sent = caller.exchange(
        messages,
        method="POST",
        path="/send",
        headers=[(b"x-key", b"right"), (b"content-type", b"application/octet-stream"), *more],
    )
    status: int = sent[0]["status"]
    return status


def _chunk(size: int, *, more: bool = True) -> Message:
    return {"type": "http.request", "body": b"x" * size, "more_body": more}


def test_no_byte_is_read_of_a_body_that_announces_too_much() -> None:
    with Caller(small(Counting())) as caller:
        # A read would wait for messages that don't come, and fail.
        assert _post(caller, [], (b"content-length", b"101")) == 429


def test_a_body_without_a_length_is_told_of_as_it_comes_and_stopped_in_the_middle() -> None:
    quota = Counting()
    with Caller(small(quota)) as caller:
        assert _post(caller, [_chunk(40), _chunk(60, more=False)]) == 200
        assert quota.growth == [(0, 40), (40, 100)]
        # The fourth piece is never asked for.
        assert _post(caller, [_chunk(60), _chunk(0), _chunk(60)]) == 429


@pytest.mark.parametrize("announced", [b"0", b"30"])
def test_an_announced_body_is_counted_once(announced: bytes) -> None:
    quota = Counting()
    with Caller(small(quota)) as caller:
        body = _chunk(int(announced), more=False)
        assert _post(caller, [body], (b"content-length", announced)) in (200, 422)
    assert quota.growth == []
    assert quota.arrivals[0].announced == int(announced)
