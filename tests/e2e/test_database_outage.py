"""The database is restarted, demoted or silent: what callers and probes see, and that it ends."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from tests.e2e.external_postgres import ExternalPostgres, migrated_postgres
from tests.e2e.external_service import TENANT, external_service, serving
from tests.e2e.service_process import Service, wait_until
from tests.support.network import network_to

REPORT = {"status": {"api": "pass"}}
POOL = 8
# Five seconds for a statement and ten for its answer; the rest is for a loaded machine.
SILENCE_SECONDS = 15 + 10

pytestmark = pytest.mark.xdist_group("database_outage")


@pytest.fixture(scope="module")
def postgres() -> Iterator[ExternalPostgres]:
    with migrated_postgres() as started:
        yield started


def _post(client: httpx2.Client, key: str | None = None) -> httpx2.Response:
    return client.post(
        "/ingest/qc", json=REPORT, headers={"Idempotency-Key": key} if key is not None else {}
    )


def _at_once(service: Service, request: Callable[[httpx2.Client], httpx2.Response]) -> list[int]:
    """The statuses of as many requests at a time as the pool has connections."""
    with service.client(tenant=TENANT) as client, ThreadPoolExecutor(POOL) as pool:
        return [answer.status_code for answer in pool.map(request, [client] * POOL)]


def _is_refusal(response: httpx2.Response) -> bool:
    return (
        response.status_code == 503
        and response.headers["content-type"] == "application/problem+json"
        and int(response.headers["Retry-After"]) >= 1
    )


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGQUIT, signal.SIGKILL])
def test_requests_succeed_by_themselves_once_the_database_was_started_again(
    postgres: ExternalPostgres, folder: Path, ending: signal.Signals
) -> None:
    with (
        external_service(serving(postgres), folder / "log") as service,
        service.client(tenant=TENANT) as client,
    ):
        # Every connection of the pool is open, and every one dies.
        assert set(_at_once(service, _post)) == {201}
        stored = [_post(client, f"{ending.name}-{n}").json()["id"] for n in range(3)]
        postgres.stop(ending)
        try:
            assert _is_refusal(client.get("/reports"))
            assert _is_refusal(_post(client, "while-it-was-away"))
            health = client.get("/health")
            assert (health.status_code, health.json()["database"]) == (503, "unreachable")
            assert client.get("/health/live").status_code == 200
        finally:
            postgres.start()
        # No connection of before fails a second time.
        assert set(_at_once(service, _post)) == {201}
        assert client.get("/health").status_code == 200
        assert _post(client, "while-it-was-away").status_code == 201
        for report_id in stored:
            assert client.get(f"/reports/{report_id}").status_code == 200
        assert service.stop() == 0


def test_requests_in_flight_when_the_database_dies_end_at_once(
    postgres: ExternalPostgres, folder: Path
) -> None:
    with external_service(serving(postgres), folder / "log") as service:
        answered: list[httpx2.Response] = []
        go_on = threading.Event()

        def send() -> None:
            with service.client(tenant=TENANT) as client:
                while not go_on.is_set():
                    answered.append(_post(client))

        with ThreadPoolExecutor(POOL) as pool:
            sending = [pool.submit(send) for _ in range(POOL)]
            wait_until(lambda: len(answered) > 50, "requests under way")
            postgres.stop(signal.SIGQUIT)
            seen = len(answered)
            wait_until(lambda: len(answered) > seen + 50, "answers without a database")
            postgres.start()
            wait_until(lambda: answered[-1].status_code == 201, "requests to succeed again")
            go_on.set()
            for each in sending:
                each.result()
        assert {answer.status_code for answer in answered} == {201, 503}
        assert all(_is_refusal(answer) for answer in answered if answer.status_code == 503)
        assert "Traceback" not in service.log()
        ids = [answer.json()["id"] for answer in answered if answer.status_code == 201]
        with service.client(tenant=TENANT) as client:
            assert {client.get(f"/reports/{each}").status_code for each in ids} == {200}


def test_standby_is_read_from_and_written_to_once_it_is_promoted(
    postgres: ExternalPostgres, folder: Path
) -> None:
    """As after a failover whose address still leads to the old primary."""
    with (
        external_service(serving(postgres), folder / "log") as service,
        service.client(tenant=TENANT) as client,
    ):
        assert set(_at_once(service, _post)) == {201}
        postgres.stop()
        (postgres.data / "standby.signal").touch()
        postgres.start()
        refused = _post(client)
        assert _is_refusal(refused)
        assert "reading goes on" in refused.json()["detail"]
        assert client.get("/reports").status_code == 200
        health = client.get("/health")
        assert (health.status_code, health.json()["status"]) == (200, "degraded")
        assert health.json()["database"] == "refuses_writes"
        assert "DatabaseReadOnly" in service.log()
        postgres.run("SELECT pg_promote()")
        assert set(_at_once(service, _post)) == {201}
        assert client.get("/health").json()["database"] == "connected"


def test_silent_network_holds_no_request_longer_than_stated_and_is_forgotten_when_it_is_back(
    postgres: ExternalPostgres, folder: Path
) -> None:
    with (
        network_to(postgres.port) as network,
        external_service(serving(postgres, network.port), folder / "log") as service,
        service.client(tenant=TENANT) as client,
    ):
        assert set(_at_once(service, _post)) == {201}
        network.swallow()
        began = time.monotonic()
        assert set(_at_once(service, lambda one: _post(one, "kept"))) == {503}
        assert time.monotonic() - began < SILENCE_SECONDS
        # Now that its connections are given up, a new one is asked for, and waited for 3 s.
        began = time.monotonic()
        assert _is_refusal(client.get("/reports"))
        assert client.get("/health").status_code == 503
        assert time.monotonic() - began < SILENCE_SECONDS
        assert client.get("/health/live").status_code == 200
        assert "DatabaseSilent" in service.log()
        network.pass_on()
        assert set(_at_once(service, _post)) == {201}
        assert client.get("/health").status_code == 200


def test_table_that_someone_has_locked_delays_a_request_for_seconds_only(
    postgres: ExternalPostgres, folder: Path
) -> None:
    with (
        external_service(serving(postgres), folder / "log") as service,
        service.client(tenant=TENANT) as client,
    ):
        with postgres.transaction() as holder:
            holder.execute("LOCK TABLE reports IN ACCESS EXCLUSIVE MODE")
            assert _is_refusal(client.get("/reports"))
            assert _is_refusal(_post(client))
        assert client.get("/reports").status_code == 200
        assert _post(client).status_code == 201
