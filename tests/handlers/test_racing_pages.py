"""Pages while writers write, with transactions that commit in another order than that of their ids.

What was stored before a walk began is met in it exactly once, newest first.
"""

from collections.abc import Callable
from random import Random

import pytest

from db.ids import TenantId
from db.session import Database
from tests.support.client import Callers
from tests.support.racing import (
    SEVERITIES,
    STREAMS,
    Journal,
    StoredReport,
    lingering_writer,
    posting_writer,
    race,
)

Query = dict[str, str | list[str]]


def _filters(random: Random) -> Query:
    filters: Query = {}
    if random.random() < 0.5:
        filters["severity"] = random.sample(SEVERITIES, random.randint(1, len(SEVERITIES)))
    if random.random() < 0.3:
        filters["stream"] = random.choice(STREAMS)
    return filters


def _fits(report: StoredReport, filters: Query) -> bool:
    return report.severity in filters.get("severity", SEVERITIES) and (
        filters.get("stream", report.stream) == report.stream
    )


def _walk(callers: Callers, filters: Query, random: Random) -> list[str]:
    """The ids of all pages in their order; each page as long as it happens to be asked for."""
    met: list[str] = []
    token: dict[str, str] = {}
    while True:
        limit = random.choice((1, 2, 3, 7, 20, 100))
        page = callers.viewer.get("/reports", {"limit": str(limit), **filters, **token}).json
        assert len(page["items"]) <= limit
        met += [item["id"] for item in page["items"]]
        if page["next_page_token"] is None:
            return met
        assert len(page["items"]) == limit
        token = {"page_token": page["next_page_token"]}


def _pager(callers: Callers, journal: Journal, random: Random) -> Callable[[], None]:
    def read() -> None:
        filters = _filters(random)
        stored = journal.so_far()
        met = _walk(callers, filters, random)
        assert met == sorted(set(met), reverse=True)
        assert {report.id for report in stored if _fits(report, filters)} <= set(met)
        known = {report.id: report for report in journal.so_far()}
        assert all(_fits(known[met_id], filters) for met_id in met if met_id in known)

    return read


@pytest.mark.parametrize("seed", range(3))
def test_walk_meets_all_that_was_there_once_and_in_order_while_others_store(
    seed: int, callers: Callers, app: Database
) -> None:
    random, journal = Random(seed), Journal()
    tenant = TenantId(callers.tenant)
    lingering_writer(app, tenant, journal, Random(random.random()), 8)()
    race(
        [
            posting_writer(callers.operator, journal, Random(random.random()), 15),
            *(lingering_writer(app, tenant, journal, Random(random.random()), 30) for _ in "abc"),
        ],
        [_pager(callers, journal, Random(random.random())) for _ in range(2)],
    )
    everything = sorted((report.id for report in journal.so_far()), reverse=True)
    assert _walk(callers, {}, random) == everything
