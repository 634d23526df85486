"""When the database is away or everything is busy: 503 that says when to try again, and health."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from db import access
from db.session import Database
from tests.support.client import Answer, Callers, Client
from tests.support.database import TestDatabase
from tests.support.reports import SMALLEST
from tests.support.service import RunningService, running_service


@contextmanager
def _upload_held_up(database: TestDatabase, callers: Callers) -> Iterator[None]:
    """Inside the block a second upload of the same content waits for a lock on its digest."""
    callers.operator.ingest(SMALLEST)
    with database.login(access.OWNER) as blocker:
        blocker.autocommit = False
        with blocker.cursor() as cursor:
            cursor.execute(
                "SELECT FROM report_digests WHERE tenant_id = %s FOR UPDATE", (callers.tenant,)
            )
        yield
        blocker.rollback()


def test_request_beyond_the_places_is_told_to_come_back_while_probes_are_answered(
    shared_database: TestDatabase,
) -> None:
    database = Database(shared_database.url(access.APP), pool_size=2)
    with running_service(database, places=1) as service, ThreadPoolExecutor(1) as pool:
        callers = Callers(service)
        started = threading.Event()

        def upload() -> Answer:
            started.set()
            return callers.operator.post_json("/ingest/qc", SMALLEST)

        with _upload_held_up(shared_database, callers):
            held = pool.submit(upload)
            started.wait()
            refused = _first_refusal(callers.viewer)
            assert refused.problem_type == "unavailable"
            assert refused.headers["retry-after"] == "1"
            for path in ("/health", "/health/live"):
                assert Client(service).get(path).status == 200
        assert held.result().status == 201
        assert callers.viewer.get("/reports").status == 200


def _first_refusal(client: Client) -> Answer:
    """A request may still slip in before the upload has taken the only place."""
    for _ in range(5):
        answer = client.get("/reports")
        if answer.status == 503:
            return answer
    raise AssertionError("the only place was never taken")


def test_statement_over_its_time_is_unavailable_and_has_no_effect(
    shared_database: TestDatabase,
) -> None:
    database = Database(shared_database.url(access.APP), statement_timeout_ms=100)
    with running_service(database) as service:
        callers = Callers(service)
        with _upload_held_up(shared_database, callers):
            answer = callers.operator.post_json("/ingest/qc", SMALLEST)
        assert (answer.status, answer.problem_type) == (503, "unavailable")
        assert answer.headers["retry-after"].isdigit()
        assert len(callers.viewer.get("/reports").json["items"]) == 1


@pytest.fixture(scope="module")
def without_database(shared_database: TestDatabase) -> Iterator[RunningService]:
    """A service whose database can't be reached: its server knows no such database."""
    missing = shared_database.server.url(access.APP, "no_such_database")
    with running_service(Database(missing)) as service:
        yield service


def test_readiness_fails_without_a_database_and_liveness_does_not(
    without_database: RunningService,
) -> None:
    anyone = Client(without_database)
    health = anyone.get("/health")
    assert health.status == 503
    assert (health.json["status"], health.json["database"]) == ("degraded", "unreachable")
    assert anyone.get("/health/live").status == 200
    for path in ("/openapi.json", "/docs"):
        assert anyone.get(path).status == 200


def test_every_use_of_the_database_is_unavailable_without_one(
    without_database: RunningService,
) -> None:
    callers = Callers(without_database)
    answers = [
        callers.viewer.get("/reports"),
        callers.viewer.get("/timeline"),
        callers.viewer.get("/reports/0190a6d2-7c1e-7d3b-9a54-2f6f0c1e8b11"),
        callers.operator.post_json("/ingest/qc", SMALLEST),
        callers.operator.post_json("/ingest/qc", SMALLEST, {"Idempotency-Key": "k"}),
    ]
    for answer in answers:
        assert (answer.status, answer.problem_type) == (503, "unavailable")
        assert answer.headers["retry-after"].isdigit()
        assert "no_such_database" not in answer.json["detail"]
    assert callers.operator.post_json("/ingest/qc", {}).status == 422
    assert callers.viewer.post_json("/ingest/qc", SMALLEST).status == 403


def test_service_works_again_once_its_connections_were_cut(
    service: RunningService, callers: Callers, shared_database: TestDatabase
) -> None:
    callers.operator.ingest(SMALLEST)
    shared_database.run(
        shared_database.server.administrator,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE usename = %s AND datname = %s",
        (access.APP, shared_database.name),
    )
    assert Client(service).get("/health").status == 200
    assert len(callers.viewer.get("/reports").json["items"]) == 1


def test_readiness_fails_while_the_service_drains_and_requests_are_still_answered(
    shared_database: TestDatabase,
) -> None:
    database = Database(shared_database.url(access.APP), pool_size=2)
    with running_service(database, draining=lambda: True) as service:
        health = Client(service).get("/health")
        assert (health.status, health.json["database"]) == (503, "connected")
        callers = Callers(service)
        assert callers.operator.post_json("/ingest/qc", SMALLEST).status == 201


def test_full_disk_of_the_database_refuses_reports_and_says_so_while_reading_goes_on(
    own_database: TestDatabase,
) -> None:
    """Raised by a trigger here; ci/disk_full does it with a disk."""
    with running_service(Database(own_database.url(access.APP))) as service:
        callers = Callers(service)
        first = callers.operator.ingest(SMALLEST)
        own_database.run(access.OWNER, _NO_ROOM)
        refused = callers.operator.post_json("/ingest/qc", SMALLEST, {"Idempotency-Key": "k"})
        assert (refused.status, refused.problem_type) == (503, "unavailable")
        assert refused.headers["retry-after"] == "30"
        assert len(callers.viewer.get("/reports").json["items"]) == 1
        health = Client(service).get("/health")
        assert (health.status, health.json["status"]) == (200, "degraded")
        assert health.json["database"] == "refuses_writes"
        own_database.run(access.OWNER, "DROP TRIGGER no_room ON reports")
        stored = callers.operator.post_json("/ingest/qc", SMALLEST, {"Idempotency-Key": "k"})
        assert stored.status == 201
        assert stored.json["duplicate_of"] == first["id"]
        assert Client(service).get("/health").json["status"] == "ok"


_NO_ROOM = """
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql
  AS $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER no_room BEFORE INSERT ON reports FOR EACH ROW EXECUTE FUNCTION no_room();
"""
