"""Idempotency keys: one effect for a key, whoever retries, however many at once."""

import gzip
import json
import secrets
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from db import access
from tests.support.client import Answer, Callers
from tests.support.contract import ContractOperation, operations
from tests.support.database import TestDatabase
from tests.support.examples import example_request
from tests.support.reports import PREDECESSOR, SMALLEST

_IDEMPOTENT = [each for each in operations().values() if each.node.get("x-idempotency")]


def _key(value: str | None = None) -> dict[str, str]:
    return {"Idempotency-Key": value or secrets.token_hex(8)}


def _stored(callers: Callers) -> int:
    total: int = callers.viewer.get("/reports", {"include_total": "true"}).json["total"]["count"]
    return total


# Operations that take no key although they are unsafe (POST), each with the reason why a retry does
# no harm.
_SAFE_TO_RETRY: dict[str, str] = {
    "run_retention": "a dry run deletes nothing, and a commit is of a run, done once",
    "cancel_export": "an export is cancelled once, and stays so",
}


def test_every_operation_with_an_effect_takes_idempotency_keys() -> None:
    unsafe = {each.id for each in operations().values() if each.method == "POST"}
    taking = {each.id for each in _IDEMPOTENT}
    assert taking == unsafe - _SAFE_TO_RETRY.keys()
    assert _SAFE_TO_RETRY.keys() <= unsafe
    for each in _IDEMPOTENT:
        assert "Idempotency-Key" in [one["name"] for one in each.parameters("header")]
        success = [code for code in each.node["responses"] if code.startswith("2")]
        for status in success:
            assert "Idempotency-Replayed" in each.node["responses"][status]["headers"]


@pytest.mark.parametrize("operation", _IDEMPOTENT, ids=lambda operation: operation.id)
def test_same_request_with_the_same_key_returns_the_first_receipt(
    operation: ContractOperation, callers: Callers
) -> None:
    caller = callers.by_role["operator" if "operator" in (operation.roles or ()) else "admin"]
    request = example_request(operation, caller)
    request.headers.update(_key())
    first = request.send(caller)
    stored = _stored(callers)
    again = request.send(caller)
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert (again.status, again.content) == (first.status, first.content)
    assert again.headers.get("location") == first.headers.get("location")
    assert _stored(callers) == stored


def test_receipt_of_a_duplicate_is_replayed_with_what_it_duplicated(callers: Callers) -> None:
    earlier = callers.operator.ingest(PREDECESSOR)
    key = _key()
    first = callers.operator.ingest(PREDECESSOR, key)
    callers.operator.ingest(PREDECESSOR)
    assert first["duplicate_of"] == earlier["id"]
    assert callers.operator.ingest(PREDECESSOR, key) == first


def test_other_request_with_the_same_key_is_refused(callers: Callers) -> None:
    key = _key()
    callers.operator.ingest(SMALLEST, key)
    answer = callers.operator.post_json("/ingest/qc", {"status": {"api": "warn"}}, key)
    assert (answer.status, answer.problem_type) == (422, "idempotency-key-reused")
    assert _stored(callers) == 1


def test_other_query_or_media_type_is_another_request(callers: Callers) -> None:
    key = _key()
    body = b'{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"t"}},"results":[]}]}'
    path = "/ingest/tool/sarif"
    assert callers.operator.post(path, body, "application/json", key).status == 201
    assert callers.operator.post(f"{path}?stream=a", body, "application/json", key).status == 422
    assert callers.operator.post(path, body, "application/sarif+json", key).status == 422


def test_key_is_of_one_caller_one_tenant_and_one_operation(
    callers: Callers, other_callers: Callers
) -> None:
    key = _key()
    body = b'{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"t"}},"results":[]}]}'
    clients = [callers.operator, callers.by_role["admin"], other_callers.operator]
    ids = [client.ingest(SMALLEST, key)["id"] for client in clients]
    tool = callers.operator.post("/ingest/tool/sarif", body, "application/json", key)
    assert len({*ids, tool.json["id"]}) == 4


def test_refused_request_does_not_use_its_key_up(callers: Callers) -> None:
    key = _key()
    assert callers.operator.post_json("/ingest/qc", {"status": {"a": "bad"}}, key).status == 422
    assert callers.viewer.post_json("/ingest/qc", SMALLEST, key).status == 403
    callers.operator.ingest(SMALLEST, key)


def test_without_a_key_every_request_has_its_effect(callers: Callers) -> None:
    assert callers.operator.ingest(SMALLEST)["id"] != callers.operator.ingest(SMALLEST)["id"]


@pytest.mark.parametrize("key", ["", "two words", "k" * 256, "tab\there", "é"])
def test_malformed_key_is_invalid(key: str, callers: Callers) -> None:
    answer = callers.operator.send(
        "POST",
        "/ingest/qc",
        {"Content-Type": "application/json", "Idempotency-Key": key},
        json.dumps(SMALLEST).encode(),
    )
    assert answer.status == 422
    assert {error["pointer"] for error in answer.json["errors"]} == {"/Idempotency-Key"}


def test_eight_at_once_have_one_effect_and_the_others_wait_or_replay(callers: Callers) -> None:
    key = _key()

    def post(_: int) -> Answer:
        return callers.operator.post_json("/ingest/qc", PREDECESSOR, key)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(post, range(16)))
    receipts = [answer for answer in answers if answer.status == 201]
    assert len({answer.json["id"] for answer in receipts}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in receipts) == 1
    for waiting in (answer for answer in answers if answer.status != 201):
        assert (waiting.status, waiting.problem_type) == (409, "request-in-progress")
    assert _stored(callers) == 1


def test_request_under_way_keeps_a_second_one_out_until_it_is_done(
    callers: Callers, shared_database: TestDatabase
) -> None:
    callers.operator.ingest(SMALLEST)
    key = _key()
    with ThreadPoolExecutor(1) as pool, shared_database.login(access.OWNER) as blocker:
        blocker.autocommit = False
        with blocker.cursor() as cursor:
            # What a second upload of the same content waits for.
            cursor.execute(
                "SELECT FROM report_digests WHERE tenant_id = %s FOR UPDATE", (callers.tenant,)
            )
        first = pool.submit(callers.operator.post_json, "/ingest/qc", SMALLEST, key)
        _wait_until_blocked(shared_database)
        second = callers.operator.post_json("/ingest/qc", SMALLEST, key)
        assert (second.status, second.problem_type) == (409, "request-in-progress")
        blocker.rollback()
        assert first.result().status == 201
    replayed = callers.operator.post_json("/ingest/qc", SMALLEST, key)
    assert replayed.json == first.result().json
    assert _stored(callers) == 2


def _wait_until_blocked(database: TestDatabase) -> None:
    waiting = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    for _ in range(200):
        if database.run(database.server.administrator, waiting) != [(0,)]:
            return
        time.sleep(0.01)
    raise AssertionError("the first request never came to the lock")


def test_request_that_comes_again_compressed_is_the_same_request(callers: Callers) -> None:
    key = _key()
    first = callers.operator.post_json("/ingest/qc", SMALLEST, key)
    again = callers.operator.post(
        "/ingest/qc",
        gzip.compress(json.dumps(SMALLEST).encode()),
        "application/json",
        {**key, "Content-Encoding": "gzip"},
    )
    assert (again.status, again.json) == (201, first.json)
    assert again.headers["idempotency-replayed"] == "true"
