"""`collector export` where files are in an object store: led there, it takes no key along."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.exported import LARGE, Exported, listed, store_large_reports
from tests.e2e.service_process import Service, clean_environment, running, short_folder
from tests.support.fault_proxy import Answering, Asked, Fault, FaultProxy, ResetInAnswer, error
from tests.support.s3 import BUCKET, S3Server, s3_variables

_ARGUMENTS = ("--since", "1d", "--include-raw", "-o", "all.ndjson")


@pytest.fixture(scope="module")
def store(s3: S3Server) -> Iterator[FaultProxy]:
    with s3.behind_proxy() as proxy:
        yield proxy
    s3.clear()


@pytest.fixture(scope="module")
def service(store: FaultProxy) -> Iterator[Service]:
    with short_folder() as folder:
        settings = clean_environment(
            COLLECTOR_HOME=str(folder / "home"),
            DRAIN_SECONDS="0",
            EXPORT_STORE=f"s3://{BUCKET}/qc",
            **s3_variables(store.port),
        )
        with running("up", settings, folder / "log") as started:
            store_large_reports(started)
            yield started


@pytest.fixture
def exported(service: Service, store: FaultProxy, tmp_path: Path) -> Exported:
    store.well()
    store.asked.clear()
    return Exported(service, tmp_path)


def _is_download(asked: Asked) -> bool:
    """By a signed URL, which only `collector export` has."""
    return asked.method == "GET" and "X-Amz-Signature=" in asked.target


def _downloads(store: FaultProxy) -> list[Asked]:
    return [asked for asked in store.asked if _is_download(asked)]


def _no_key_was_sent(exported: Exported, store: FaultProxy) -> None:
    for asked in store.asked:
        told = f"{asked.target} {asked.headers}"
        assert exported.service.keys["auditor"] not in told
        assert "X-Api-Key" not in told.title()
    for asked in _downloads(store):
        assert not {"authorization", "cookie", "x-tenant"} & {
            name.lower() for name in asked.headers
        }


def test_file_comes_from_the_store_without_the_key_going_there(
    exported: Exported, store: FaultProxy
) -> None:
    ended = exported.export(*_ARGUMENTS)
    assert ended.exit_code == 0, ended.stderr
    assert f"all.ndjson  {LARGE} reports, " in ended.stdout
    lines = (exported.folder / "all.ndjson").read_bytes().splitlines()
    assert len(lines) == len(listed(exported.service)) == LARGE
    assert len(_downloads(store)) == 1
    _no_key_was_sent(exported, store)


@pytest.mark.parametrize(
    ("fault", "goes_on"),
    [
        (ResetInAnswer(900_000), True),
        (error(503, "SlowDown"), False),
        # Of a URL that has run out.
        (error(403, "AccessDenied"), False),
    ],
    ids=["reset", "busy", "run out"],
)
def test_download_goes_on_after_the_store_has_failed(
    exported: Exported, store: FaultProxy, fault: Fault, goes_on: bool
) -> None:
    store.times(2, fault, _is_download)
    ended = exported.export(*_ARGUMENTS)
    assert ended.exit_code == 0, ended.stderr
    asked = _downloads(store)
    assert len(asked) == 3
    # Each time by a URL of its own.
    assert ["Range" in each.headers or "range" in each.headers for each in asked] == [
        False,
        goes_on,
        goes_on,
    ]
    _no_key_was_sent(exported, store)


def test_something_else_in_the_place_of_the_file_is_refused(
    exported: Exported, store: FaultProxy
) -> None:
    store.times(1, Answering(200, b"<html>Sign in</html>" * 300_000), _is_download)
    ended = exported.export(*_ARGUMENTS)
    assert ended.exit_code == 3
    assert "The download is deleted: all.ndjson is not what was signed" in ended.stderr
    assert exported.names() == []
