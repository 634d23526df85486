"""Pages of reports: each report once, whatever is stored meanwhile; foreign tokens refused."""

import base64
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from generated.models import Total
from policies.paging import seal
from tests.support.client import Callers, Client
from tests.support.reports import SMALLEST

_NO_FILTERS = "{}"
_TIMES = "2026-11-20T08:00:00Z"
_EARLY = datetime(2026, 11, 20, 8, tzinfo=UTC)
_FAR = datetime(2999, 1, 1, tzinfo=UTC)


def _pages(client: Client, limit: int, **filters: Any) -> Iterator[list[str]]:
    """The ids of each page."""
    for page in client.api.list_reports_pages(limit=limit, **filters):
        yield [str(item.id) for item in page.body.items]


def _ingest(callers: Callers, count: int) -> list[str]:
    """Ids of new reports, newest first."""
    return [callers.operator.ingest(SMALLEST)["id"] for _ in range(count)][::-1]


def test_pages_hold_every_report_once_newest_first(callers: Callers) -> None:
    stored = _ingest(callers, 7)
    assert list(_pages(callers.viewer, 3)) == [stored[:3], stored[3:6], stored[6:]]
    assert list(_pages(callers.viewer, 7)) == [stored]
    assert list(_pages(callers.viewer, 100)) == [stored]


def test_list_without_reports_is_one_empty_page(callers: Callers) -> None:
    assert list(_pages(callers.viewer, 3)) == [[]]


def test_reports_stored_while_one_pages_move_nothing(callers: Callers) -> None:
    stored = _ingest(callers, 12)
    done = threading.Event()

    def store() -> None:
        while not done.is_set():
            callers.operator.ingest(SMALLEST)

    writers = [threading.Thread(target=store) for _ in range(2)]
    for writer in writers:
        writer.start()
    try:
        seen = [report_id for page in _pages(callers.viewer, 2, until=_FAR) for report_id in page]
        paged = [report_id for page in _pages(callers.viewer, 50) for report_id in page]
    finally:
        done.set()
        for writer in writers:
            writer.join()
    assert len(set(seen)) == len(seen)
    assert seen[-12:] == stored
    assert len(set(paged)) == len(paged)
    assert paged[-12:] == stored
    assert paged == sorted(paged, reverse=True)


def test_filters_hold_on_every_page(callers: Callers) -> None:
    for number in range(9):
        callers.operator.ingest(
            {
                "status": {"api": ("pass", "warn", "fail")[number % 3]},
                "source": {"tool": f"tool-{number % 2}"},
                "stream": f"stream/{number % 2}",
                "policy": {"policy_version": f"v{number % 2}"},
            }
        )

    def found(**filters: Any) -> int:
        return sum(len(page) for page in _pages(callers.viewer, 1, **filters))

    assert found(severity=["block"]) == 3
    assert found(severity=["block", "info"]) == 6
    assert found(severity=["block", "warn", "info"]) == 9
    assert found(source="tool-0") == found(stream="stream/0") == found(policy_version="v0") == 5
    assert found(source="tool-0", stream="stream/1") == 0
    assert found(source="tool-1", severity=["block"], policy_version="v1") == 1
    assert found(since=_FAR) == found(until=_EARLY) == 0
    assert found(since=_EARLY, until=_FAR) == 9
    first = callers.viewer.api.list_reports().body.items[4].created_at
    assert found(since=first) == 5
    assert found(until=first) == 4


def test_total_counts_what_matches_on_every_page(callers: Callers) -> None:
    _ingest(callers, 3)
    callers.operator.ingest({"status": {"api": "fail"}})
    pages = callers.viewer.api.list_reports_pages(limit=1, include_total=True, severity=["info"])
    totals = [page.body.total for page in pages]
    assert totals == [Total(count=3, exact=True)] * 3
    assert callers.viewer.api.list_reports().body.total is None


def test_total_is_counted_up_to_1000(callers: Callers, thousand_more: None) -> None:
    page = callers.viewer.api.list_reports(include_total=True).body
    assert page.total == Total(count=1000, exact=False)
    assert sum(len(ids) for ids in _pages(callers.viewer, 100)) == 1001


@pytest.mark.parametrize(
    "limit",
    ["0", "101", "-1", "99999999999999999999", "1_0", "+5", "\u0665", "5.0", "1e1", " 5", ""],
)
def test_limit_out_of_its_bounds_or_oddly_spelt_is_invalid(limit: str, callers: Callers) -> None:
    answer = callers.viewer.get("/reports", {"limit": limit})
    assert (answer.status, answer.problem_type) == (422, "invalid-input")
    assert {(error["in"], error["pointer"]) for error in answer.json["errors"]} == {
        ("query", "/limit")
    }


def test_token_of_another_tenant_filter_or_version_is_foreign(
    callers: Callers, other_callers: Callers
) -> None:
    for each in (callers, other_callers):
        _ingest(each, 3)
    token = callers.viewer.get("/reports", {"limit": "1"}).json["next_page_token"]
    opened = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    other_digit = b"1" if opened.endswith(b"0") else b"0"
    altered = base64.urlsafe_b64encode(opened[:-1] + other_digit).rstrip(b"=").decode()
    bare = base64.urlsafe_b64encode(opened[17:]).rstrip(b"=").decode()
    asked = [
        (other_callers.viewer, {"page_token": token}),
        (callers.viewer, {"page_token": token, "severity": "info"}),
        (callers.viewer, {"page_token": token, "since": _TIMES}),
        (callers.viewer, {"page_token": altered}),
        (callers.viewer, {"page_token": bare}),
        (callers.viewer, {"page_token": token[:-1]}),
        (callers.viewer, {"page_token": "A"}),
        (callers.viewer, {"page_token": "nonsense-token"}),
        (callers.viewer, {"page_token": "x" * 512}),
    ]
    for client, query in asked:
        answer = client.get("/reports", query)
        assert (answer.status, answer.problem_type) == (400, "foreign-page-token"), urlencode(query)


def test_forged_token_with_a_real_cursor_leads_to_that_page_only(callers: Callers) -> None:
    first, second = _ingest(callers, 2)
    forged = seal("list_reports", callers.tenant, _NO_FILTERS, first)
    page = callers.viewer.get("/reports", {"page_token": forged}).json
    assert [item["id"] for item in page["items"]] == [second]


def test_total_may_be_asked_for_on_one_page_only(callers: Callers) -> None:
    _ingest(callers, 3)
    first = callers.viewer.get("/reports", {"limit": "1", "include_total": "true"}).json
    rest = callers.viewer.get("/reports", {"page_token": first["next_page_token"]}).json
    assert (first["total"], len(rest["items"])) == ({"count": 3, "exact": True}, 2)
    assert "total" not in rest


def test_limit_may_change_from_page_to_page(callers: Callers) -> None:
    stored = _ingest(callers, 4)
    token = callers.viewer.get("/reports", {"limit": "1"}).json["next_page_token"]
    rest = callers.viewer.get("/reports", {"limit": "3", "page_token": token}).json
    assert [item["id"] for item in rest["items"]] == stored[1:]
    assert rest["next_page_token"] is None
