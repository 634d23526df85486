"""Asks every size the same in turn, one request at a time, so that a mood of the machine meets all.

A request that the service refuses as too slow is an answer too; anything else but 200 ends the run.
"""

import http.client
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench.agreement import store_one
from bench.load import quantile
from bench.processes import BenchError, Server
from bench.scale.fill import Size
from bench.scale.questions import Question, questions
from bench.workload import headers


@dataclass(frozen=True, slots=True)
class Asked:
    """One question at one size. Times in seconds; `refused` counts the 422s among them."""

    size: int
    question: Question
    times: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)

    def at(self, share: float) -> float:
        return quantile(sorted(self.times), share)


class Asker:
    """One kept-alive connection to the service of one size."""

    def __init__(self, server: Server, size: Size) -> None:
        self.size = size
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        # What was loaded past the service has bytes for raw that no key opens.
        self.questions = questions(size, store_one(server))

    def ask(self, question: Question, asked: Asked) -> None:
        seconds, status, body = self._get(question.path)
        if status == 200:
            self._check(question, body)
        elif status != 422 or question.rows is not None:
            raise BenchError(f"{self.size.reports:,} reports: {question.name}: status {status}")
        else:
            asked.refused.append(seconds)
        asked.times.append(seconds)

    def _check(self, question: Question, body: bytes) -> None:
        if question.rows is not None:
            found = len(json.loads(body)["items"])
            if found != question.rows:
                where = f"{self.size.reports:,} reports: {question.name}"
                raise BenchError(f"{where}: {found} rows, not {question.rows}")

    def _get(self, path: str) -> tuple[float, int, bytes]:
        begun = time.perf_counter()
        self._connection.request("GET", path, headers=headers())
        answer = self._connection.getresponse()
        body = answer.read()
        return time.perf_counter() - begun, answer.status, body

    def close(self) -> None:
        self._connection.close()


def ask_in_turn(
    askers: Sequence[Asker],
    *,
    rounds: int,
    requests: int,
    seconds: float,
    say: Callable[[str], None],
) -> list[Asked]:
    """At most `requests` of each question at each size in a round, for at most `seconds`."""
    found = [
        [Asked(asker.size.reports, question) for question in asker.questions] for asker in askers
    ]
    for number in range(rounds + 1):
        say("warming up …" if number == 0 else f"latencies: round {number} of {rounds}")
        for place in range(len(askers[0].questions)):
            for asker, rows in zip(askers, found, strict=True):
                # What comes first reads from disk, and isn't counted.
                row = rows[place] if number else Asked(asker.size.reports, rows[place].question)
                _repeat(asker, row, requests if number else max(3, requests // 5), seconds)
    return [row for rows in found for row in rows]


def _repeat(asker: Asker, row: Asked, requests: int, seconds: float) -> None:
    ends = time.monotonic() + seconds
    for _ in range(requests):
        asker.ask(row.question, row)
        if time.monotonic() > ends:
            return
