"""How an export is written: beside writers, through faults of the store, by workers that come after
each other.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from typing_extensions import override

from db import access
from db.export_parts import list_parts
from db.exports import ExportRow, get_export
from db.ids import TenantId
from db.reports import insert_report
from db.session import Database
from handlers import export_reading
from handlers.export_assembly import PartBroken
from handlers.export_store import ExportStore, StoreUnavailable
from handlers.export_writing import ExportWriter
from handlers.signing import Signing
from policies.exports import file_name, folder_name, part_name
from service.export_stores.folder import FolderStore
from tests.db.samples import new_report
from tests.support.client import Callers
from tests.support.database import TestDatabase
from tests.support.exports import asked, look
from tests.support.service import export_writer


class Faulty(FolderStore):
    """A folder in which keeping some files fails: what `fault` says of their names and bytes."""

    def __init__(self, path: Path, fault: Callable[[str, bytes], None]) -> None:
        super().__init__(path)
        self._fault = fault

    @override
    def put(self, name: str, chunks: Iterable[bytes]) -> None:
        def checked() -> Iterator[bytes]:
            for chunk in chunks:
                self._fault(name, chunk)
                yield chunk

        super().put(name, checked())


@pytest.fixture
def reports(callers: Callers, app: Database) -> int:
    """120 reports of the callers' tenant."""
    for _ in range(4):
        with app.tenant_transaction(TenantId(callers.tenant)) as tx:
            for _ in range(30):
                insert_report(tx, new_report())
    return 120


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_reading, "PART_ROWS", 50)


def _row(app: Database, callers: Callers, export_id: str) -> ExportRow:
    with app.tenant_transaction(TenantId(callers.tenant), read_only=True) as tx:
        row = get_export(tx, UUID(export_id))
    assert row is not None
    return row


def _write(writer: ExportWriter, callers: Callers, export_id: str) -> None:
    writer.write(TenantId(callers.tenant), UUID(export_id))


def _folder(callers: Callers, export_id: str) -> str:
    return folder_name(callers.tenant, UUID(export_id))


def _content(store: ExportStore, callers: Callers, export_id: str) -> bytes:
    name = file_name(_folder(callers, export_id), "ndjson", "gzip")
    return b"".join(store.read(name))


def _names(store: ExportStore, callers: Callers, export_id: str) -> list[str]:
    return sorted(store.names(_folder(callers, export_id)))


def test_reports_of_transactions_that_began_before_are_waited_for(
    callers: Callers, app: Database, tmp_path: Path
) -> None:
    """Such a transaction gets its number with its first write, which comes after the export's."""
    store = FolderStore(tmp_path)
    with app.tenant_transaction(TenantId(callers.tenant)) as tx:
        export_id = asked(callers.by_role["auditor"])
        writing = threading.Thread(
            target=_write, args=(export_writer(app, store), callers, export_id)
        )
        writing.start()
        writing.join(timeout=1)
        assert writing.is_alive()
        insert_report(tx, new_report())
    writing.join(timeout=30)
    told = look(callers.by_role["auditor"], export_id)
    assert (told["status"], told["progress"]) == ("done", {"done": 1, "total": 1})


@pytest.mark.usefixtures("small_parts")
def test_next_worker_goes_on_behind_the_last_part_and_comes_to_the_same_bytes(
    callers: Callers, app: Database, reports: int, tmp_path: Path
) -> None:
    undisturbed, resumed = (asked(callers.by_role["auditor"]) for _ in range(2))
    store = FolderStore(tmp_path)
    _write(export_writer(app, store), callers, undisturbed)
    for fails_at in ("part-000001", "part-000002", "part-000003", "export."):

        def fault(name: str, _: bytes, fails_at: str = fails_at) -> None:
            if fails_at in name:
                raise StoreUnavailable("It is away.", 1)

        with pytest.raises(StoreUnavailable):
            _write(export_writer(app, Faulty(tmp_path, fault)), callers, resumed)
        assert not [name for name in _names(store, callers, resumed) if fails_at in name]
    with app.tenant_transaction(TenantId(callers.tenant), read_only=True) as tx:
        assert [part.records for part in list_parts(tx, UUID(resumed))] == [50, 50, 20]
    _write(export_writer(app, store), callers, resumed)
    assert _content(store, callers, resumed) == _content(store, callers, undisturbed)
    assert len(_names(store, callers, resumed)) == 1


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("harm", ["flipped", "cut", "gone"])
def test_part_that_is_not_what_was_written_is_made_again(
    callers: Callers, app: Database, reports: int, tmp_path: Path, harm: str
) -> None:
    export_id = asked(callers.by_role["auditor"])
    store = FolderStore(tmp_path)

    def fault(name: str, _: bytes) -> None:
        if "export." in name:
            raise StoreUnavailable("It is away.", 1)

    with pytest.raises(StoreUnavailable):
        _write(export_writer(app, Faulty(tmp_path, fault)), callers, export_id)
    part = tmp_path / part_name(_folder(callers, export_id), 2)
    content = part.read_bytes()
    if harm == "gone":
        part.unlink()
    else:
        part.write_bytes(content[:-1] + (b"" if harm == "cut" else bytes([content[-1] ^ 1])))
    with pytest.raises(PartBroken):
        _write(export_writer(app, store), callers, export_id)
    assert _row(app, callers, export_id).status == "running"
    _write(export_writer(app, store), callers, export_id)
    other = asked(callers.by_role["auditor"])
    _write(export_writer(app, store), callers, other)
    assert _content(store, callers, export_id) == _content(store, callers, other)


@pytest.mark.usefixtures("small_parts")
def test_export_cancelled_while_it_is_written_leaves_nothing(
    callers: Callers, app: Database, reports: int, tmp_path: Path
) -> None:
    for cancelled_at in ("part-000001", "part-000002", "export."):
        export_id = asked(callers.by_role["auditor"])

        def cancel(
            name: str, _: bytes, export_id: str = export_id, cancelled_at: str = cancelled_at
        ) -> None:
            if cancelled_at in name:
                callers.by_role["admin"].send("POST", f"/exports/{export_id}/cancel")

        store = Faulty(tmp_path, cancel)
        _write(export_writer(app, store), callers, export_id)
        assert _row(app, callers, export_id).status == "cancelled"
        assert _names(store, callers, export_id) == []
        assert not (tmp_path / _folder(callers, export_id)).exists()


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("deleted_at", ["part-000002", "export."])
def test_export_whose_files_another_worker_deletes_meanwhile_ends_quietly(
    callers: Callers, app: Database, reports: int, tmp_path: Path, deleted_at: str
) -> None:
    export_id = asked(callers.by_role["auditor"])

    def cancel_and_clear(name: str, _: bytes) -> None:
        if deleted_at in name:
            callers.by_role["admin"].send("POST", f"/exports/{export_id}/cancel")
            export_writer(app, FolderStore(tmp_path)).clear(
                TenantId(callers.tenant), UUID(export_id)
            )

    _write(export_writer(app, Faulty(tmp_path, cancel_and_clear)), callers, export_id)
    assert _row(app, callers, export_id).status == "cancelled"
    assert _names(FolderStore(tmp_path), callers, export_id) == []


def test_store_that_refuses_fails_the_export_with_what_to_do(
    callers: Callers, app: Database, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    export_id = asked(callers.by_role["auditor"])
    writer = export_writer(app, FolderStore(tmp_path / "file"))
    _write(writer, callers, export_id)
    row = _row(app, callers, export_id)
    assert row.status == "failed"
    assert "EXPORT_STORE" in (row.failure or "")


def test_worker_without_a_signing_key_fails_the_export_and_says_so(
    callers: Callers, app: Database, tmp_path: Path
) -> None:
    export_id = asked(callers.by_role["auditor"])
    writer = export_writer(app, FolderStore(tmp_path), signing=Signing(None))
    _write(writer, callers, export_id)
    row = _row(app, callers, export_id)
    assert (row.status, "SIGNING_KEY is not set" in (row.failure or "")) == ("failed", True)


def test_raw_without_its_key_fails_the_export_and_leaves_nothing(
    callers: Callers, app: Database, tmp_path: Path
) -> None:
    callers.operator.ingest({"status": {"api": "pass"}, "raw": {"n": 1}})
    export_id = asked(callers.by_role["auditor"], include_raw=True)
    store = FolderStore(tmp_path)
    _write(export_writer(app, store, keyring=None), callers, export_id)
    row = _row(app, callers, export_id)
    assert (row.status, "ENCRYPTION_KEYS is not set" in (row.failure or "")) == ("failed", True)
    assert _names(store, callers, export_id) == []


def test_export_whose_lease_ran_out_fails_as_reports_may_be_gone(
    callers: Callers, app: Database, shared_database: TestDatabase, tmp_path: Path
) -> None:
    export_id = asked(callers.by_role["auditor"])
    shared_database.run(
        access.OWNER,
        "UPDATE report_leases SET expires_at = now() - interval '1 second' WHERE lease_id = %s",
        (export_id,),
    )
    _write(export_writer(app, FolderStore(tmp_path)), callers, export_id)
    row = _row(app, callers, export_id)
    assert (row.status, "retention may have deleted" in (row.failure or "")) == ("failed", True)


def test_lease_lasts_as_long_as_the_export_is_at_work(
    callers: Callers, app: Database, shared_database: TestDatabase, tmp_path: Path
) -> None:
    leases = "SELECT count(*)::int FROM report_leases WHERE tenant_id = %s"
    done, cancelled = (asked(callers.by_role["auditor"]) for _ in range(2))
    assert shared_database.run(access.OWNER, leases, (callers.tenant,)) == [(2,)]
    _write(export_writer(app, FolderStore(tmp_path)), callers, done)
    callers.by_role["auditor"].send("POST", f"/exports/{cancelled}/cancel")
    assert shared_database.run(access.OWNER, leases, (callers.tenant,)) == [(0,)]
