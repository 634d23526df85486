"""Batches: an outcome for each line, all good ones stored once and in order, or none if atomic."""

import json
import secrets
from typing import Any

from tests.support.client import Answer, Callers
from tests.support.reports import SMALLEST

NDJSON = "application/x-ndjson"


def unlike(**more: Any) -> dict[str, Any]:
    """A report that nobody has sent before."""
    return {**SMALLEST, "notes": [secrets.token_hex(8)], **more}


def lines(*reports: Any) -> bytes:
    return b"".join(json.dumps(report).encode() + b"\n" for report in reports)


def post(callers: Callers, body: bytes, query: str = "", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return callers.operator.post(f"/ingest/qc/batch{query}", body, NDJSON, named)


def ids_newest_first(callers: Callers) -> list[str]:
    return [item["id"] for item in callers.viewer.get("/reports", {"limit": "100"}).json["items"]]


def test_each_line_gets_an_outcome_and_good_ones_are_stored_in_order(callers: Callers) -> None:
    same = unlike()
    answer = post(callers, lines(same, {"status": 1}, same, unlike(raw={"a": 1})) + b"\n{")
    assert answer.status == 200
    receipt = answer.json
    assert (receipt["created"], receipt["duplicates"], receipt["refused"]) == (2, 1, 2)
    outcomes = receipt["outcomes"]
    assert [(each["line"], each["outcome"]) for each in outcomes] == [
        (1, "created"), (2, "refused"), (3, "duplicate"), (4, "created"), (6, "refused"),
    ]  # fmt: skip
    assert outcomes[2]["duplicate_of"] == outcomes[0]["id"]
    assert outcomes[1]["problem"]["errors"][0]["pointer"] == "/status"
    assert outcomes[4]["problem"]["type"] == "/problems/malformed-request"
    ids = [outcomes[index]["id"] for index in (3, 2, 0)]
    assert ids_newest_first(callers) == ids


def test_atomic_batch_with_a_bad_line_stores_nothing(callers: Callers) -> None:
    body = lines(unlike(), {}, unlike())
    answer = post(callers, body, "?atomic=true")
    assert (answer.status, answer.problem_type) == (422, "batch-refused")
    assert [each["outcome"] for each in answer.json["outcomes"]] == ["valid", "refused", "valid"]
    assert ids_newest_first(callers) == []
    assert post(callers, lines(unlike(), unlike()), "?atomic=true").json["created"] == 2


def test_replay_answers_the_same_bytes(callers: Callers) -> None:
    body = lines(unlike(), unlike(), {})
    first = post(callers, body, Idempotency_Key="k")
    again = post(callers, body, Idempotency_Key="k")
    assert again.headers["idempotency-replayed"] == "true"
    assert again.content == first.content
    assert len(ids_newest_first(callers)) == 2
    other = post(callers, lines(unlike()), Idempotency_Key="k")
    assert (other.status, other.problem_type) == (422, "idempotency-key-reused")
