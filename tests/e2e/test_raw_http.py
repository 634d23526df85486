"""Whatever bytes come, the service answers with a problem or closes, and goes on serving."""

import secrets

import pytest

from ci.fuzzing.raw_http import fuzz_raw, judged
from ci.fuzzing.raw_requests import Caller, raw_request
from tests.e2e.service_process import Service

_SEED = 20261125
_REQUESTS = 400
_CALLER = Caller("the-key", "acme", "canary0n")
_PROBLEM_HEAD = b"HTTP/1.1 404 Not Found\r\ncontent-type: application/problem+json\r\n"


def test_service_survives_requests_that_are_none(shared_service: Service) -> None:
    already = len(shared_service.log())
    caller = Caller(shared_service.keys["operator"], "demo", f"canary{secrets.token_hex(6)}n")
    outcome = fuzz_raw(shared_service.url, caller, _SEED, _REQUESTS)
    assert outcome.findings == []
    # Not all of them were turned away at the door.
    assert {status for _, status in outcome.seen} >= {0, 200, 201, 400, 404, 405, 415, 422}
    logged = shared_service.log()[already:]
    assert '"level":"error"' not in logged
    assert caller.key not in logged
    assert caller.canary not in logged


def test_request_is_the_same_for_the_same_seed_and_number_at_any_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = []
    for moment, seed in enumerate((1, 1, 2)):
        monkeypatch.setattr("time.time", lambda moment=moment: float(moment))
        made.append([raw_request(seed, number, _CALLER) for number in range(50)])
    assert made[0] == made[1]
    assert made[0] != made[2]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nno",
        b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nthe-key",
        b"HTTP/1.1 200 OK\r\nx-echo: canary0n1\r\ncontent-length: 0\r\n\r\n",
        _PROBLEM_HEAD + b'content-length: 14\r\n\r\n{"status":500}',
        b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 502 Bad Gateway\r\n\r\n",
        b"Traceback (most recent call last)\r\n",
    ],
)
def test_answer_that_must_not_be_is_found(answer: bytes) -> None:
    _, wrongs = judged(answer, _CALLER)
    assert wrongs


def test_answers_that_may_be_are_told_by_their_statuses() -> None:
    problem = _PROBLEM_HEAD + b'content-length: 14\r\n\r\n{"status":404}'
    good = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
    cut = b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nok"
    assert judged(good + problem + cut, _CALLER) == ([200, 404], [])
    assert judged(b"", _CALLER) == ([], [])
