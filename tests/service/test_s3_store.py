"""S3 as it is at its worst: down, slow, busy, broken off, forbidden; and what a person is told."""

import math
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from handlers.export_store import ExportStore, StoreRefused, StoreUnavailable
from service.export_stores.s3 import S3Store
from service.export_stores.s3_client import Patience
from tests.service.s3_stores import IMPATIENT, LARGE, link_of, proxy, store, store_at, told
from tests.support.fault_proxy import (
    Answering,
    FaultProxy,
    ResetInRequest,
    Slow,
    error,
)
from tests.support.s3 import (
    ABSENT_BUCKET,
    READER,
    SERVICE,
    S3Server,
)
from tests.support.seaweedfs import Login

__all__ = ["proxy", "store"]

_CALLS: dict[str, Callable[[ExportStore], Any]] = {
    "put": lambda store: store.put("a/file", [b"content"]),
    "put in parts": lambda store: store.put("a/file", [LARGE]),
    "read": lambda store: list(store.read("a/file")),
    "size": lambda store: store.size("a/file"),
    "delete": lambda store: store.delete("a/"),
    "names": lambda store: list(store.names("a/")),
}
_every_call = pytest.mark.parametrize("call", _CALLS.values(), ids=_CALLS)


@_every_call
def test_a_store_that_is_away_is_unavailable_until_it_is_back(
    s3: S3Server,
    proxy: FaultProxy,
    monkeypatch: pytest.MonkeyPatch,
    call: Callable[[ExportStore], Any],
) -> None:
    with s3.behind_proxy() as away:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{away.port}")
        store = store_at()
        store.put("a/file", [b"content"])
    with pytest.raises(StoreUnavailable) as raised:
        call(store)
    assert "See that it runs" in told(raised)
    assert raised.value.retry_after > 0
    with s3.behind_proxy(away.port):
        call(store)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (error(503, "SlowDown", Retry_After="17"), "is busy or failing at the moment (SlowDown)"),
        (error(503, "ServiceUnavailable"), "is busy or failing"),
        (error(500, "InternalError"), "is busy or failing"),
        (error(429, "TooManyRequests"), "is busy or failing"),
        (error(400, "RequestTimeout"), "is busy or failing"),
        (error(409, "OperationAborted"), "is busy or failing"),
        (error(507, "XMinioStorageFull"), "has no space left"),
        (Answering(502, b"<html>LEAKED</html>", {"Content-Type": "text/html"}), "busy or failing"),
        (Answering(503, b"\x00\xff LEAKED"), "is busy or failing"),
        (Slow(math.inf), "gives no usable answer (ReadTimeoutError)"),
        (ResetInRequest(0), "gives no usable answer (ConnectionClosedError)"),
    ],
)
def test_what_passes_by_itself_is_unavailable(
    proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, fault: Any, said: str
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    store = store_at(patience=IMPATIENT)
    for call in _CALLS.values():
        proxy.always(fault)
        with pytest.raises(StoreUnavailable) as raised:
            call(store)
        assert said in told(raised)
        waits = 17 if "Retry-After" in getattr(fault, "headers", {}) else 30
        assert raised.value.retry_after == waits
    proxy.well()
    assert list(store_at().names("")) == []


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (error(403, "AccessDenied"), "denies the service what it needs (AccessDenied)"),
        (error(403, "InvalidAccessKeyId"), "does not accept the login"),
        (error(403, "SignatureDoesNotMatch"), "does not accept the login"),
        (error(400, "ExpiredToken"), "says that the login has expired"),
        (error(403, "RequestTimeTooSkewed"), "the clock of this machine"),
        (error(404, "NoSuchBucket"), "has no bucket of this name"),
        (error(301, "PermanentRedirect"), "Set AWS_REGION to that of the bucket"),
        (error(400, "AuthorizationHeaderMalformed"), "Set AWS_REGION"),
        (error(400, "EntityTooLarge"), "takes no file as large"),
        (error(501, "NotImplemented"), "takes no such request (NotImplemented, status 501)"),
        (error(403, "words, LEAKED"), "denies the service what it needs (an unknown"),
    ],
)
def test_what_a_person_has_to_change_is_refused_with_what_that_is(
    store: S3Store, proxy: FaultProxy, fault: Any, said: str
) -> None:
    for call in _CALLS.values():
        proxy.always(fault)
        before = len(proxy.asked)
        with pytest.raises(StoreRefused) as raised:
            call(store)
        assert said in told(raised)
        # None of it gets better by asking again.
        assert len(proxy.asked) == before + 1


def test_a_bucket_that_is_not_there_is_refused_by_every_call(proxy: FaultProxy) -> None:
    store = store_at(ABSENT_BUCKET)
    for call in _CALLS.values():
        with pytest.raises(StoreRefused, match="has no bucket of this name"):
            call(store)


@pytest.mark.parametrize(
    ("login", "said"),
    [
        (Login(SERVICE.key, "not-" + SERVICE.secret), "does not accept the login. See AWS_ACCESS"),
        (Login("unknown", SERVICE.secret), "does not accept the login. See AWS_ACCESS_KEY_ID"),
        (READER, "denies the service what it needs (AccessDenied). See the rights of its login"),
    ],
    ids=["wrong secret", "unknown key", "no right"],
)
def test_login_that_the_store_refuses_is_told_by_every_call_at_once(
    proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, login: Login, said: str
) -> None:
    store_at().put("a/file", [b"content"])
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", login.key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", login.secret)
    store = store_at()
    for name, call in _CALLS.items():
        if login is READER and name == "read":
            continue
        before = len(proxy.asked)
        with pytest.raises(StoreRefused) as raised:
            call(store)
        shown = told(raised)
        assert said in shown
        assert login.secret not in shown
        assert len(proxy.asked) == before + 1


def test_login_that_may_only_read_is_enough_for_reading_and_for_links(
    store: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("a/file", [b"content"])
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", READER.key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", READER.secret)
    reading = store_at()
    assert b"".join(reading.read("a/file")) == b"content"
    assert httpx2.get(link_of(reading)).content == b"content"


def test_without_a_login_every_call_is_refused(
    proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    store = store_at()
    calls: list[Callable[[S3Store], Any]] = [*_CALLS.values(), link_of]
    for call in calls:
        with pytest.raises(StoreRefused) as raised:
            call(store)
        assert "needs a login: set AWS_ACCESS_KEY_ID" in told(raised)
    assert proxy.asked == []


@_every_call
def test_a_store_that_is_busy_for_a_moment_is_asked_again(
    store: S3Store, proxy: FaultProxy, call: Callable[[ExportStore], Any]
) -> None:
    store.put("a/file", [b"content"])
    for fault in (error(503, "SlowDown"), ResetInRequest(1)):
        store.put("a/file", [b"content"])
        proxy.times(1, fault)
        call(store)


def test_a_store_that_is_silent_for_a_moment_is_asked_again(
    store: S3Store, proxy: FaultProxy
) -> None:
    store.put("a/file", [b"content"])
    proxy.times(1, Slow(60))
    assert store_at(patience=Patience(connect=20, silence=3)).size("a/file") == 7
