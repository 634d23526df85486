"""S3 as it is at its worst: down, slow, busy, broken off, forbidden; and what a person is told."""

import math
from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from handlers.export_store import ExportStore, StoredFileMissing, StoreRefused, StoreUnavailable
from service.export_stores.s3 import MOST_PARTS, PAGE_NAMES, PART_BYTES, S3Store
from service.export_stores.s3_client import Patience
from service.s3_place import S3Place
from tests.support.fault_proxy import (
    Answering,
    Asked,
    FaultProxy,
    ResetInAnswer,
    ResetInRequest,
    Slow,
    error,
)
from tests.support.s3 import (
    ABSENT_BUCKET,
    BUCKET,
    READER,
    REGION,
    SERVICE,
    S3Server,
    s3_variables,
)
from tests.support.seaweedfs import Login

# A machine that is busy with other tests is no fault.
_PATIENT: Final = Patience(connect=20, silence=20, piece=20)
_IMPATIENT: Final = Patience(connect=2, silence=1, piece=2)
_LARGE = bytes(2 * PART_BYTES + 5)


@pytest.fixture
def proxy(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    with s3.behind_proxy() as made:
        for name, value in s3_variables(made.port).items():
            monkeypatch.setenv(name, value)
        yield made
    s3.clear()


def _store(bucket: str = BUCKET, prefix: str = "", patience: Patience = _PATIENT) -> S3Store:
    return S3Store(S3Place(bucket, prefix), patience)


@pytest.fixture
def store(proxy: FaultProxy) -> S3Store:
    return _store()


def _is(operation: str) -> Callable[[Asked], bool]:
    """Requests of S3's operations by what tells them apart."""
    tests: dict[str, Callable[[Asked], bool]] = {
        "part": lambda asked: "partNumber=" in asked.target,
        "second part": lambda asked: "partNumber=2" in asked.target,
        "complete": lambda asked: asked.method == "POST" and "uploadId=" in asked.target,
        "abort": lambda asked: asked.method == "DELETE" and "uploadId=" in asked.target,
        "get": lambda asked: asked.method == "GET" and "/file" in asked.target,
    }
    return tests[operation]


_CALLS: dict[str, Callable[[ExportStore], Any]] = {
    "put": lambda store: store.put("a/file", [b"content"]),
    "put in parts": lambda store: store.put("a/file", [_LARGE]),
    "read": lambda store: list(store.read("a/file")),
    "size": lambda store: store.size("a/file"),
    "delete": lambda store: store.delete("a/"),
    "names": lambda store: list(store.names("a/")),
}
_every_call = pytest.mark.parametrize("call", _CALLS.values(), ids=_CALLS)


def _told(raised: pytest.ExceptionInfo[Exception]) -> str:
    """What a person is told, after seeing that it gives nothing away; nor do its causes."""
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None or raised.value.__suppress_context__
    shown = str(raised.value)
    for secret in (SERVICE.secret, SERVICE.key, "LEAKED", "Signature", "127.0.0.1"):
        assert secret not in shown
    assert shown.startswith(f"The store of exports (S3, bucket {BUCKET}) ")
    assert shown.endswith(".")
    return shown


@_every_call
def test_a_store_that_is_away_is_unavailable_until_it_is_back(
    s3: S3Server,
    proxy: FaultProxy,
    monkeypatch: pytest.MonkeyPatch,
    call: Callable[[ExportStore], Any],
) -> None:
    with s3.behind_proxy() as away:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{away.port}")
        store = _store()
        store.put("a/file", [b"content"])
    with pytest.raises(StoreUnavailable) as raised:
        call(store)
    assert "See that it runs" in _told(raised)
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
    store = _store(patience=_IMPATIENT)
    for call in _CALLS.values():
        proxy.always(fault)
        with pytest.raises(StoreUnavailable) as raised:
            call(store)
        assert said in _told(raised)
        waits = 17 if "Retry-After" in getattr(fault, "headers", {}) else 30
        assert raised.value.retry_after == waits
    proxy.well()
    assert list(_store().names("")) == []


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
        assert said in _told(raised)
        # None of it gets better by asking again.
        assert len(proxy.asked) == before + 1


def test_a_bucket_that_is_not_there_is_refused_by_every_call(proxy: FaultProxy) -> None:
    store = _store(ABSENT_BUCKET)
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
    _store().put("a/file", [b"content"])
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", login.key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", login.secret)
    store = _store()
    for name, call in _CALLS.items():
        if login is READER and name == "read":
            continue
        before = len(proxy.asked)
        with pytest.raises(StoreRefused) as raised:
            call(store)
        shown = _told(raised)
        assert said in shown
        assert login.secret not in shown
        assert len(proxy.asked) == before + 1


def test_login_that_may_only_read_is_enough_for_reading_and_for_links(
    store: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("a/file", [b"content"])
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", READER.key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", READER.secret)
    reading = _store()
    assert b"".join(reading.read("a/file")) == b"content"
    assert httpx2.get(_link(reading)).content == b"content"


def test_without_a_login_every_call_is_refused(
    proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    store = _store()
    calls: list[Callable[[S3Store], Any]] = [*_CALLS.values(), _link]
    for call in calls:
        with pytest.raises(StoreRefused) as raised:
            call(store)
        assert "needs a login: set AWS_ACCESS_KEY_ID" in _told(raised)
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
    assert _store(patience=Patience(connect=20, silence=3)).size("a/file") == 7


@pytest.mark.parametrize("operation", ["part", "second part", "complete"])
@pytest.mark.parametrize(
    "fault",
    [error(503, "SlowDown"), error(403, "AccessDenied"), ResetInRequest(1_000_000)],
    ids=["busy", "denied", "reset"],
)
def test_upload_that_fails_is_aborted_and_the_old_file_stays(
    store: S3Store, proxy: FaultProxy, s3: S3Server, fault: Any, operation: str
) -> None:
    store.put("a/file", [b"old"])
    fails = _is(operation)
    proxy.fault = lambda asked: fault if fails(asked) else Slow(0)
    with pytest.raises((StoreUnavailable, StoreRefused)):
        store.put("a/file", [_LARGE])
    assert any(map(_is("abort"), proxy.asked))
    assert (s3.content("a/file"), s3.unfinished()) == (b"old", [])


def test_upload_goes_on_where_a_part_was_reset(store: S3Store, proxy: FaultProxy) -> None:
    proxy.times(1, ResetInRequest(PART_BYTES // 2), _is("second part"))
    store.put("a/file", [_LARGE])
    assert store.size("a/file") == len(_LARGE)


def test_error_in_an_answer_of_200_at_the_end_of_an_upload_is_one(
    store: S3Store, proxy: FaultProxy, s3: S3Server
) -> None:
    fault = error(200, "InternalError")
    proxy.fault = lambda asked: fault if _is("complete")(asked) else Slow(0)
    with pytest.raises(StoreUnavailable):
        store.put("a/file", [_LARGE])
    assert (s3.names(), s3.unfinished()) == ([], [])


def test_upload_that_nobody_could_abort_is_aborted_with_the_deletion(
    store: S3Store, proxy: FaultProxy, s3: S3Server
) -> None:
    proxy.fault = lambda asked: (
        error(409, "OperationAborted") if _is("complete")(asked) or _is("abort")(asked) else Slow(0)
    )
    for name in ("a/file", "a/other"):
        with pytest.raises(StoreUnavailable):
            store.put(name, [_LARGE])
    proxy.well()
    assert s3.unfinished() == ["a/file", "a/other"]
    assert list(store.names("a/")) == []
    assert store.delete("a/fi") == 0
    assert s3.unfinished() == ["a/other"]


def test_more_than_a_page_of_unfinished_uploads_is_aborted(
    store: S3Store, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.export_stores.s3.PAGE_NAMES", 3)
    for number in range(8):
        for name in ("a", "b"):
            s3.admin.create_multipart_upload(Bucket=BUCKET, Key=f"{name}/{number}")
    # Two of one file are two.
    s3.admin.create_multipart_upload(Bucket=BUCKET, Key="a/7")
    assert len(s3.unfinished()) == 17
    assert store.delete("a/") == 0
    assert s3.unfinished() == [f"b/{number}" for number in range(8)]


def test_deletion_is_not_done_while_an_upload_can_not_be_aborted(
    store: S3Store, proxy: FaultProxy, s3: S3Server
) -> None:
    s3.admin.create_multipart_upload(Bucket=BUCKET, Key="a/file")
    fault = error(503, "SlowDown")
    proxy.fault = lambda asked: fault if _is("abort")(asked) else Slow(0)
    with pytest.raises(StoreUnavailable):
        store.delete("a/")
    assert s3.unfinished() == ["a/file"]


def test_upload_that_was_just_aborted_elsewhere_is_done_with(
    store: S3Store, proxy: FaultProxy, s3: S3Server
) -> None:
    s3.admin.create_multipart_upload(Bucket=BUCKET, Key="a/file")
    fault = error(404, "NoSuchUpload")
    proxy.fault = lambda asked: fault if _is("abort")(asked) else Slow(0)
    assert store.delete("a/") == 0
    assert any(map(_is("abort"), proxy.asked))


def test_store_that_can_not_list_uploads_is_left_to_its_lifecycle_rule(
    store: S3Store, proxy: FaultProxy
) -> None:
    store.put("a/file", [b"content"])
    fault = error(501, "NotImplemented")
    proxy.fault = lambda asked: fault if "?uploads" in asked.target else Slow(0)
    assert store.delete("a/") == 1


def test_read_goes_on_where_an_answer_was_broken_off(store: S3Store, proxy: FaultProxy) -> None:
    content = bytes(range(256)) * 40_000
    store.put("a/file", [content])
    for after in (0, 1_000_000):
        proxy.times(2, ResetInAnswer(after), _is("get"))
        assert b"".join(store.read("a/file")) == content
    proxy.always(ResetInAnswer(1_000_000))
    with pytest.raises(StoreUnavailable) as raised:
        list(store.read("a/file"))
    assert "gives no usable answer" in _told(raised)


def test_file_that_is_replaced_as_it_is_read_is_not_read_on(store: S3Store) -> None:
    store.put("a/file", [_LARGE])
    pieces = store.read("a/file")
    next(pieces)
    store.put("a/file", [bytes([1]) * len(_LARGE)])
    with pytest.raises(StoreUnavailable) as raised:
        next(pieces)
    assert "replaced" in _told(raised)


def test_deletion_that_is_denied_for_some_files_is_told(store: S3Store, proxy: FaultProxy) -> None:
    store.put("a/file", [b"content"])
    failed = (
        "<DeleteResult><Error><Key>a/file</Key><Code>InternalError</Code>"
        "<Message>LEAKED</Message></Error></DeleteResult>"
    )
    answer = Answering(200, failed.encode(), {"Content-Type": "application/xml"})
    proxy.fault = lambda asked: answer if asked.method == "POST" else Slow(0)
    with pytest.raises(StoreUnavailable) as raised:
        store.delete("a/")
    assert "has not deleted 1 of its files (InternalError)" in _told(raised)


def test_more_than_a_page_of_names_is_listed_and_deleted(
    store: S3Store, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert PAGE_NAMES == 1_000
    monkeypatch.setattr("service.export_stores.s3.PAGE_NAMES", 3)
    names = [f"a/{number}" for number in range(8)]
    for name in names:
        store.put(name, [])
    before = len(proxy.asked)
    assert sorted(store.names("a/")) == names
    assert len(proxy.asked) == before + 3
    assert store.delete("a/") == 8
    assert list(store.names("")) == []


def test_more_parts_than_s3_takes_are_refused_before_the_last_is_sent(
    store: S3Store, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.export_stores.s3.MOST_PARTS", 2)
    store.put("a/file", [bytes(2 * PART_BYTES)])
    with pytest.raises(StoreRefused, match="16,777,216 bytes, the most that the store"):
        store.put("a/file", [bytes(2 * PART_BYTES + 1)])
    assert (s3.unfinished(), store.size("a/file")) == ([], 2 * PART_BYTES)
    assert MOST_PARTS == 10_000


def _link(store: S3Store, seconds: int = 300) -> str:
    url = store.link("a/file", file_name="qc.ndjson.gz", media_type="a/b", seconds=seconds)
    assert url is not None
    return url


def test_link_hands_out_the_file_under_its_name_and_asks_nothing(
    store: S3Store, proxy: FaultProxy
) -> None:
    store.put("a/file", [b"0123456789"])
    before = len(proxy.asked)
    url = _link(store)
    assert len(proxy.asked) == before
    answer = httpx2.get(url, headers={"Range": "bytes=2-4"})
    assert (answer.status_code, answer.content) == (206, b"234")
    assert answer.headers["content-disposition"] == 'attachment; filename="qc.ndjson.gz"'
    assert answer.headers["content-type"] == "a/b"
    signed = parse_qs(urlsplit(url).query)
    assert signed["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert signed["X-Amz-Expires"] == ["300"]
    assert signed["X-Amz-SignedHeaders"] == ["host"]
    assert f"/{REGION}/s3/" in signed["X-Amz-Credential"][0]
    assert SERVICE.secret not in url


def test_link_ends_within_five_minutes_whatever_is_asked(store: S3Store) -> None:
    assert "X-Amz-Expires=300&" in _link(store, 86_400)
    assert "X-Amz-Expires=20&" in _link(store, 20)


def test_names_of_one_prefix_are_not_seen_from_another(proxy: FaultProxy) -> None:
    one, other, all_of_it = _store(prefix="one/"), _store(prefix="one/er/"), _store()
    one.put("file", [b"1"])
    other.put("file", [b"2"])
    assert list(other.names("")) == ["file"]
    assert sorted(all_of_it.names("")) == ["one/er/file", "one/file"]
    assert other.delete("") == 1
    assert list(one.names("")) == ["file"]
    with pytest.raises(StoredFileMissing):
        other.size("file")
