"""More callers than a service can serve: those beyond are told when to come back, it goes on."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import psycopg2
import pytest

from tests.e2e.crowd import statuses_of_crowd
from tests.e2e.external_postgres import ExternalPostgres, external_postgres
from tests.e2e.service_process import (
    Service,
    clean_environment,
    run_collector,
    running,
    short_folder,
)

KEY = "key-of-the-overload-tests"
APP_PASSWORD = "app-password"
PLACES = 2
WAITING = 32 * PLACES

pytestmark = pytest.mark.xdist_group("overload")


@pytest.fixture(scope="module")
def postgres() -> Iterator[ExternalPostgres]:
    with short_folder() as folder, external_postgres(folder) as started:
        started.run("CREATE DATABASE collector ENCODING 'UTF8' TEMPLATE template0", "postgres")
        environment = clean_environment(MIGRATION_DATABASE_URL=started.admin_url)
        migrated = run_collector("migrate", environment=environment)
        assert migrated.returncode == 0, migrated.stderr
        started.run(f"ALTER ROLE collector_app PASSWORD '{APP_PASSWORD}'")
        yield started


@pytest.fixture
def service(postgres: ExternalPostgres, folder: Path) -> Iterator[Service]:
    settings = clean_environment(
        DATABASE_URL=postgres.url("collector_app", APP_PASSWORD),
        API_KEYS=f"ci:acme:operator:{KEY},ci:crowd:operator:{KEY}",
        DB_POOL_SIZE=str(PLACES),
        RATE_LIMIT_KEY_WRITES="off",
        RATE_LIMIT_TENANT_WRITES="off",
        DRAIN_SECONDS="0",
    )
    with running("serve", settings, folder / "log") as started:
        started.keys["operator"] = KEY
        yield started


def report(number: int) -> dict[str, Any]:
    return {"status": {"api": "pass"}, "notes": [str(number)]}


class Crowd:
    """Uploads that are sent all at once."""

    def __init__(self, service: Service, count: int) -> None:
        self._url = service.url
        self._count = count
        self.answers: list[httpx2.Response] = []
        self.probes: list[tuple[int, int]] = []

    async def send(self) -> None:
        headers = {"X-Api-Key": KEY, "X-Tenant": "acme"}
        unlimited = httpx2.Limits(max_connections=None)
        async with httpx2.AsyncClient(
            base_url=self._url, headers=headers, limits=unlimited, timeout=60
        ) as client:
            uploads = [asyncio.create_task(self._upload(client, n)) for n in range(self._count)]
            while len(self.answers) < self._count // 2:
                await asyncio.sleep(0.05)
            for path in ("/health", "/health/live"):
                answer = await client.get(path)
                self.probes.append((answer.status_code, len(self.answers)))
            await asyncio.gather(*uploads)

    async def _upload(self, client: httpx2.AsyncClient, number: int) -> None:
        self.answers.append(await client.post("/ingest/qc", json=report(number)))


def kind(answer: httpx2.Response) -> str:
    detail = answer.json().get("detail", "")
    named = {"wait already": "refused", "no place within": "waited", "in the way": "handled"}
    return next((kind for words, kind in named.items() if words in detail), detail)


def test_with_every_place_taken_a_bounded_number_waits_and_nobody_hangs(
    postgres: ExternalPostgres, service: Service
) -> None:
    crowd = Crowd(service, 4 * (PLACES + WAITING))
    blocker = psycopg2.connect(postgres.admin_url)
    try:
        with blocker.cursor() as cursor:
            # Every upload has to write here, and waits for as long as it may for a lock.
            cursor.execute("LOCK TABLE report_digests IN ACCESS EXCLUSIVE MODE")
        asyncio.run(crowd.send())
    finally:
        blocker.close()
    assert {answer.status_code for answer in crowd.answers} == {503}
    assert all(answer.headers["Retry-After"].isdigit() for answer in crowd.answers)
    kinds = Counter(map(kind, crowd.answers))
    assert set(kinds) == {"refused", "waited", "handled"}, kinds
    assert kinds["waited"] <= WAITING + PLACES
    assert kinds["refused"] >= len(crowd.answers) // 2
    # The probes were answered while uploads still waited.
    assert [status for status, _ in crowd.probes] == [200, 200]
    assert all(answered < len(crowd.answers) for _, answered in crowd.probes)
    with service.client(tenant="acme") as client:
        for number in range(20):
            posted = client.post("/ingest/qc", json=report(-number))
            assert posted.status_code == 201, posted.text
        page = client.get("/reports", params={"include_total": True}).json()
    assert page["total"]["count"] == 20


def test_callers_who_heed_no_refusal_do_not_bring_the_rest_down(service: Service) -> None:
    """With a crowd of four times what may run and wait; measured in docs/performance.md."""

    def stored(clients: int) -> int:
        counted = statuses_of_crowd(service, KEY, "crowd", clients, seconds=3)
        assert set(counted) <= {201, 503}
        assert clients > WAITING or 503 not in counted
        return counted[201]

    before, crowded, after = (stored(each) for each in (4, 4 * (PLACES + WAITING), 4))
    # Without a bound, or with one that refuses at any pace, it is a tenth.
    assert crowded > before * 0.4
    assert after > before * 0.3
