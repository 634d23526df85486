"""Exports by real workers, which are killed or find no room; a service gives the files."""

import gzip
import resource
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.exporting import Exporting, exporting_with
from tests.e2e.service_process import wait_until
from tests.support.database import TestDatabase


@pytest.fixture
def exporting(own_database: TestDatabase, folder: Path) -> Iterator[Exporting]:
    settings = {"EXPORT_STORE": str(folder / "exports")}
    with exporting_with(own_database, folder, settings) as made:
        yield made


def test_worker_killed_three_times_leaves_the_file_it_would_have_been(
    exporting: Exporting,
) -> None:
    exporting.fill(120_000)
    killed = exporting.ask()
    for parts in range(3):
        with exporting.worker() as process:
            wait_until(partial(exporting.is_at, killed, parts), f"{parts} parts", 120)
            process.kill()
    undisturbed = exporting.ask()
    with exporting.worker():
        told = exporting.wait_for(killed, "done")
        other = exporting.wait_for(undisturbed, "done")
    assert told["progress"] == {"done": 120_000, "total": 120_000}
    assert told["sha256"] == other["sha256"]
    content = exporting.download(killed)
    assert content == exporting.download(undisturbed)
    assert gzip.decompress(content).count(b"\n") == 120_000
    assert exporting.files(killed) == exporting.files(undisturbed) == ["export.ndjson.gz"]


def test_export_cancelled_on_the_way_leaves_nothing(exporting: Exporting) -> None:
    exporting.fill(120_000)
    export_id = exporting.ask()
    with exporting.worker():
        wait_until(lambda: exporting.parts(export_id) >= 1, "a part", 120)
        assert exporting.call("POST", f"/exports/{export_id}/cancel").status_code == 200
        wait_until(lambda: exporting.parts(export_id) == 0, "its ledger to be struck")
    assert exporting.files(export_id) == []


def test_where_there_is_no_room_an_export_waits_until_there_is(exporting: Exporting) -> None:
    """A limit on the size of files stands for the full disk: writing fails in the same place."""
    exporting.fill(60_000)
    export_id = exporting.ask(compression="none")
    with exporting.worker() as process:
        process.wait_until_working()
        _, hard = resource.prlimit(process.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.process.pid, resource.RLIMIT_FSIZE, (1024 * 1024, hard))
        wait_until(lambda: bool(process.events("job_failed")), "it to find no room", 60)
        assert exporting.look(export_id)["status"] == "running"
        assert exporting.files(export_id) == []
        resource.prlimit(process.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        exporting.wait_for(export_id, "done")
    [failed, *_] = process.events("job_failed")
    assert "StoreUnavailable" in failed["reason"]
    assert exporting.download(export_id).count(b"\n") == 60_000
