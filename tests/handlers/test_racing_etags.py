"""Entity tags while writers write: a 304 never hides a report that was stored before it was asked.

Each reader keeps the tags it got, and asks again with an older one at times.
"""

from collections.abc import Callable
from random import Random
from urllib.parse import urlencode

import pytest

from db.ids import TenantId
from db.session import Database
from tests.support.client import Callers
from tests.support.racing import Journal, StoredReport, lingering_writer, posting_writer, race

_QUERIES: tuple[dict[str, str], ...] = (
    {"limit": "100"},
    {"limit": "4"},
    {"limit": "3", "severity": "block"},
    {"limit": "5", "stream": "checkout/main"},
    {"limit": "2", "include_total": "true"},
)
_TAGS_KEPT = 4

Page = dict[str, object]


class _Pages:
    """What each tag of each query stood for, whichever reader got it."""

    def __init__(self) -> None:
        self._by_tag: dict[tuple[str, str], Page] = {}
        self.unchanged = 0
        self.changed = 0

    def received(self, target: str, tag: str, page: Page) -> None:
        """A tag is of one state of the data alone, whoever asks and when."""
        self.changed += 1
        assert self._by_tag.setdefault((target, tag), page) == page

    def confirmed(self, target: str, tag: str) -> Page:
        self.unchanged += 1
        return self._by_tag[target, tag]


def _assert_shows(query: dict[str, str], page: Page, stored: list[StoredReport]) -> None:
    """The page holds all that was stored, as far down as it reaches."""
    items: list[dict[str, str]] = page["items"]  # type: ignore[assignment]  # as the contract says
    shown = [item["id"] for item in items]
    assert shown == sorted(set(shown), reverse=True)
    lowest = shown[-1] if len(shown) == int(query["limit"]) else ""
    missing = [
        report.id
        for report in stored
        if report.id > lowest
        and report.id not in shown
        and query.get("severity", report.severity) == report.severity
        and query.get("stream", report.stream) == report.stream
    ]
    assert missing == []


def _reader(
    callers: Callers, journal: Journal, pages: _Pages, random: Random
) -> Callable[[], None]:
    kept: dict[str, list[str]] = {}

    def read() -> None:
        query = random.choice(_QUERIES)
        target = f"/reports?{urlencode(query)}"
        tags = kept.setdefault(target, [])
        sent = {"If-None-Match": random.choice(tags)} if tags else {}
        stored = journal.so_far()
        answer = callers.viewer.get(target, None, sent)
        if answer.status == 304:
            assert answer.etag == sent["If-None-Match"]
            page = pages.confirmed(target, answer.etag)
        else:
            page = answer.json
            pages.received(target, answer.etag, page)
            kept[target] = [*tags, answer.etag][-_TAGS_KEPT:]
        _assert_shows(query, page, stored)

    return read


def _timeline_reader(callers: Callers, journal: Journal, pages: _Pages) -> Callable[[], None]:
    sent: dict[str, str] = {}

    def read() -> None:
        stored = len(journal.so_far())
        answer = callers.viewer.get("/timeline", {"window_h": "1"}, sent)
        if answer.status == 304:
            timeline = pages.confirmed("/timeline", answer.etag)
        else:
            timeline = answer.json
            pages.received("/timeline", answer.etag, timeline)
            sent["If-None-Match"] = answer.etag
        buckets: list[dict[str, int]] = timeline["buckets"]  # type: ignore[assignment]  # as above
        assert sum(bucket["total"] for bucket in buckets) >= stored

    return read


@pytest.mark.parametrize("seed", range(3))
def test_unchanged_answer_hides_no_report_stored_before_it_was_asked(
    seed: int, callers: Callers, app: Database
) -> None:
    random, journal, pages = Random(seed), Journal(), _Pages()
    tenant = TenantId(callers.tenant)
    readers = [
        _timeline_reader(callers, journal, pages),
        *(_reader(callers, journal, pages, Random(random.random())) for _ in "abc"),
    ]
    race(
        [
            *(posting_writer(callers.operator, journal, Random(random.random()), 20) for _ in "ab"),
            *(lingering_writer(app, tenant, journal, Random(random.random()), 40) for _ in "abc"),
        ],
        readers,
    )
    # On a busy machine every answer of the race may be a new one.
    for read in readers * 10:
        read()
    assert min(pages.unchanged, pages.changed) > 0


def test_tag_of_a_list_at_rest_is_confirmed_to_every_reader(callers: Callers) -> None:
    journal, pages = Journal(), _Pages()
    posting_writer(callers.operator, journal, Random(0), 5)()
    readers = [_reader(callers, journal, pages, Random(seed)) for seed in range(4)]

    def read_all() -> None:
        for _ in range(15):
            for read in readers:
                read()

    race([read_all], [])
    # Each reader learns the tag of each query once.
    assert pages.changed <= len(readers) * len(_QUERIES)
    assert pages.unchanged > 0
