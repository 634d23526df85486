"""The disk that exports lie on fills up: an export waits, nothing half-written can be had, and
freed space is enough.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from ci.disk_full.small_disk import fill, small_disk_at
from tests.e2e.exporting import Exporting, exporting_with
from tests.e2e.service_process import short_folder, wait_until
from tests.e2e.worker_process import WorkerProcess
from tests.support.database import TestDatabase

_REPORTS: Final = 60_000


@pytest.fixture
def exporting(own_database: TestDatabase) -> Iterator[Exporting]:
    with short_folder() as folder, small_disk_at(folder / "exports", "96m") as disk:
        settings = {"EXPORT_STORE": str(disk)}
        with exporting_with(own_database, folder, settings) as made:
            made.fill(_REPORTS)
            yield made


def _fill_but(disk: Path, free: int) -> Path:
    filler = fill(disk)
    with filler.open("r+b") as file:
        file.truncate(filler.stat().st_size - free)
    return filler


def _wait_for_failure(process: WorkerProcess) -> None:
    wait_until(lambda: process.events("job_failed"), "it to find no room", 60)
    [failed, *_] = process.events("job_failed")
    assert "The folder of exports has no space left. Free some there." in failed["reason"]


def _is_nothing_offered(exporting: Exporting, export_id: str) -> bool:
    told = exporting.look(export_id)
    manifest = exporting.call("GET", f"/exports/{export_id}/manifest").status_code
    return "download_url" not in told and (told["status"], manifest) == ("running", 409)


def _everything(exporting: Exporting) -> list[str]:
    """All that lies on the disk, drafts too."""
    disk = exporting.folder / "exports"
    return sorted(each.name for each in disk.rglob("*") if each.is_file() and each.name != "filler")


@pytest.mark.parametrize("times", [0, 1.5], ids=["for no part", "for parts alone"])
def test_export_waits_on_a_full_disk_and_is_done_once_space_is_freed(
    exporting: Exporting, times: float
) -> None:
    size = exporting.wait_to_have_written(compression="none")
    filler = _fill_but(exporting.folder / "exports", int(size * times))
    export_id = exporting.ask(compression="none")
    with exporting.worker() as process:
        _wait_for_failure(process)
        assert _is_nothing_offered(exporting, export_id)
        parts = exporting.parts(export_id)
        assert parts == (0 if times == 0 else 2)
        assert _everything(exporting) == [f"part-{number:06}" for number in range(1, parts + 1)]
        filler.unlink()
        exporting.wait_for(export_id, "done")
        assert exporting.download(export_id).count(b"\n") == _REPORTS
        wait_until(lambda: _everything(exporting) == ["export.ndjson"], "the parts to be deleted")


def test_export_cancelled_on_a_full_disk_leaves_nothing(exporting: Exporting) -> None:
    size = exporting.wait_to_have_written(compression="none")
    _fill_but(exporting.folder / "exports", int(size * 1.5))
    export_id = exporting.ask(compression="none")
    with exporting.worker() as process:
        _wait_for_failure(process)
        assert exporting.call("POST", f"/exports/{export_id}/cancel").status_code == 200
        wait_until(lambda: _everything(exporting) == [], "the parts to be deleted")
