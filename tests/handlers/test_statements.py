"""Round trips to the database: few, and as many for a page of a hundred as for one of one."""

from collections.abc import Callable

import pytest

from tests.support.client import Answer, Callers
from tests.support.reports import PREDECESSOR, SMALLEST
from tests.support.service import RunningService

_READS = {
    # BEGIN with the tenant and its revisions, what is asked for, COMMIT.
    "/reports?limit=1": 3,
    "/reports?limit=100": 3,
    "/reports?limit=100&severity=info&severity=warn&stream=a&since=2026-01-01T00:00:00Z": 3,
    "/reports?limit=1&include_total=true": 4,
    "/reports?limit=100&include_total=true": 4,
    "/timeline?window_h=1": 3,
    "/timeline?window_h=720": 3,
    "/health": 1,
    "/health/live": 0,
    "/openapi.json": 0,
    "/docs": 0,
}


@pytest.mark.parametrize(("target", "expected"), _READS.items(), ids=_READS)
def test_reading_takes_a_fixed_number_of_statements(
    target: str, expected: int, callers: Callers, thousand_more: None, service: RunningService
) -> None:
    with service.counted_statements() as statements:
        answer = callers.viewer.get(target)
    assert answer.status == 200
    assert len(statements) == expected, statements


def test_page_of_a_hundred_is_full(callers: Callers, thousand_more: None) -> None:
    assert len(callers.viewer.get("/reports?limit=100").json["items"]) == 100


def test_later_page_takes_as_many_statements_as_the_first(
    callers: Callers, thousand_more: None, service: RunningService
) -> None:
    token = callers.viewer.get("/reports?limit=100").json["next_page_token"]
    with service.counted_statements() as statements:
        callers.viewer.get(f"/reports?limit=100&page_token={token}")
    assert len(statements) == 3


def test_report_is_read_in_one_statement_found_or_not(
    callers: Callers, service: RunningService
) -> None:
    stored = callers.operator.ingest(SMALLEST)["id"]
    with service.counted_statements() as found:
        assert callers.viewer.get(f"/reports/{stored}").status == 200
    with service.counted_statements() as missing:
        never = "0190a6d2-7c1e-7d3b-9a54-2f6f0c1e8b11"
        assert callers.viewer.get(f"/reports/{never}").status == 404
    assert (len(found), len(missing)) == (1, 1)


def test_ingest_takes_3_statements_and_5_with_an_idempotency_key(
    callers: Callers, service: RunningService
) -> None:
    key = {"Idempotency-Key": "key-1"}

    def counted(post: Callable[[], Answer]) -> int:
        with service.counted_statements() as statements:
            assert post().status == 201
        return len(statements)

    assert counted(lambda: callers.operator.post_json("/ingest/qc", PREDECESSOR)) == 3
    assert counted(lambda: callers.operator.post_json("/ingest/qc", PREDECESSOR, key)) == 5
    assert counted(lambda: callers.operator.post_json("/ingest/qc", PREDECESSOR, key)) == 4


@pytest.mark.parametrize(
    "target",
    ["/reports", "/timeline", "/reports/0190a6d2-7c1e-7d3b-9a54-2f6f0c1e8b11"],
)
def test_refused_request_never_comes_to_the_database(
    target: str, callers: Callers, service: RunningService
) -> None:
    with service.counted_statements() as statements:
        assert callers.viewer.get(f"{target}?surplus=1").status == 422
        assert callers.viewer.send("GET", target, {"X-Tenant": "other"}).status == 403
        assert callers.viewer.send("GET", target, {"X-Api-Key": "other"}).status == 401
        assert callers.viewer.send("PATCH", target).status == 405
        assert callers.viewer.post_json("/ingest/qc", SMALLEST).status == 403
        assert callers.operator.post_json("/ingest/qc", {}).status == 422
    assert statements == []
