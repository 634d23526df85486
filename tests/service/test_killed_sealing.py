"""Workers that seal and write checkpoints side by side, killed at random moments."""

import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

import pytest

from db import access
from db.audit_upkeep import seal_journal
from db.ids import TenantId
from db.journal import leaves_of
from db.report_batches import IdentifiedReport, insert_reports, insertion
from db.reports import insert_report
from db.session import Database
from policies.audit_chain import ChainCheck
from policies.audit_entries import BEGINNING, Anchor, Entry, Origin, Segment
from policies.checkpoints import CheckpointRow
from policies.published_keys import by_id
from service.checkpoint_folder import CheckpointFolder
from service.checkpoints import write_checkpoint
from tests.db.samples import new_report
from tests.support.database import TestDatabase
from tests.support.service import SIGNING

_ROOT: Final = Path(__file__).parents[2]
_WORKERS: Final = 3
_KILLS: Final = 15
_TENANTS: Final = (TenantId("a"), TenantId("b"))


class _Workers:
    """Several at a time; whoever is killed has a successor at once."""

    def __init__(self, url: str, folder: Path) -> None:
        self._command = [sys.executable, "-m", "tests.service.audit_worker", url, str(folder)]
        self._running = [self._start() for _ in range(_WORKERS)]

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Where Python adds no folder by itself, `tests` is found by this alone.
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
        )

    def kill_one(self) -> None:
        victim = self._running.pop(0)
        assert victim.poll() is None, "a worker ended by itself"
        victim.kill()
        victim.wait()
        self._running.append(self._start())

    def kill_all(self) -> None:
        for worker in self._running:
            worker.kill()
            worker.wait()


@contextmanager
def _ingesting(database: Database) -> Iterator[Counter[bytes]]:
    """Stores reports while the block runs; yields the leaves of what was stored, by tenant."""
    ended = threading.Event()
    stored: Counter[bytes] = Counter()

    def run() -> None:
        while not ended.is_set():
            for tenant in _TENANTS:
                for leaf in _store(database, tenant, random.choice((1, 1, 1, 30))):
                    stored[tenant.encode() + leaf] += 1

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield stored
    finally:
        ended.set()
        thread.join()


def _store(database: Database, tenant: TenantId, count: int) -> list[bytes]:
    """Stores one report, or several as one request; returns their leaves."""
    contents = [new_report() for _ in range(count)]
    with database.tenant_transaction(tenant) as tx:
        if count == 1:
            ids = [insert_report(tx, contents[0]).id]
        else:
            ids = tx.new_report_ids(count)
            reports = [
                IdentifiedReport(report_id, None, each.content, None)
                for report_id, each in zip(ids, contents, strict=True)
            ]
            insert_reports(tx, insertion(reports, key_id="k", request_id="r", settled=False))
    return [
        report_id.bytes + each.content.sha256 for report_id, each in zip(ids, contents, strict=True)
    ]


def _checked_chain(database: TestDatabase, tenant: str, folder: CheckpointFolder) -> list[bytes]:
    """Every leaf that the tenant's chain has sealed; the chain must be whole."""
    row = CheckpointRow(tenant, by_id(SIGNING.published))
    for number, content in folder.all():
        row.take(number, content)
    check = ChainCheck(tenant, BEGINNING, row.heads)
    rows = database.run(
        access.OWNER,
        "SELECT entry.seq, hash, body, leaves, origins FROM audit_entries AS entry"
        " LEFT JOIN audit_segments USING (tenant_id, seq) WHERE tenant_id = %s ORDER BY seq",
        (tenant,),
    )
    leaves: list[bytes] = []
    for seq, digest, body, sealed, origins in rows:
        content = bytes(sealed)  # type: ignore[call-overload]  # psycopg2's memoryview
        segment = Segment(content, [Origin(*each) for each in origins])  # type: ignore[attr-defined]  # a list
        check.take(Entry(seq, bytes(digest), body), segment)  # type: ignore[arg-type, call-overload]  # as above
        leaves += [
            tenant.encode() + content[start : start + 48] for start in range(0, len(content), 48)
        ]
    [(seq, digest)] = database.run(
        access.OWNER, "SELECT seq, hash FROM audit_heads WHERE tenant_id = %s", (tenant,)
    )
    check.ends_at(Anchor(seq, bytes(digest)))  # type: ignore[arg-type, call-overload]  # as above
    assert (check.findings, row.findings) == ([], [])
    assert row.heads[-1].seq == seq
    return leaves


def test_nothing_is_sealed_twice_or_left_out_whoever_is_killed(
    own_database: TestDatabase, tmp_path: Path
) -> None:
    folder = CheckpointFolder(tmp_path / "checkpoints")
    url = own_database.url(access.MAINTENANCE)
    app = Database(own_database.url(access.APP), pool_size=1, statement_timeout_ms=30_000)
    workers = _Workers(url, folder.path)
    try:
        with _ingesting(app) as stored:
            deadline = time.monotonic() + 60
            while folder.newest_number() is None:
                assert time.monotonic() < deadline, "no worker has written a checkpoint"
                time.sleep(0.05)
            for _ in range(_KILLS):
                time.sleep(random.uniform(0.05, 0.5))
                workers.kill_one()
    finally:
        workers.kill_all()
        app.close()
    _seal_the_rest(own_database, folder)
    sealed = [leaf for tenant in _TENANTS for leaf in _checked_chain(own_database, tenant, folder)]
    assert Counter(sealed) == stored
    assert len(stored) > 100


def _seal_the_rest(database: TestDatabase, folder: CheckpointFolder) -> None:
    maintenance = Database(database.url(access.MAINTENANCE), pool_size=1)
    deadline = time.monotonic() + 30
    # The server may still be at work for a client that was killed.
    while database.run(access.OWNER, "SELECT 1 FROM ingest_journal LIMIT 1"):
        assert time.monotonic() < deadline
        seal_journal(maintenance)
    write_checkpoint(maintenance, folder, SIGNING)
    maintenance.close()


def test_two_that_seal_at_once_seal_everything_once(own_database: TestDatabase) -> None:
    app = Database(own_database.url(access.APP), pool_size=1)
    maintenance = Database(own_database.url(access.MAINTENANCE), pool_size=4, pool_timeout=30)
    for _ in range(60):
        with app.tenant_transaction(_TENANTS[0]) as tx:
            insert_report(tx, new_report())
    sealed: list[int] = []
    threads = [
        threading.Thread(target=lambda: sealed.append(seal_journal(maintenance, about=7)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sealed.append(seal_journal(maintenance))
    assert sum(sealed) == 60
    app.close()
    maintenance.close()


@pytest.mark.parametrize("about", [1, 7, 20_000])
def test_segments_are_of_about_the_size_that_is_asked_for(
    own_database: TestDatabase, about: int
) -> None:
    app = Database(own_database.url(access.APP), pool_size=1)
    maintenance = Database(own_database.url(access.MAINTENANCE), pool_size=1)
    for reports in (1, 5, 3, 8):
        _store(app, _TENANTS[0], reports)
    assert seal_journal(maintenance, about=about) == 17
    sizes = own_database.run(
        access.OWNER, "SELECT octet_length(leaves) / 48 FROM audit_segments ORDER BY seq"
    )
    expected = {1: [1, 5, 3, 8], 7: [9, 8], 20_000: [17]}
    assert [size for (size,) in sizes] == expected[about]
    app.close()
    maintenance.close()


def test_batches_of_the_largest_size_are_sealed_in_the_time_of_a_statement(
    own_database: TestDatabase,
) -> None:
    """Ordering their leaves with all they are made of would take minutes."""
    app = Database(own_database.url(access.APP), pool_size=1)
    maintenance = Database(
        own_database.url(access.MAINTENANCE), pool_size=1, statement_timeout_ms=30_000
    )
    for _ in range(3):
        with app.tenant_transaction(_TENANTS[0]) as tx:
            ids = tx.new_report_ids(10_000)
            leaves = leaves_of((report_id, sha256(report_id.bytes).digest()) for report_id in ids)
            tx.journal_at_commit("key-1", "request-1", leaves)
    assert seal_journal(maintenance) == 30_000
    app.close()
    maintenance.close()
