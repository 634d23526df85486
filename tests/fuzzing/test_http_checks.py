"""Each check of HTTP's promises fails a service that breaks one."""

from typing import Any

import pytest

from ci.fuzzing import http_checks
from tests.fuzzing.conftest import CaseMaker, Responder, Said, Served, answered

_CONTEXT: Any = None
_TAGGED = Said(200, {"ETag": '"t1"', "Content-Type": "application/json"}, b"{}")


def test_answer_without_a_request_id_or_open_to_guessing_is_found(make_case: CaseMaker) -> None:
    case = make_case("GET", "/reports")
    whole = {"X-Request-Id": "r1", "X-Content-Type-Options": "nosniff"}
    http_checks.every_answer_has_a_request_id(_CONTEXT, answered(case, Said(200, whole)), case)
    for missing in whole:
        left = {name: value for name, value in whole.items() if name != missing}
        with pytest.raises(AssertionError):
            http_checks.every_answer_has_a_request_id(
                _CONTEXT, answered(case, Said(200, left)), case
            )


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ('"t1"', Said(304, {"ETag": '"t1"'}, b"a body")),
        ('"t1"', Said(304)),
        ('"t2"', Said(304, {"ETag": '"t1"'})),
        (None, Said(304, {"ETag": '"t1"'})),
    ],
)
def test_304_that_is_none_is_found(make_case: CaseMaker, sent: str | None, said: Said) -> None:
    right = make_case("GET", "/reports", headers={"If-None-Match": '"t0", "t1"'})
    http_checks.entity_tags_hold(_CONTEXT, answered(right, Said(304, {"ETag": '"t1"'})), right)
    case = make_case("GET", "/reports", headers={"If-None-Match": sent} if sent else {})
    with pytest.raises(AssertionError, match="304"):
        http_checks.entity_tags_hold(_CONTEXT, answered(case, said), case)


@pytest.mark.parametrize("again", [_TAGGED, Said(304, {"ETag": '"t2"'}), Said(404)])
def test_tag_that_does_not_hold_is_found(make_case: CaseMaker, served: Served, again: Said) -> None:
    case = make_case("GET", "/reports")
    served.respond = lambda *_: Said(304, {"ETag": '"t1"'})
    http_checks.entity_tags_hold(_CONTEXT, answered(case, _TAGGED, served.url), case)
    served.respond = lambda *_: again
    with pytest.raises(AssertionError, match="304"):
        http_checks.entity_tags_hold(_CONTEXT, answered(case, _TAGGED, served.url), case)


def test_timeline_may_have_another_tag_by_now_but_no_200_for_its_own(
    make_case: CaseMaker, served: Served
) -> None:
    case = make_case("GET", "/timeline")
    served.respond = lambda *_: Said(200, {"ETag": '"t2"'}, b"{}")
    http_checks.entity_tags_hold(_CONTEXT, answered(case, _TAGGED, served.url), case)
    served.respond = lambda *_: _TAGGED
    with pytest.raises(AssertionError, match="200"):
        http_checks.entity_tags_hold(_CONTEXT, answered(case, _TAGGED, served.url), case)


@pytest.mark.parametrize(
    "head",
    [
        Said(404, _TAGGED.headers),
        Said(200, {**_TAGGED.headers, "ETag": '"t2"', "Content-Length": "2"}),
        Said(200, {**_TAGGED.headers, "Content-Type": "text/html", "Content-Length": "2"}),
        Said(200, {**_TAGGED.headers, "Content-Length": "3"}),
    ],
)
def test_head_unlike_get_is_found(make_case: CaseMaker, served: Served, head: Said) -> None:
    case = make_case("GET", "/reports")
    got = Said(200, {**_TAGGED.headers, "Content-Length": "2"}, b"{}")
    served.respond = lambda *_: Said(200, got.headers)
    http_checks.head_is_get_without_the_body(_CONTEXT, answered(case, got, served.url), case)
    assert served.came == [("HEAD", "/reports")]
    served.respond = lambda *_: head
    with pytest.raises(AssertionError, match="HEAD"):
        http_checks.head_is_get_without_the_body(_CONTEXT, answered(case, got, served.url), case)


_STORED = Said(201, {"Location": "/reports/1"}, b'{"id":"1"}')
_REPLAYED = {"Location": "/reports/1", "Idempotency-Replayed": "true"}


def _retried(make_case: CaseMaker, served: Served, respond: Responder) -> None:
    served.respond = respond
    case = make_case("POST", "/ingest/qc", body={}, headers={"Idempotency-Key": "k1"})
    response = answered(case, _STORED, served.url)
    http_checks.retry_with_the_same_key_is_safe(_CONTEXT, response, case)


def test_retry_that_is_answered_as_before_passes(make_case: CaseMaker, served: Served) -> None:
    _retried(make_case, served, lambda *_: Said(201, _REPLAYED, _STORED.body))
    assert served.came == [("POST", "/ingest/qc")]


@pytest.mark.parametrize(
    "again",
    [
        Said(201, _REPLAYED, b'{"id":"2"}'),
        Said(200, _REPLAYED, _STORED.body),
        Said(201, {"Location": "/reports/1"}, _STORED.body),
        Said(201, {**_REPLAYED, "Location": "/reports/2"}, _STORED.body),
    ],
)
def test_retry_with_an_effect_of_its_own_is_found(
    make_case: CaseMaker, served: Served, again: Said
) -> None:
    with pytest.raises(AssertionError):
        _retried(make_case, served, lambda *_: again)


def test_replay_that_nobody_asked_for_is_found(make_case: CaseMaker) -> None:
    case = make_case("POST", "/ingest/qc", body={})
    response = answered(case, Said(201, _REPLAYED, _STORED.body))
    with pytest.raises(AssertionError, match="without a key"):
        http_checks.retry_with_the_same_key_is_safe(_CONTEXT, response, case)
