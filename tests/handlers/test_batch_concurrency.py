"""Batches beside one another and beside single uploads: each report once, one original each."""

import json
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from db import access
from tests.handlers.test_batch import lines, post, stored_ids, unlike
from tests.support.client import Answer, Callers
from tests.support.database import TestDatabase


def note(text: str) -> dict[str, Any]:
    return {"status": {"api": "pass"}, "notes": [text]}


def test_overlapping_batches_and_singles_leave_one_original_a_content(callers: Callers) -> None:
    mark = secrets.token_hex(4)
    contents = [note(f"{number} {mark}") for number in range(1500)]
    orders = [contents, contents[::-1], contents[750:] + contents[:750]]

    def single(number: int) -> Answer:
        return callers.operator.post_json("/ingest/qc", contents[number * 37 % 1500])

    with ThreadPoolExecutor(5) as pool:
        batches = [pool.submit(post, callers, lines(*order)) for order in orders]
        singles = list(pool.map(single, range(40)))
        answers = [batch.result() for batch in batches]
    assert [answer.status for answer in answers] == [200] * 3
    assert [answer.status for answer in singles] == [201] * 40
    sent = [report for order in orders for report in order]
    sent += [contents[number * 37 % 1500] for number in range(40)]
    outcomes = [each for answer in answers for each in answer.json["outcomes"]]
    outcomes += [answer.json for answer in singles]
    content_of = {
        each["id"]: report["notes"][0] for each, report in zip(outcomes, sent, strict=True)
    }
    assert len(content_of) == 3 * 1500 + 40
    originals = [content_of[each["id"]] for each in outcomes if "duplicate_of" not in each]
    assert sorted(originals) == sorted(report["notes"][0] for report in contents)
    for each in outcomes:
        assert content_of[each.get("duplicate_of", each["id"])] == content_of[each["id"]]


def test_digest_that_moves_while_a_batch_is_under_way_is_told_as_it_then_is(
    callers: Callers, shared_database: TestDatabase
) -> None:
    known, new = unlike(), unlike()
    callers.operator.ingest(known)
    moved = """
      UPDATE report_digests SET previous_report_id = report_id,
             report_id = collector_uuid7(clock_timestamp())
       WHERE tenant_id = %s RETURNING report_id::text
    """
    with ThreadPoolExecutor(1) as pool, shared_database.login(access.OWNER) as other:
        other.autocommit = False
        with other.cursor() as cursor:
            cursor.execute(moved, (callers.tenant,))
            row = cursor.fetchone()
            batch = pool.submit(post, callers, lines(new, known, new), Idempotency_Key="k")
            _wait_until_blocked(shared_database)
            other.commit()
        outcomes = batch.result().json["outcomes"]
    assert row is not None
    assert [each.get("duplicate_of") for each in outcomes] == [None, row[0], outcomes[0]["id"]]
    assert stored_ids(callers)[1:] == [each["id"] for each in outcomes]
    assert post(callers, lines(new, known, new), Idempotency_Key="k").json["outcomes"] == outcomes


def test_batches_with_one_key_at_once_store_it_once(callers: Callers) -> None:
    body = lines(*[unlike() for _ in range(300)])

    def send(_: int) -> Answer:
        for _ in range(200):
            answer = post(callers, body, Idempotency_Key="k")
            if answer.status != 409:
                return answer
            assert answer.headers["retry-after"] == "1"
            time.sleep(0.02)
        raise AssertionError("the first request never ended")

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(send, range(4)))
    assert {answer.content for answer in answers} == {answers[0].content}
    assert len(stored_ids(callers)) == 300


def test_batch_of_one_tenant_is_nothing_to_another(
    callers: Callers, other_callers: Callers
) -> None:
    body = lines(unlike(), unlike())
    mine = post(callers, body, Idempotency_Key="k").json
    theirs = post(other_callers, body, Idempotency_Key="k").json
    assert (mine["duplicates"], theirs["duplicates"]) == (0, 0)
    assert not set(stored_ids(callers)) & set(stored_ids(other_callers))
    assert json.dumps(mine) != json.dumps(theirs)


def _wait_until_blocked(database: TestDatabase) -> None:
    waiting = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    for _ in range(1000):
        if database.run(database.server.administrator, waiting) != [(0,)]:
            return
        time.sleep(0.01)
    raise AssertionError("the batch never came to the lock")
