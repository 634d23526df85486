"""Rate limits on a running service: what is counted, and what callers are told."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from db import access
from db.session import Database
from policies.rates import Rate
from service.rate_counts import OwnCounts
from service.rate_limits import RateLimits, Rates
from tests.support.client import Answer, Client
from tests.support.database import TestDatabase
from tests.support.reports import SMALLEST
from tests.support.service import RunningService, running_service

# RFC 9651: a list of strings, each with integers as parameters.
ITEM = re.compile(r'"([a-z-]+)"((?:;[a-z]+=\d+)+)')
# An hour, so that for what a test does everything is as if it came at once.
KEY_READS, KEY_WRITES, TENANT = Rate(6, 3600), Rate(4, 3600), Rate(7, 3600)


@pytest.fixture(scope="module")
def limited(shared_database: TestDatabase) -> Iterator[RunningService]:
    limits = RateLimits(Rates(KEY_READS, TENANT), Rates(KEY_WRITES, TENANT), OwnCounts())
    database = Database(shared_database.url(access.APP))
    with running_service(database, rate_limits=limits) as running:
        yield running


class Tenant:
    """A tenant of its own; each `caller` has a key that nobody else has."""

    def __init__(self, service: RunningService, name: str) -> None:
        self._service = service
        self.name = name
        self._keys = 0

    def caller(self, role: str = "operator") -> Client:
        self._keys += 1
        secret = self._service.keys.issue(f"{self.name}-{self._keys}", self.name, role)
        return Client(self._service, self.name, secret)


@pytest.fixture
def acme(limited: RunningService) -> Tenant:
    return Tenant(limited, limited.new_tenant()[0])


def fields(answer: Answer, name: str) -> dict[str, dict[str, int]]:
    """A structured field's parameters, by policy."""
    found = {}
    for item in answer.headers[name].split(", "):
        parts = ITEM.fullmatch(item)
        assert parts, item
        pairs = [pair.split("=") for pair in parts[2].strip(";").split(";")]
        found[parts[1]] = {key: int(value) for key, value in pairs}
    return found


def test_every_answer_says_what_is_left(acme: Tenant) -> None:
    caller = acme.caller()
    answers = [
        caller.get("/reports"),
        caller.get("/reports", {"limit": "0"}),
        caller.get("/reports/0190a6d2-7c1e-7d3b-9a54-2f6f0c1e8b11"),
    ]
    assert [answer.status for answer in answers] == [200, 422, 404]
    for place, answer in enumerate(answers, start=1):
        assert fields(answer, "ratelimit-policy") == {
            "key-reads": {"q": 6, "w": 3600},
            "tenant-reads": {"q": 7, "w": 3600},
        }
        left = fields(answer, "ratelimit")
        assert (left["key-reads"]["r"], left["tenant-reads"]["r"]) == (6 - place, 7 - place)
        assert "retry-after" not in answer.headers


def test_who_asks_too_much_is_told_which_limit_and_how_long_to_wait(acme: Tenant) -> None:
    caller = acme.caller()
    assert [caller.get("/reports").status for _ in range(6)] == [200] * 6
    refused = caller.get("/reports")
    assert (refused.status, refused.problem_type) == (429, "rate-limit-exceeded")
    wait = int(refused.headers["retry-after"])
    assert 1 <= wait <= 2 * 3600
    assert fields(refused, "ratelimit")["key-reads"] == {"r": 0, "t": wait}
    assert fields(refused, "ratelimit-policy")["key-reads"] == {"q": 6, "w": 3600}
    for said in ("reads of one key", "6 units", "3600 s", "0 left", f"{wait} s"):
        assert said in refused.json["detail"]


def test_reads_leave_writes_their_own_and_public_calls_are_never_counted(acme: Tenant) -> None:
    caller = acme.caller()
    while caller.get("/reports").status == 200:
        pass
    caller.ingest(SMALLEST)
    for _ in range(20):
        for path in ("/health", "/health/live", "/openapi.json"):
            answer = caller.get(path)
            assert answer.status == 200
            assert "ratelimit" not in answer.headers


def test_what_one_key_is_refused_costs_its_tenant_nothing(acme: Tenant) -> None:
    greedy, other = acme.caller(), acme.caller()
    statuses = [greedy.get("/reports").status for _ in range(30)]
    assert statuses == [200] * 6 + [429] * 24
    last = other.get("/reports")
    assert last.status == 200
    assert fields(last, "ratelimit")["tenant-reads"]["r"] == 0
    refused = other.get("/reports")
    assert refused.status == 429
    assert "reads of one tenant" in refused.json["detail"]


def test_one_tenants_keys_are_nothing_to_another(acme: Tenant, limited: RunningService) -> None:
    caller = acme.caller()
    while caller.get("/reports").status == 200:
        pass
    assert Tenant(limited, limited.new_tenant()[0]).caller().get("/reports").status == 200


def test_a_refused_key_or_role_is_not_counted(acme: Tenant, limited: RunningService) -> None:
    viewer = acme.caller("viewer")
    for _ in range(10):
        assert viewer.post_json("/ingest/qc", SMALLEST).status == 403
        unknown = Client(limited, acme.name, "no-such-key").get("/reports")
        assert unknown.status == 401
        assert "ratelimit" not in unknown.headers
    assert fields(viewer.get("/reports"), "ratelimit")["tenant-reads"]["r"] == 6


def test_large_bodies_cost_more_and_are_refused_before_they_are_sent(acme: Tenant) -> None:
    large = b'{"status": {"api": "pass"}, "markdown": "' + b"x" * 150_000 + b'"}'
    caller = acme.caller()
    taken = caller.post("/ingest/qc", large, "application/json")
    assert taken.status == 201
    assert fields(taken, "ratelimit")["key-writes"]["r"] == 1
    refused = caller.post("/ingest/qc", large, "application/json")
    assert refused.status == 429
    assert "this request costs 3" in refused.json["detail"]
    assert caller.post_json("/ingest/qc", SMALLEST).status == 201


def test_a_body_that_did_not_say_its_length_is_counted_as_it_comes(acme: Tenant) -> None:
    caller = acme.caller()
    pieces = [b'{"status": {"api": "pass"}, "markdown": "', *[b"x" * 60_000] * 5, b'"}']
    refused = caller.post("/ingest/qc", iter(pieces), "application/json")
    assert (refused.status, refused.problem_type) == (429, "rate-limit-exceeded")
    assert len(refused.headers.get_list("ratelimit")) == 1
    assert caller.get("/reports").json["items"] == []


def test_a_request_dearer_than_the_whole_limit_takes_all_of_it(acme: Tenant) -> None:
    huge = b'{"status": {"api": "pass"}, "markdown": "' + b"x" * 600_000 + b'"}'
    caller = acme.caller()
    assert caller.post("/ingest/qc", huge, "application/json").status == 201
    assert caller.post_json("/ingest/qc", SMALLEST).status == 429


def test_callers_at_once_get_exactly_what_the_limit_gives(acme: Tenant) -> None:
    caller = acme.caller()
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: caller.get("/reports").status, range(40)))
    assert (statuses.count(200), statuses.count(429)) == (6, 34)
