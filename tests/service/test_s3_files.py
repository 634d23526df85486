"""Files in S3: put in parts, read in pieces, listed and deleted by pages; whole or not there."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from handlers.export_store import StoredFileMissing, StoreRefused, StoreUnavailable
from service.export_stores.s3 import MOST_PARTS, PAGE_NAMES, PART_BYTES, S3Store
from tests.service.s3_stores import LARGE, is_for, link_of, proxy, store, store_at, told
from tests.support.fault_proxy import (
    Answering,
    FaultProxy,
    ResetInAnswer,
    ResetInRequest,
    Slow,
    error,
)
from tests.support.s3 import (
    BUCKET,
    REGION,
    SERVICE,
    S3Server,
)

__all__ = ["proxy", "store"]


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
    fails = is_for(operation)
    proxy.fault = lambda asked: fault if fails(asked) else Slow(0)
    with pytest.raises((StoreUnavailable, StoreRefused)):
        store.put("a/file", [LARGE])
    assert any(map(is_for("abort"), proxy.asked))
    assert (s3.content("a/file"), s3.unfinished()) == (b"old", [])


def test_upload_goes_on_where_a_part_was_reset(store: S3Store, proxy: FaultProxy) -> None:
    proxy.times(1, ResetInRequest(PART_BYTES // 2), is_for("second part"))
    store.put("a/file", [LARGE])
    assert store.size("a/file") == len(LARGE)


def test_error_in_an_answer_of_200_at_the_end_of_an_upload_is_one(
    store: S3Store, proxy: FaultProxy, s3: S3Server
) -> None:
    fault = error(200, "InternalError")
    proxy.fault = lambda asked: fault if is_for("complete")(asked) else Slow(0)
    with pytest.raises(StoreUnavailable):
        store.put("a/file", [LARGE])
    assert (s3.names(), s3.unfinished()) == ([], [])


def test_upload_that_nobody_could_abort_is_aborted_with_the_deletion(
    store: S3Store, proxy: FaultProxy, s3: S3Server
) -> None:
    proxy.fault = lambda asked: (
        error(409, "OperationAborted")
        if is_for("complete")(asked) or is_for("abort")(asked)
        else Slow(0)
    )
    for name in ("a/file", "a/other"):
        with pytest.raises(StoreUnavailable):
            store.put(name, [LARGE])
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
    proxy.fault = lambda asked: fault if is_for("abort")(asked) else Slow(0)
    with pytest.raises(StoreUnavailable):
        store.delete("a/")
    assert s3.unfinished() == ["a/file"]


def test_upload_that_was_just_aborted_elsewhere_is_done_with(
    store: S3Store, proxy: FaultProxy, s3: S3Server
) -> None:
    s3.admin.create_multipart_upload(Bucket=BUCKET, Key="a/file")
    fault = error(404, "NoSuchUpload")
    proxy.fault = lambda asked: fault if is_for("abort")(asked) else Slow(0)
    assert store.delete("a/") == 0
    assert any(map(is_for("abort"), proxy.asked))


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
        proxy.times(2, ResetInAnswer(after), is_for("get"))
        assert b"".join(store.read("a/file")) == content
    proxy.always(ResetInAnswer(1_000_000))
    with pytest.raises(StoreUnavailable) as raised:
        list(store.read("a/file"))
    assert "gives no usable answer" in told(raised)


def test_file_that_is_replaced_as_it_is_read_is_not_read_on(store: S3Store) -> None:
    store.put("a/file", [LARGE])
    pieces = store.read("a/file")
    next(pieces)
    store.put("a/file", [bytes([1]) * len(LARGE)])
    with pytest.raises(StoreUnavailable) as raised:
        next(pieces)
    assert "replaced" in told(raised)


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
    assert "has not deleted 1 of its files (InternalError)" in told(raised)


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


def test_link_hands_out_the_file_under_its_name_and_asks_nothing(
    store: S3Store, proxy: FaultProxy
) -> None:
    store.put("a/file", [b"0123456789"])
    before = len(proxy.asked)
    url = link_of(store)
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
    assert "X-Amz-Expires=300&" in link_of(store, 86_400)
    assert "X-Amz-Expires=20&" in link_of(store, 20)


def test_names_of_one_prefix_are_not_seen_from_another(proxy: FaultProxy) -> None:
    one, other, all_of_it = store_at(prefix="one/"), store_at(prefix="one/er/"), store_at()
    one.put("file", [b"1"])
    other.put("file", [b"2"])
    assert list(other.names("")) == ["file"]
    assert sorted(all_of_it.names("")) == ["one/er/file", "one/file"]
    assert other.delete("") == 1
    assert list(one.names("")) == ["file"]
    with pytest.raises(StoredFileMissing):
        other.size("file")
