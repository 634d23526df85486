"""Revision vectors: the same vector never stands for different data."""

import threading
from concurrent.futures import ThreadPoolExecutor

from db import access
from db.ids import ReportId, TenantId
from db.maintenance import replace_epoch
from db.reports import ReportFilters, insert_report, list_reports
from db.revisions import RevisionClass, Revisions, bump_revision, read_revisions
from db.session import Database
from tests.db.samples import new_report
from tests.support.database import TestDatabase

_REPORTS = (RevisionClass.REPORTS,)


def _read(app: Database, tenant: TenantId, *classes: RevisionClass) -> Revisions:
    with app.tenant_transaction(tenant, read_only=True) as tx:
        return read_revisions(tx, classes or _REPORTS)


def test_a_tenant_without_data_has_an_empty_vector_and_the_epoch(
    app: Database, tenant: TenantId
) -> None:
    revisions = _read(app, tenant)
    assert revisions.vector == ()
    assert len(revisions.epoch) == 36


def test_a_write_moves_its_own_class_of_its_own_tenant(
    app: Database, tenant: TenantId, other_tenant: TenantId
) -> None:
    before = _read(app, tenant, *RevisionClass), _read(app, other_tenant)
    with app.tenant_transaction(tenant) as tx:
        bump_revision(tx, RevisionClass.EXPORTS)
        bump_revision(tx, RevisionClass.EXPORTS)
        bump_revision(tx, RevisionClass.AUDIT)
    after = _read(app, tenant, *RevisionClass)
    assert [(entry[0], entry[2]) for entry in after.vector] == [("audit", 1), ("exports", 1)]
    assert _read(app, tenant) == before[0]
    assert _read(app, other_tenant) == before[1]


def test_a_write_that_rolls_back_moves_nothing(app: Database, tenant: TenantId) -> None:
    try:
        with app.tenant_transaction(tenant) as tx:
            insert_report(tx, new_report())
            raise KeyError
    except KeyError:
        pass
    assert _read(app, tenant).vector == ()


def test_no_vector_stands_for_two_states_of_the_data(app: Database, tenant: TenantId) -> None:
    seen: dict[Revisions, frozenset[ReportId]] = {}
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            with app.tenant_transaction(tenant, read_only=True) as tx:
                vector = read_revisions(tx, _REPORTS)
                rows = list_reports(tx, ReportFilters(), after=None, limit=1_000)
            ids = frozenset(row.id for row in rows)
            assert seen.setdefault(vector, ids) == ids

    def write(_: int) -> None:
        for _again in range(25):
            with app.tenant_transaction(tenant) as tx:
                insert_report(tx, new_report())

    with ThreadPoolExecutor(6) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        list(pool.map(write, range(4)))
        stop.set()
        for reader in readers:
            reader.result()
    assert len(seen) > 10
    assert sum(value for _, _, value in _read(app, tenant).vector) == 100


def test_a_new_epoch_ends_every_older_tag(own_database: TestDatabase) -> None:
    app = Database(own_database.url(access.APP))
    maintenance = Database(own_database.url(access.MAINTENANCE))
    before = _read(app, TenantId("a"))
    assert replace_epoch(maintenance) == _read(app, TenantId("a")).epoch != before.epoch
    app.close()
    maintenance.close()
