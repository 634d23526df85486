"""Idempotency keys under many requests at once: one effect a key, whoever wins and whoever asks.

Senders race with a few keys, each with a body of its own and now and then with another one.
"""

import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from tests.support.client import Answer, Callers

_SENDERS = 8
_BODIES = ("first", "second")


class _Outcomes:
    """Every answer by key and body; 409 is one too, and then sent again as a client would."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.answers: defaultdict[tuple[str, str], list[Answer]] = defaultdict(list)

    def send(self, callers: Callers, key: str, body: str) -> None:
        document = {"status": {"api": "pass"}, "notes": [key, body]}
        for attempt in range(200):
            answer = callers.operator.post_json("/ingest/qc", document, {"Idempotency-Key": key})
            with self._lock:
                self.answers[key, body].append(answer)
            if answer.status != 409:
                return
            assert answer.problem_type == "request-in-progress"
            assert int(answer.headers["retry-after"]) > 0
            time.sleep(0.002 * (attempt + 1))
        raise AssertionError("the key never became free")

    def receipts(self, key: str, body: str) -> list[Answer]:
        return [answer for answer in self.answers[key, body] if answer.status == 201]

    def refusals(self, key: str, body: str) -> list[Answer]:
        return [answer for answer in self.answers[key, body] if answer.status == 422]


def _race(callers: Callers, sent: list[tuple[str, str]]) -> _Outcomes:
    """Sends all of it, each sender one after another, all of them beginning at once."""
    outcomes = _Outcomes()
    together = threading.Barrier(_SENDERS)

    def send(number: int) -> None:
        together.wait()
        for key, body in sent[number::_SENDERS]:
            outcomes.send(callers, key, body)

    with ThreadPoolExecutor(_SENDERS) as pool:
        list(pool.map(send, range(_SENDERS)))
    return outcomes


def _assert_one_effect(outcomes: _Outcomes, key: str) -> dict[str, str]:
    """One body won: all who sent it have its receipt, all who sent another were refused."""
    [winner] = [body for body in _BODIES if outcomes.receipts(key, body)]
    receipts = outcomes.receipts(key, winner)
    assert outcomes.refusals(key, winner) == []
    assert len({answer.content for answer in receipts}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in receipts) == 1
    for body in _BODIES:
        for answer in outcomes.refusals(key, body):
            assert answer.problem_type == "idempotency-key-reused"
    return {"id": receipts[0].json["id"], "body": winner}


def _stored(callers: Callers) -> dict[str, list[str]]:
    """The notes of each report there is, by its id."""
    items = callers.viewer.get("/reports", {"limit": "100"}).json["items"]
    ids = [item["id"] for item in items]
    return {each: callers.viewer.get(f"/reports/{each}").json["report"]["notes"] for each in ids}


@pytest.mark.parametrize("run", range(3))
def test_senders_of_one_key_have_one_report_and_one_receipt(run: int, callers: Callers) -> None:
    outcomes = _race(callers, [("key", "first")] * _SENDERS * 4)
    effect = _assert_one_effect(outcomes, "key")
    assert len(outcomes.receipts("key", "first")) == _SENDERS * 4
    assert _stored(callers) == {effect["id"]: ["key", "first"]}


@pytest.mark.parametrize("seed", range(4))
def test_many_keys_and_bodies_mixed_have_one_effect_a_key(seed: int, callers: Callers) -> None:
    random = Random(seed)
    keys = [f"key-{number}" for number in range(6)]
    # Neighbours in the list go to different senders: they race for their key.
    sent = [
        (key, "first" if random.random() < 0.7 else "second")
        for key in random.sample(keys * 3, len(keys) * 3)
        for _ in range(_SENDERS)
    ]
    outcomes = _race(callers, sent)
    effects = {key: _assert_one_effect(outcomes, key) for key in keys}
    assert _stored(callers) == {
        effect["id"]: [key, effect["body"]] for key, effect in effects.items()
    }
    for key, body in sent:
        answered = len(outcomes.receipts(key, body)) + len(outcomes.refusals(key, body))
        assert answered == sent.count((key, body))
