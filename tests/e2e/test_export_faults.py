"""Exports by real workers to a real S3 server that fails: they wait or fail clearly, and nothing
half-written can be had. A full disk: `ci/disk_full`.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.exporting import Exporting, exporting_with
from tests.e2e.service_process import wait_until
from tests.e2e.worker_process import WorkerProcess
from tests.support.database import TestDatabase
from tests.support.fault_proxy import (
    PASSING,
    Asked,
    Fault,
    FaultProxy,
    ResetInRequest,
    Slow,
    error,
)
from tests.support.s3 import ABSENT_BUCKET, BUCKET, READER, SERVICE, S3Server, s3_variables

# More than one part of an upload, and of the ledger, where they are not compressed.
_REPORTS: Final = 60_000
_SECRETS: Final = (SERVICE.secret, SERVICE.key, "X-Amz-", "LEAKED")


@dataclass(slots=True)
class InS3:
    """`proxy` is the only way that the service and its workers know to the store."""

    exporting: Exporting
    server: S3Server
    proxy: FaultProxy

    def is_nothing_offered(self, export_id: str) -> bool:
        told = self.exporting.look(export_id)
        finals = [name for name in self.server.names() if "/export." in name]
        manifest = self.exporting.call("GET", f"/exports/{export_id}/manifest").status_code
        return not finals and "download_url" not in told and manifest in (409, 410)

    def is_left_clean(self) -> bool:
        """Whether the store holds finished files alone."""
        parts = [name for name in self.server.names() if "/export." not in name]
        return not parts and not self.server.unfinished()


@pytest.fixture
def in_s3(s3: S3Server, own_database: TestDatabase, folder: Path) -> Iterator[InS3]:
    with s3.behind_proxy() as proxy:
        settings = s3_variables(proxy.port, EXPORT_STORE=f"s3://{BUCKET}/e2e")
        with exporting_with(own_database, folder, settings) as exporting:
            exporting.fill(_REPORTS)
            yield InS3(exporting, s3, proxy)
        logs = [exporting.service.log(), *(each.read_text() for each in folder.glob("worker-*"))]
    s3.clear()
    assert not [secret for secret in _SECRETS for log in logs if secret in log]


def _failures(process: WorkerProcess) -> list[str]:
    return [event["reason"] for event in process.events("job_failed")]


def _in_the_middle(asked: Asked) -> bool:
    """Of putting together the file; its parts are kept by then."""
    return "/export." in asked.target and "partNumber=2" in asked.target


def _meets(proxy: FaultProxy, fault: Fault) -> None:
    proxy.fault = lambda asked: fault if _in_the_middle(asked) else PASSING


_BUSY: Final = "is busy or failing at the moment"
_FAULTS: Final[list[tuple[Fault, str]]] = [
    (error(503, "SlowDown", Retry_After="1"), f"{_BUSY} (SlowDown)"),
    (ResetInRequest(1_000_000), "gives no usable answer (ConnectionClosedError)"),
]


def test_export_waits_while_the_store_fails_and_is_done_once_it_is_well(in_s3: InS3) -> None:
    exporting = in_s3.exporting
    for fault, said in _FAULTS:
        _meets(in_s3.proxy, fault)
        export_id = exporting.ask(compression="none")
        with exporting.worker() as process:
            wait_until(partial(_failures, process), "it to meet the fault", 60)
            told = exporting.look(export_id)
            assert said in _failures(process)[0]
            assert (told["status"], told["failure"]) == ("running", None)
            assert in_s3.is_nothing_offered(export_id)
            assert in_s3.server.unfinished() == []
            in_s3.proxy.well()
            told = exporting.wait_for(export_id, "done")
            content = exporting.download(export_id)
            assert (len(content), content.count(b"\n")) == (told["size"], _REPORTS)
            wait_until(in_s3.is_left_clean, "the parts to be deleted")
            assert exporting.call("POST", f"/exports/{export_id}/cancel").status_code == 200
            wait_until(lambda: in_s3.server.names() == [], "the file to be deleted")


def test_export_waits_for_a_store_that_is_down_and_goes_on_when_it_is_back(
    s3: S3Server, own_database: TestDatabase, folder: Path
) -> None:
    with ExitStack() as away:
        proxy = away.enter_context(s3.behind_proxy())
        settings = s3_variables(proxy.port, EXPORT_STORE=f"s3://{BUCKET}")
        with exporting_with(own_database, folder, settings) as exporting:
            away.close()
            exporting.fill(1_000)
            export_id = exporting.ask()
            with exporting.worker() as process:
                wait_until(partial(_failures, process), "it to find nobody", 60)
                [first, *_] = _failures(process)
                assert "EndpointConnectionError" in first
                assert "See that it runs" in first
                assert exporting.look(export_id)["status"] == "running"
                assert exporting.look(export_id).get("download_url") is None
                with s3.behind_proxy(proxy.port) as back:
                    # It comes back slow.
                    slow: dict[str, Fault] = {"PUT": Slow(0.3), "POST": Slow(0.3)}
                    back.fault = lambda asked: slow.get(asked.method, PASSING)
                    exporting.wait_for(export_id, "done")
                    assert exporting.download(export_id)
    s3.clear()


_WRONG: Final[list[tuple[dict[str, str], str]]] = [
    (
        {"AWS_SECRET_ACCESS_KEY": "not-the-password"},
        "does not accept the login. See AWS_ACCESS_KEY_ID",
    ),
    (
        {"AWS_ACCESS_KEY_ID": READER.key, "AWS_SECRET_ACCESS_KEY": READER.secret},
        "denies the service what it needs (AccessDenied). See the rights of its login there.",
    ),
    (
        {"EXPORT_STORE": f"s3://{ABSENT_BUCKET}"},
        "has no bucket of this name. Make it, or set EXPORT_STORE",
    ),
]


def test_export_fails_at_once_where_the_store_itself_refuses(
    s3: S3Server, own_database: TestDatabase, folder: Path
) -> None:
    settings = s3_variables(s3.port, EXPORT_STORE=f"s3://{BUCKET}")
    with exporting_with(own_database, folder, settings) as exporting:
        exporting.fill(1_000)
        well = exporting.environment
        for wrong, said in _WRONG:
            exporting.environment = well | wrong
            export_id = exporting.ask()
            with exporting.worker():
                told = exporting.wait_for(export_id, "failed")
            assert said in told["failure"]
            assert "download_url" not in told
            assert s3.names() == []
        exporting.environment = well
        with exporting.worker():
            export_id = exporting.ask()
            exporting.wait_for(export_id, "done")
            assert exporting.download(export_id)
    s3.clear()


def test_export_fails_in_the_middle_with_what_a_person_must_change(in_s3: InS3) -> None:
    said = "says that the login has expired. Give the service a new one."
    exporting, proxy = in_s3.exporting, in_s3.proxy
    with exporting.worker() as process:
        process.wait_until_working()
        _meets(proxy, error(400, "ExpiredToken"))
        export_id = exporting.ask(compression="none")
        told = exporting.wait_for(export_id, "failed")
        assert f"(S3, bucket {BUCKET}) {said}" in told["failure"]
        assert in_s3.is_nothing_offered(export_id)
        assert _failures(process) == []
        wait_until(lambda: in_s3.server.names() == [], "the parts to be deleted")
        assert in_s3.server.unfinished() == []
        proxy.well()
        exporting.wait_for(exporting.ask(), "done")


def test_worker_killed_in_the_middle_of_an_upload_leaves_nothing_to_be_had(in_s3: InS3) -> None:
    exporting, server = in_s3.exporting, in_s3.server
    _meets(in_s3.proxy, Slow(60))
    export_id = exporting.ask(compression="none")
    with exporting.worker() as process:
        wait_until(lambda: any(map(_in_the_middle, in_s3.proxy.asked)), "the second part", 60)
        process.kill()
    assert in_s3.is_nothing_offered(export_id)
    [left] = server.unfinished()
    in_s3.proxy.well()
    with exporting.worker():
        told = exporting.wait_for(export_id, "done")
        assert len(exporting.download(export_id)) == told["size"]
        assert server.unfinished() == [left]
        assert exporting.call("POST", f"/exports/{export_id}/cancel").status_code == 200
        wait_until(lambda: not server.names() and not server.unfinished(), "all to be deleted")
