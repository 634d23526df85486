"""Queries of exports: what a chunk may hold, whom reading waits for, what is found loose."""

import json
import secrets
import time
from datetime import timedelta
from uuid import UUID

import pytest

from db import access
from db.export_rows import before_first, read_chunk
from db.export_upkeep import exports_with_files, loose_exports
from db.exports import (
    ExportRow,
    NewExport,
    begin_export,
    cancel_export,
    count_reports_between,
    fail_export,
    get_export,
    insert_export,
    is_settled,
    lock_export,
    new_export_id,
)
from db.ids import TenantId, first_id_at
from db.jobs import enqueue
from db.reports import NewReport, insert_report
from db.session import Database
from tests.db.samples import new_report
from tests.support.database import TestDatabase

_MOST = 1_000
_PATIENCE_SECONDS = 30


def _export(app: Database, tenant: TenantId, *severities: str) -> ExportRow:
    """An export of all that is stored until now."""
    with app.tenant_transaction(tenant) as tx:
        now = tx.began_at
        export_id = new_export_id(now)
        job_id = enqueue(tx, "write_export", {"export_id": str(export_id)})
        assert job_id is not None
        new = NewExport(
            id=export_id,
            created_at=now,
            created_by="key-1",
            since=now - timedelta(days=1),
            until=now,
            first_id=first_id_at(now - timedelta(days=1)),
            end_id=first_id_at(now),
            severities=severities or ("info", "warn", "block"),
            format="ndjson",
            compression="none",
            include_raw=False,
            total=0,
        )
        insert_export(tx, new, job_id)
    with app.tenant_transaction(tenant, read_only=True) as tx:
        row = get_export(tx, export_id)
    assert row is not None
    return row


def _with_text(document: str) -> NewReport:
    report = new_report()
    return report._replace(content=report.content._replace(document=document))


def _chunks(app: Database, tenant: TenantId, export: ExportRow, **bounds: int) -> list[list[UUID]]:
    found: list[list[UUID]] = []
    after = before_first(export)
    while True:
        with app.tenant_transaction(tenant, read_only=True) as tx:
            rows = read_chunk(tx, export, after, **bounds)
        if not rows:
            return found
        found.append([row.id for row in rows])
        after = rows[-1].id


def test_chunks_hold_every_report_once_in_order(app: Database, tenant: TenantId) -> None:
    ids = []
    for count in (1, 7, 13):
        with app.tenant_transaction(tenant) as tx:
            ids += [insert_report(tx, new_report()).id for _ in range(count)]
    chunks = _chunks(app, tenant, _export(app, tenant), rows=5)
    assert [each for chunk in chunks for each in chunk] == sorted(ids)
    assert [len(chunk) for chunk in chunks] == [5, 5, 5, 5, 1]


def test_only_the_severities_asked_for_are_read(app: Database, tenant: TenantId) -> None:
    with app.tenant_transaction(tenant) as tx:
        wanted = [insert_report(tx, new_report(each)).id for each in ("info", "warn", "block")][1:]
    export = _export(app, tenant, "warn", "block")
    assert _chunks(app, tenant, export) == [wanted]
    with app.tenant_transaction(tenant, read_only=True) as tx:
        ends = export.first_id, export.end_id
        assert count_reports_between(tx, *ends, export.severities, _MOST) == (2, True)
        assert count_reports_between(tx, *ends, export.severities, 1) == (1, False)


def test_chunk_is_bounded_by_what_its_reports_come_to_in_memory(
    app: Database, tenant: TenantId
) -> None:
    """Texts that compress well are small where they are stored, and large once they are read."""
    small = json.dumps({"notes": [secrets.token_hex(500)]})
    large = json.dumps({"notes": ["x" * 400_000]})
    with app.tenant_transaction(tenant) as tx:
        for _ in range(6):
            insert_report(tx, _with_text(large))
        for _ in range(20):
            insert_report(tx, _with_text(small))
    export = _export(app, tenant)
    sizes = [len(chunk) for chunk in _chunks(app, tenant, export, budget=1_000_000)]
    assert sum(sizes) == 26
    assert max(sizes[:2]) <= 3
    assert sizes[-1] > 10
    # One report is read, however large.
    assert len(_chunks(app, tenant, export, budget=1)) == 26


@pytest.mark.parametrize("writes_first", [True, False])
def test_export_is_settled_once_every_transaction_from_before_has_ended(
    app: Database, tenant: TenantId, writes_first: bool
) -> None:
    with app.tenant_transaction(tenant) as before:
        if writes_first:
            insert_report(before, new_report())
        export = _export(app, tenant)
        with app.tenant_transaction(tenant) as after:
            insert_report(after, new_report())
            assert not _settled(app, tenant, export)
    _wait_until_settled(app, tenant, export)
    with app.tenant_transaction(tenant) as later:
        insert_report(later, new_report())
        _wait_until_settled(app, tenant, export)


def _wait_until_settled(app: Database, tenant: TenantId, export: ExportRow) -> None:
    """Transactions of other tests, in whatever database of the server, are waited for as well."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while not _settled(app, tenant, export):
        assert time.monotonic() < until, "the export does not settle"
        time.sleep(0.05)


def _settled(app: Database, tenant: TenantId, export: ExportRow) -> bool:
    with app.tenant_transaction(tenant, read_only=True) as tx:
        return is_settled(tx, export)


def test_loose_are_those_that_nobody_looks_after(
    app: Database, tenant: TenantId, shared_database: TestDatabase, shared_maintenance: Database
) -> None:
    waiting, running, failed, cancelled = (_export(app, tenant).id for _ in range(4))
    with app.tenant_transaction(tenant) as tx:
        begin_export(tx, running)
        assert lock_export(tx, failed) is not None
        fail_export(tx, failed, "It can't be written.")
        cancel_export(tx, cancelled)
    found = {each.id: each.status for each in loose_exports(shared_maintenance)}
    assert found.get(failed) == "failed"
    assert found.get(cancelled) == "cancelled"
    assert not {waiting, running} & found.keys()
    shared_database.run(
        access.OWNER,
        "SET search_path = procrastinate; UPDATE procrastinate_jobs SET status = 'cancelled'"
        " WHERE id = (SELECT job_id FROM public.exports WHERE id = %s)",
        (str(running),),
    )
    assert running in {each.id for each in loose_exports(shared_maintenance)}
    every = [waiting, running, failed, cancelled, UUID(int=7)]
    assert exports_with_files(shared_maintenance, every) == {waiting, running}


def test_an_exports_row_holds_together(
    app: Database, tenant: TenantId, shared_database: TestDatabase
) -> None:
    """What no code should write, the table refuses."""
    export = _export(app, tenant)
    for wrong in (
        "status = 'done'",
        "status = 'failed', finished_at = now()",
        "status = 'cancelled'",
        "failure = 'why'",
        "severities = 'block,info'",
        "end_id = '00000000-0000-0000-0000-000000000000'",
    ):
        with pytest.raises(Exception, match="violates check constraint"):
            shared_database.run(
                access.OWNER,
                f"UPDATE exports SET {wrong} WHERE id = %s",
                (str(export.id),),
            )
