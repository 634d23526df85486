"""Files of exports in S3: whoever has a link is led there, and the service reads none of them."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2
import pytest

from db import access
from db.session import Database
from service.export_stores.s3 import S3Store
from service.s3_place import S3Place
from tests.support.client import Callers, Client
from tests.support.database import TestDatabase
from tests.support.exports import look, written
from tests.support.fault_proxy import FaultProxy, error
from tests.support.s3 import BUCKET, S3Server, s3_variables
from tests.support.service import RunningService, running_service


@dataclass(frozen=True, slots=True)
class InS3:
    service: RunningService
    callers: Callers
    anyone: Client
    proxy: FaultProxy
    server: S3Server


@pytest.fixture(scope="module")
def proxy(s3: S3Server) -> Iterator[FaultProxy]:
    with s3.behind_proxy() as made:
        yield made


@pytest.fixture(scope="module")
def service_with_s3(
    s3: S3Server, proxy: FaultProxy, shared_database: TestDatabase
) -> Iterator[RunningService]:
    """Its login is a role's, whose links are as long as links get."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3_variables(proxy.port, **s3.session()).items():
            patch.setenv(name, value)
        store = S3Store(S3Place(BUCKET, "exports/"))
        # The library looks for the login when it first needs one.
        store.link("any", file_name="any", media_type="any", seconds=1)
    database = Database(shared_database.url(access.APP))
    with running_service(database, export_store=store) as running:
        yield running


@pytest.fixture
def in_s3(s3: S3Server, proxy: FaultProxy, service_with_s3: RunningService) -> Iterator[InS3]:
    running = service_with_s3
    yield InS3(running, Callers(running), Client(running), proxy, s3)
    proxy.well()
    s3.clear()


def test_link_leads_to_the_store_which_gives_the_file_under_its_name(in_s3: InS3) -> None:
    report_id = in_s3.callers.operator.ingest({"status": {"api": "pass"}})["id"]
    done = written(in_s3.callers)
    asked_before = len(in_s3.proxy.asked)
    led = in_s3.anyone.get(done["download_url"])
    assert (led.status, led.content) == (303, b"")
    assert led.headers["cache-control"] == "private, no-store"
    assert led.headers["referrer-policy"] == "no-referrer"
    # Nothing was read through the service, nor looked for.
    assert len(in_s3.proxy.asked) == asked_before
    assert len(led.headers["location"]) > 2_000
    file = httpx2.get(led.headers["location"])
    assert (file.status_code, len(file.content)) == (200, done["size"])
    [line] = gzip.decompress(file.content).splitlines()
    assert json.loads(line)["id"] == report_id
    assert file.headers["content-disposition"] == (
        f'attachment; filename="qc-reports-{done["id"]}.ndjson.gz"'
    )
    assert file.headers["content-type"] == "application/octet-stream"
    part = httpx2.get(led.headers["location"], headers={"Range": "bytes=3-9"})
    assert (part.status_code, part.content) == (206, file.content[3:10])


def test_link_that_the_service_leads_to_is_for_that_export_alone(in_s3: InS3) -> None:
    one, other = (
        urlsplit(in_s3.anyone.get(written(in_s3.callers)["download_url"]).headers["location"])
        for _ in range(2)
    )
    assert one.path != other.path
    exchanged = one._replace(path=other.path).geturl(), other._replace(path=one.path).geturl()
    for url in exchanged:
        answer = httpx2.get(url)
        assert answer.status_code == 403
        assert b"<Code>SignatureDoesNotMatch</Code>" in answer.content
    assert httpx2.get(one.geturl()).status_code == httpx2.get(other.geturl()).status_code == 200


def test_each_leading_there_stands_in_the_audit_log_and_no_signature_does(in_s3: InS3) -> None:
    done = written(in_s3.callers)
    for _ in range(2):
        assert in_s3.anyone.get(done["download_url"]).status == 303
    entries = in_s3.callers.by_role["auditor"].get("/admin/audit/logs", {"object": done["id"]})
    downloads = [each for each in entries.json["items"] if each["action"] == "download_export"]
    assert len(downloads) == 2
    assert b"X-Amz" not in entries.content


def test_link_of_the_service_that_has_ended_leads_nowhere(in_s3: InS3) -> None:
    done = written(in_s3.callers)
    in_s3.callers.by_role["auditor"].send("POST", f"/exports/{done['id']}/cancel")
    assert in_s3.anyone.get(done["download_url"]).status == 410
    in_s3.callers.viewer.have_work_done()
    assert in_s3.server.names() == []


def test_file_is_made_of_parts_which_are_gone_from_the_bucket_then(in_s3: InS3) -> None:
    in_s3.callers.operator.ingest({"status": {"api": "pass"}})
    written(in_s3.callers)
    assert [name.rpartition("/")[2] for name in in_s3.server.names()] == ["export.ndjson.gz"]
    assert all(name.startswith("exports/") for name in in_s3.server.names())


def test_links_are_made_while_the_store_is_down(in_s3: InS3) -> None:
    done = written(in_s3.callers)
    in_s3.proxy.always(error(503, "SlowDown"))
    assert "download_url" in look(in_s3.callers.by_role["auditor"], done["id"])
    assert in_s3.anyone.get(done["download_url"]).status == 303


def test_service_without_a_login_for_the_store_tells_its_operator_alone(
    in_s3: InS3, shared_database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = written(in_s3.callers)
    for name, value in s3_variables(in_s3.proxy.port).items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    database = Database(shared_database.url(access.APP))
    with running_service(database, export_store=S3Store(S3Place(BUCKET, ""))) as other:
        answer = Client(other).get(done["download_url"])
    assert (answer.status, answer.problem_type) == (503, "unavailable")
    assert "AWS" not in answer.json["detail"]
