"""Batches: an outcome for each line, all good ones stored once and in order, or none if atomic."""

import gzip
import json
import secrets
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db import access
from db.session import Database
from tests.support.client import Answer, Callers
from tests.support.database import TestDatabase
from tests.support.reports import PREDECESSOR, SMALLEST, judged
from tests.support.service import RunningService, running_service

NDJSON = "application/x-ndjson"
PATH = "/ingest/qc/batch"


def unlike(**more: Any) -> dict[str, Any]:
    """A report that nobody has sent before."""
    return {**SMALLEST, "notes": [secrets.token_hex(8)], **more}


def lines(*reports: Any) -> bytes:
    return b"".join(json.dumps(report).encode() + b"\n" for report in reports)


def post(callers: Callers, body: bytes, query: str = "", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return callers.operator.post(f"{PATH}{query}", body, NDJSON, named)


def stored_ids(callers: Callers) -> list[str]:
    """Of all reports of the tenant, oldest first."""
    pages = callers.viewer.api.list_reports_pages(limit=100)
    return [str(item.id) for page in pages for item in page.body.items][::-1]


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
    assert stored_ids(callers) == [outcomes[index]["id"] for index in (0, 2, 3)]


def test_line_becomes_what_the_report_alone_becomes(callers: Callers) -> None:
    reports: list[dict[str, Any]] = [
        PREDECESSOR,
        judged(("api", "block", "warn"), api="pass"),
        unlike(
            source={"tool": 'a "quoted\\" ☃ tool, {NULL}'},
            stream="a/b",
            policy={"policy_version": '\\x41"'},
            notes=["line\nfeed \\n \u2028 'quote' \0"],
            raw={"n": 12345678901234567890123, "f": 1.0, "key\n": None},
        ),
        unlike(markdown="mail to somebody@example.org please"),
    ]
    outcomes = post(callers, lines(*reports)).json["outcomes"]
    for report, outcome in zip(reports, outcomes, strict=True):
        receipt = callers.operator.ingest(report)
        batched = callers.viewer.get(f"/reports/{outcome['id']}").json
        single = callers.viewer.get(f"/reports/{receipt['id']}").json
        assert receipt["duplicate_of"] == outcome["id"]
        assert batched["report"] == single["report"]
        for field in ("severity", "counts", "inconsistencies", "sha256"):
            assert batched[field] == single[field]
        for field in ("severity", "inconsistencies", "redaction"):
            assert outcome.get(field) == receipt.get(field)


def test_known_content_is_a_duplicate_of_the_newest_that_has_it(callers: Callers) -> None:
    known = unlike()
    first = callers.operator.ingest(known)["id"]
    outcomes = post(callers, lines(known, unlike(), known)).json["outcomes"]
    assert outcomes[0]["duplicate_of"] == first
    assert outcomes[2]["duplicate_of"] == outcomes[0]["id"]
    assert callers.operator.ingest(known)["duplicate_of"] == outcomes[2]["id"]


def test_atomic_batch_with_a_bad_line_stores_nothing_and_tells_of_all(callers: Callers) -> None:
    body = lines(*[unlike()] * 3, {"status": {"api": "excellent"}}, *[unlike()] * 3)
    answer = post(callers, body, "?atomic=true")
    assert (answer.status, answer.problem_type) == (422, "batch-refused")
    assert "1 of 7 lines" in answer.json["detail"]
    outcomes = [each["outcome"] for each in answer.json["outcomes"]]
    assert outcomes == ["valid"] * 3 + ["refused"] + ["valid"] * 3
    assert answer.json["outcomes"][3]["problem"]["errors"][0]["pointer"] == "/status/*"
    assert stored_ids(callers) == []
    assert post(callers, lines(unlike(), unlike()), "?atomic=true").json["created"] == 2


def test_atomic_batch_whose_last_of_many_lines_is_bad_stores_nothing(callers: Callers) -> None:
    body = lines(*[unlike() for _ in range(2500)]) + b"{"
    answer = post(callers, body, "?atomic=true", Idempotency_Key="k")
    assert (answer.status, len(answer.json["outcomes"])) == (422, 2501)
    assert stored_ids(callers) == []
    mended = post(callers, body[:-1], "?atomic=true", Idempotency_Key="k")
    assert (mended.status, mended.json["created"]) == (200, 2500)


@pytest.mark.parametrize("count", [1, 999, 1000, 1001, 10_000])
def test_any_number_of_lines_up_to_the_limit_is_stored(callers: Callers, count: int) -> None:
    mark = secrets.token_hex(8)
    reports = [{"status": {"n": "pass"}, "notes": [f"{number} {mark}"]} for number in range(count)]
    receipt = post(callers, lines(*reports)).json
    assert (receipt["created"], len(receipt["outcomes"])) == (count, count)
    ids = [each["id"] for each in receipt["outcomes"]]
    assert ids == sorted(set(ids))
    total = callers.viewer.get("/reports", {"include_total": "true"}).json["total"]
    assert total == {"count": min(count, 1000), "exact": count <= 1000}


def test_more_lines_than_the_limit_are_named_and_nothing_is_stored(callers: Callers) -> None:
    answer = post(callers, b'{"status":{}}\n' * 10_001)
    assert (answer.status, answer.error["limit"]) == (422, "10000")
    assert "10001 came" in answer.json["detail"]
    assert stored_ids(callers) == []


def test_line_over_a_mebibyte_is_told_its_size_and_the_others_are_stored(callers: Callers) -> None:
    long = json.dumps(unlike(markdown="m" * 1_000_000, notes=["n" * 8000] * 10)).encode()
    receipt = post(callers, lines(unlike()) + long + b"\n" + lines(unlike())).json
    problem = receipt["outcomes"][1]["problem"]
    assert (problem["status"], problem["type"]) == (413, "/problems/body-too-large")
    assert f"1048576 bytes; this one has {len(long)}" in problem["detail"]
    assert (receipt["created"], receipt["refused"]) == (2, 1)


def test_secret_in_an_identifier_is_refused_in_its_line_alone(callers: Callers) -> None:
    bad = unlike(stream="ghp_" + "a1B2" * 9)
    receipt = post(callers, lines(unlike(), bad, unlike())).json
    assert receipt["outcomes"][1]["problem"]["errors"][0]["keyword"] == "redaction"
    assert receipt["created"] == 2


def test_other_media_types_are_unsupported_and_an_empty_body_is_missed(callers: Callers) -> None:
    for content_type in ("application/json", "application/jsonl", "text/plain", None):
        answer = callers.operator.post(PATH, lines(unlike()), content_type)
        assert (answer.status, answer.problem_type) == (415, "unsupported-media-type")
    for body in (b"", b"\n", b" \r\n\n"):
        assert post(callers, body).problem_type == "invalid-input"


def test_same_key_gets_the_same_bytes_and_stores_nothing_again(callers: Callers) -> None:
    body = lines(unlike(), unlike(), {"status": {"a b": "none"}})
    first = post(callers, body, Idempotency_Key="k")
    again = post(callers, body, Idempotency_Key="k")
    packed = post(callers, gzip.compress(body), Idempotency_Key="k", Content_Encoding="gzip")
    for answer in (again, packed):
        assert answer.headers["idempotency-replayed"] == "true"
        assert (answer.status, answer.content) == (200, first.content)
    assert "idempotency-replayed" not in first.headers
    assert len(stored_ids(callers)) == 2
    for other, query in ((lines(unlike()), ""), (body, "?atomic=true")):
        answer = post(callers, other, query, Idempotency_Key="k")
        assert (answer.status, answer.problem_type) == (422, "idempotency-key-reused")


def test_answer_kept_for_a_replay_goes_with_its_key(
    callers: Callers, shared_database: TestDatabase
) -> None:
    body = lines(unlike())
    first = post(callers, body, Idempotency_Key="k")
    kept = "SELECT octet_length(answer) FROM idempotency_keys WHERE tenant_id = %s"
    [(size,)] = shared_database.run(access.OWNER, kept, (callers.tenant,))
    assert isinstance(size, int)
    assert size < len(first.content)
    expire = "UPDATE idempotency_keys SET created_at = '2000-01-01', expires_at = '2000-01-02'"
    shared_database.run(access.OWNER, f"{expire} WHERE tenant_id = %s", (callers.tenant,))
    later = post(callers, body, Idempotency_Key="k")
    assert later.json["outcomes"][0]["duplicate_of"] == first.json["outcomes"][0]["id"]


def test_statements_grow_with_hundreds_of_lines_not_with_lines(
    service: RunningService, callers: Callers
) -> None:
    with service.counted_statements() as few:
        post(callers, lines(unlike()))
    with service.counted_statements() as many:
        post(callers, lines(*[unlike() for _ in range(500)]))
    assert len(few) == len(many) <= 6


def test_service_without_a_keyring_takes_batches_without_raw(
    shared_database: TestDatabase,
) -> None:
    database = Database(shared_database.url(access.APP), pool_size=2)
    with running_service(database, keyring=None) as service:
        callers = Callers(service)
        assert post(callers, lines(unlike())).json["created"] == 1
        answer = post(callers, lines(unlike(), unlike(raw={})))
        assert (answer.status, answer.problem_type) == (503, "unavailable")
        assert len(stored_ids(callers)) == 1


_GOOD = st.sampled_from([b'{"status":{},"notes":["soup %d"]}' % number for number in range(4)])
_BAD = st.sampled_from([b"{}", b"{", b"\xff", b"[]", b'{"status":{"a":"bad"}}', b"nothing at all"])
_BLANK = st.sampled_from([b"", b" ", b"\t \t"])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(soup=st.lists(_GOOD | _BAD | _BLANK, min_size=1, max_size=25), atomic=st.booleans())
def test_any_soup_of_lines_is_stored_line_by_line_or_not_at_all(
    service: RunningService, soup: list[bytes], atomic: bool
) -> None:
    callers = Callers(service)
    good = [line for line in soup if line.startswith(b'{"status":{},')]
    told = [line for line in soup if line.strip()]
    answer = post(callers, b"\n".join(soup), "?atomic=true" if atomic else "")
    if not told:
        assert answer.problem_type == "invalid-input"
        return
    outcomes = answer.json["outcomes"]
    assert len(outcomes) == len(told)
    if atomic and len(good) < len(told):
        assert (answer.status, stored_ids(callers)) == (422, [])
        return
    ids = [each["id"] for each in outcomes if each["outcome"] != "refused"]
    assert ids == stored_ids(callers) == sorted(ids, key=UUID)
    newest: dict[bytes, str] = {}
    kept = [each for each in outcomes if "id" in each]
    for line, outcome in zip(good, kept, strict=True):
        assert outcome.get("duplicate_of") == newest.get(line)
        newest[line] = outcome["id"]
