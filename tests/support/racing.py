"""Threads that write and read at once, and what the writers had been told is stored.

What a thread raises fails the test. Nothing here waits for a moment in time: writers do a given
amount of work, and readers read until that is done.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random

from db.ids import TenantId
from db.reports import insert_report
from db.session import Database
from tests.db.samples import new_report
from tests.support.client import Client

SEVERITIES = ("info", "warn", "block")
STREAMS = ("checkout/main", "search/main")
_STATUS_OF = {"info": "pass", "warn": "warn", "block": "fail"}


@dataclass(frozen=True, slots=True)
class StoredReport:
    """A report by what lists filter; ids as texts sort as the reports do."""

    id: str
    severity: str
    stream: str


class Journal:
    """Reports whose storing was acknowledged.

    Whoever reads after asking `so_far` must see them all; those that come later may show or not.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stored: list[StoredReport] = []

    def acknowledge(self, stored: Sequence[StoredReport]) -> None:
        with self._lock:
            self._stored += stored

    def so_far(self) -> list[StoredReport]:
        with self._lock:
            return list(self._stored)


def race(writers: Sequence[Callable[[], None]], readers: Sequence[Callable[[], None]]) -> None:
    """Runs the writers to their ends, and each reader over and over until then and once after."""
    done = threading.Event()

    def read_on(read: Callable[[], None]) -> None:
        while not done.is_set():
            read()
        read()

    with ThreadPoolExecutor(len(writers) + len(readers)) as pool:
        reading = [pool.submit(read_on, read) for read in readers]
        writing = [pool.submit(write) for write in writers]
        try:
            for each in writing:
                each.result()
        finally:
            done.set()
        for each in reading:
            each.result()


def posting_writer(
    client: Client, journal: Journal, random: Random, reports: int
) -> Callable[[], None]:
    """Posts reports one after another, as a pipeline does."""

    def write() -> None:
        for number in range(reports):
            severity, stream = random.choice(SEVERITIES), random.choice(STREAMS)
            document = {
                "status": {"api": _STATUS_OF[severity]},
                "stream": stream,
                "notes": [f"{random.random()} {number}"],
            }
            report_id = client.ingest(document)["id"]
            journal.acknowledge([StoredReport(report_id, severity, stream)])

    return write


def lingering_writer(
    database: Database, tenant: TenantId, journal: Journal, random: Random, transactions: int
) -> Callable[[], None]:
    """Stores a few reports in each transaction, and lingers before it commits.

    So reports become visible in another order than that of their ids, as on a slow machine.
    """

    def write() -> None:
        for _ in range(transactions):
            stored = []
            with database.tenant_transaction(tenant) as transaction:
                for _ in range(random.randint(1, 3)):
                    severity, stream = random.choice(SEVERITIES), random.choice(STREAMS)
                    inserted = insert_report(transaction, new_report(severity, stream=stream))
                    stored.append(StoredReport(str(inserted.id), severity, stream))
                time.sleep(random.choice((0, 0.001, 0.005, 0.02)))
            journal.acknowledge(stored)

    return write
