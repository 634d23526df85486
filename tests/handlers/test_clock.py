"""The database's clock is set back or forward: ids, lists, tags, keys and partitions."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from db import access
from db.session import Database
from tests.support.client import Answer, Callers
from tests.support.clock import Clock, own_clock
from tests.support.database import TestDatabase
from tests.support.reports import SMALLEST
from tests.support.service import running_service

NOW = timedelta()


@dataclass(frozen=True, slots=True)
class Served:
    """A service on a database whose clock can be set."""

    callers: Callers
    clock: Clock
    database: TestDatabase

    def post(self, key: str | None = None) -> Answer:
        headers = {} if key is None else {"Idempotency-Key": key}
        answer = self.callers.operator.post_json("/ingest/qc", SMALLEST, headers)
        assert answer.status == 201
        return answer

    def posted(self, ahead: timedelta = NOW) -> str:
        """The id of a report of another time."""
        self.clock.set(ahead)
        report_id: str = self.post().json["id"]
        return report_id

    def page(self, target: str = "/reports?limit=100") -> Answer:
        answer = self.callers.viewer.get(target)
        assert answer.status == 200
        return answer

    def listed(self, target: str = "/reports?limit=100") -> list[str]:
        return [item["id"] for item in self.page(target).json["items"]]

    def counted(self) -> int:
        """Reports in the timeline of a day."""
        buckets = self.page("/timeline?window_h=24").json["buckets"]
        return sum(bucket["total"] for bucket in buckets)


@pytest.fixture
def served(own_database: TestDatabase) -> Iterator[Served]:
    with (
        own_clock(own_database) as clock,
        running_service(Database(own_database.url(access.APP))) as service,
    ):
        yield Served(Callers(service), clock, own_database)


def test_report_after_the_clock_was_set_back_shows_at_once_below_those_of_later(
    served: Served,
) -> None:
    later = served.posted(timedelta(hours=1))
    tag = served.page().etag
    counted_tag = served.callers.viewer.get("/timeline?window_h=24").etag
    now = served.posted(NOW)
    assert served.listed() == [later, now]
    assert (
        served.callers.viewer.send("GET", "/reports?limit=100", {"If-None-Match": tag}).status
        == 200
    )
    assert counted_tag != served.callers.viewer.get("/timeline?window_h=24").etag
    # What is later than now is in no window that ends now.
    assert served.counted() == 1
    assert served.callers.viewer.get(f"/reports/{later}").status == 200


def test_report_of_days_ahead_is_there_by_its_id_and_listed_once_its_day_has_come(
    served: Served,
) -> None:
    later = served.posted(timedelta(days=5))
    now = served.posted(NOW)
    before = served.page()
    assert [item["id"] for item in before.json["items"]] == [now]
    assert served.callers.viewer.get(f"/reports/{later}").status == 200
    served.clock.set(timedelta(days=4, hours=12))
    # Nothing was written in between, and still the tag of before is right no more.
    again = served.callers.viewer.send("GET", "/reports?limit=100", {"If-None-Match": before.etag})
    assert again.status == 200
    assert [item["id"] for item in again.json["items"]] == [later, now]


def test_tag_of_a_list_changes_with_the_day_alone(served: Served) -> None:
    served.posted()
    to_midnight = _to_midnight()
    served.clock.set(to_midnight - timedelta(hours=1))
    evening = served.page().etag
    served.clock.set(to_midnight - timedelta(minutes=5))
    assert served.page().etag == evening
    served.clock.set(to_midnight + timedelta(minutes=5))
    assert served.page().etag != evening


def _to_midnight() -> timedelta:
    now = datetime.now(UTC)
    return datetime(now.year, now.month, now.day, tzinfo=UTC) + timedelta(days=1) - now


def test_pager_goes_on_where_it_was_when_the_clock_is_set_back(served: Served) -> None:
    stored = [served.posted(timedelta(minutes=minutes)) for minutes in range(6)]
    first = served.page("/reports?limit=2")
    new = served.posted(timedelta(hours=-2))
    seen = [item["id"] for item in first.json["items"]]
    token = first.json["next_page_token"]
    while token is not None:
        page = served.page(f"/reports?limit=2&page_token={token}")
        seen += [item["id"] for item in page.json["items"]]
        token = page.json["next_page_token"]
    assert seen == [*reversed(stored), new]


def test_ids_of_one_moment_never_collide(served: Served) -> None:
    """As after the clock was set back to a moment that it had shown before."""
    ids = set()
    for _ in range(20):
        served.clock.set(timedelta(hours=-3))
        ids.add(served.post().json["id"])
        served.clock.set(timedelta(hours=-3, milliseconds=-5))
        ids.add(served.post().json["id"])
    assert len(ids) == 40
    assert set(served.listed()) == ids


def test_newest_report_of_a_content_is_the_duplicate_whatever_the_clock_says(
    served: Served,
) -> None:
    later = served.posted(timedelta(hours=1))
    served.clock.set(NOW)
    assert served.post().json["duplicate_of"] == later


def test_idempotency_key_outlives_a_clock_set_back_and_ends_with_one_set_forward(
    served: Served,
) -> None:
    first = served.post("of-the-clock").json["id"]
    served.clock.set(timedelta(hours=-5))
    assert served.post("of-the-clock").json["id"] == first
    served.clock.set(timedelta(hours=23))
    assert served.post("of-the-clock").json["id"] == first
    served.clock.set(timedelta(hours=25))
    assert served.post("of-the-clock").json["id"] != first


def test_clock_past_all_partitions_refuses_reports_until_there_are_some(served: Served) -> None:
    served.posted()
    ahead = timedelta(days=400)
    served.clock.set(ahead)
    refused = served.callers.operator.post_json("/ingest/qc", SMALLEST)
    assert (refused.status, refused.problem_type) == (503, "unavailable")
    assert "reading goes on" in refused.json["detail"]
    assert len(served.listed()) == 1
    assert served.callers.viewer.get("/health").json["database"] == "refuses_writes"
    served.database.run(
        access.OWNER,
        "SELECT public.collector_create_partitions(now() + %s, now() + %s, interval '7 days')",
        (ahead, ahead + timedelta(days=1)),
    )
    assert served.post().status == 201
    assert served.callers.viewer.get("/health").json["database"] == "connected"
