"""Services that share a Redis share its counts; without it they go on, and they come back."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ci.redis.server import RedisServer, redis_server
from service.rate_counts import PATIENCE_SECONDS
from tests.e2e.service_process import Service, clean_environment, running, short_folder, wait_until

KEY = "key-of-the-shared-limit-tests"
LIMIT = 12


@pytest.fixture
def folder() -> Iterator[Path]:
    with short_folder() as path:
        yield path


@pytest.fixture
def redis(folder: Path) -> Iterator[RedisServer]:
    with redis_server(folder) as server:
        yield server


@pytest.fixture
def services(folder: Path, redis: RedisServer) -> Iterator[tuple[Service, Service]]:
    """Two that share nothing but keys and Redis, each with a database of its own."""
    settings = clean_environment(
        REDIS_URL=redis.url,
        API_KEYS=f"ci:acme:operator:{KEY}",
        RATE_LIMIT_KEY_READS=f"{LIMIT}/hour",
        RATE_LIMIT_TENANT_READS="off",
        DRAIN_SECONDS="0",
    )
    homes = [{**settings, "COLLECTOR_HOME": str(folder / name)} for name in ("one", "two")]
    with (
        running("up", homes[0], folder / "one.log") as one,
        running("up", homes[1], folder / "two.log") as two,
    ):
        for service in (one, two):
            service.keys["operator"] = KEY
        yield one, two
        for service in (one, two):
            assert redis.password not in service.log() + service.printed


def statuses(service: Service, count: int) -> list[int]:
    with service.client(tenant="acme") as client:
        return [client.get("/reports").status_code for _ in range(count)]


def test_two_processes_give_together_what_the_limit_gives(
    services: tuple[Service, Service], redis: RedisServer
) -> None:
    found = [status for _ in range(LIMIT) for each in services for status in statuses(each, 1)]
    assert found == [200] * LIMIT + [429] * LIMIT
    assert all("ci" in name for name in redis.accounts())
    with services[0].client(tenant="acme") as client:
        refused = client.get("/reports")
    wait = int(refused.headers["Retry-After"])
    assert refused.headers["RateLimit"] == f'"key-reads";r=0;t={wait}'
    assert refused.headers["RateLimit-Policy"] == f'"key-reads";q={LIMIT};w=3600'
    assert 1 <= wait <= 2 * 3600


def test_a_killed_redis_is_done_without_and_used_again_when_it_is_back(
    services: tuple[Service, Service], redis: RedisServer
) -> None:
    assert statuses(services[0], 2) == [200] * 2
    redis.kill()
    # Each process now counts for itself, from nothing.
    for service in services:
        assert statuses(service, LIMIT + 1) == [200] * LIMIT + [429]
        assert service.log().count("rate_limits_not_shared") == 1
    redis.start()
    for service in services:
        wait_until(lambda service=service: _is_shared(service), "Redis to be used again")  # type: ignore[misc]  # bound now
    shared = [status for _ in range(LIMIT) for each in services for status in statuses(each, 1)]
    assert shared[0] == 200
    assert shared[-1] == 429
    assert shared.count(200) <= LIMIT


def _is_shared(service: Service) -> bool:
    statuses(service, 1)
    return "rate_limits_shared_again" in service.log()


def test_a_redis_that_hangs_holds_nobody_up_and_is_complained_of_once(
    services: tuple[Service, Service], redis: RedisServer
) -> None:
    one, _ = services
    assert statuses(one, 1) == [200]
    redis.send(signal.SIGSTOP)
    try:
        with one.client(tenant="acme") as client:
            answers = [client.get("/reports") for _ in range(LIMIT)]
    finally:
        redis.send(signal.SIGCONT)
    assert [answer.status_code for answer in answers] == [200] * LIMIT
    # One has waited; while Redis rests the others don't.
    waited = sorted(answer.elapsed.total_seconds() for answer in answers)
    assert waited[LIMIT // 2] < PATIENCE_SECONDS
    assert one.log().count("rate_limits_not_shared") == 1
    wait_until(lambda: _is_shared(one), "Redis to be used again")
