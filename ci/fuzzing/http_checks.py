"""Checks of HTTP's own promises: request ids, entity tags, HEAD, and keys that make a retry safe.

They repeat a request that went well, in another manner, and compare the two answers.
"""

from typing import Final

import schemathesis

from ci.fuzzing.counted import HEAD_COMPARED, NOT_MODIFIED, REPLAYED, REVALIDATED, counted
from ci.fuzzing.requests_and_answers import (
    Answer,
    Case,
    ask_again,
    headers_of,
    operation_id,
    operation_of,
    problem_in,
)

_SAME_FOR_HEAD: Final = ("content-type", "content-length", "etag", "cache-control")


@schemathesis.check
def every_answer_has_a_request_id(
    context: schemathesis.CheckContext, response: Answer, case: Case
) -> None:
    headers = headers_of(response)
    assert headers.get("x-request-id"), "no X-Request-Id"
    assert headers.get("x-content-type-options") == "nosniff", "a client may guess the type"


@schemathesis.check
def entity_tags_hold(context: schemathesis.CheckContext, response: Answer, case: Case) -> None:
    """A 304 is empty and of a tag that was sent; asked again by its tag, an answer still holds."""
    tag = headers_of(response).get("etag", "")
    if response.status_code == 304:
        counted[NOT_MODIFIED] += 1
        sent = str(response.request.headers.get("If-None-Match", ""))
        assert not response.content, "a 304 with a body"
        assert tag, "a 304 without its ETag"
        assert sent.strip() == "*" or tag in sent, "a 304 for a tag that wasn't sent"
    elif response.status_code == 200 and tag:
        counted[REVALIDATED] += 1
        request = response.request.copy()
        request.headers["If-None-Match"] = tag
        again = ask_again(case, request)
        if again.status_code == 200 and _changes_by_itself(case):
            assert headers_of(again)["etag"] != tag, "a 200 for the tag that was sent"
            return
        assert (again.status_code, again.content) == (304, b""), "no 304 for a tag that holds"
        assert headers_of(again).get("etag") == tag, "the 304 has another tag"


def _changes_by_itself(case: Case) -> bool:
    """Whether two answers may differ although nobody wrote anything between them.

    A bucket of the timeline may have ended, a refused call have been written to the audit log, as
    a reading of it is, and a worker have gone on with an export.
    """
    node = operation_of(case).node
    is_worked_on = operation_id(case) in ("get_export", "list_exports")
    return is_worked_on or "clock" in node.get("x-etag", {}) or "x-audit" in node


@schemathesis.check
def head_is_get_without_the_body(
    context: schemathesis.CheckContext, response: Answer, case: Case
) -> None:
    """HEAD has the status and the headers of GET."""
    if response.request.method != "GET" or response.status_code != 200:
        return
    if _changes_by_itself(case):
        return  # its tag may be another one by now
    counted[HEAD_COMPARED] += 1
    request = response.request.copy()
    request.method = "HEAD"
    head = ask_again(case, request)
    assert (head.status_code, head.content) == (200, b""), "HEAD is not answered as GET is"
    told, got = headers_of(head), headers_of(response)
    for name in _SAME_FOR_HEAD:
        assert told.get(name) == got.get(name), f"HEAD has another {name}"


@schemathesis.check
def retry_with_the_same_key_is_safe(
    context: schemathesis.CheckContext, response: Answer, case: Case
) -> None:
    """A stored request, repeated with its Idempotency-Key, has no second effect."""
    has_key = "Idempotency-Key" in response.request.headers
    if not (operation_id(case) and response.request.method == operation_of(case).method):
        return
    if not (has_key and "x-idempotency" in operation_of(case).node):
        assert "idempotency-replayed" not in headers_of(response), "replayed without a key"
        return
    if not 200 <= response.status_code < 300:
        return
    counted[REPLAYED] += 1
    again = ask_again(case, response.request)
    assert again.status_code == response.status_code, "the retry has another status"
    told, first = problem_in(again), problem_in(response)
    if response.status_code == 202:
        # Meanwhile the work goes on; that it is the same is what counts.
        told, first = told["id"], first["id"]
    assert told == first, "the retry has another answer"
    headers = headers_of(again)
    assert headers.get("location") == headers_of(response).get("location"), "another Location"
    assert headers.get("idempotency-replayed") == "true", "the retry isn't called a replay"
