"""Counts what a run sent and was answered, and how much of the contract that covered.

Writes both to the run's folder at its end, for `coverage` to put the roles' runs together.
"""

import gzip
import json
import zlib
from collections import Counter
from typing import Any, Final

from schemathesis import cli
from schemathesis.engine import events
from tracecov import CoverageMap, HttpInteraction, HttpRequest
from tracecov.schemathesis import to_http_interaction
from typing_extensions import override

from ci.fuzzing.counted import answered_beside, counted
from ci.fuzzing.facts import facts
from ci.fuzzing.requests_and_answers import operation_id, problem_in
from tests.support.contract import ROOT

TALLY_FILE: Final = "tally.json"
COUNTS_FILE: Final = "coverage.counts"


@cli.handler()
class Tally(cli.EventHandler[Any]):
    """Sees each scenario of a run once it is finished."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._coverage = CoverageMap.from_path(ROOT / "openapi.yaml")
        self._statuses: Counter[str] = Counter()
        self._phases: Counter[str] = Counter()
        self._problems: Counter[str] = Counter()
        self._transitions: Counter[str] = Counter()

    @override
    def handle_event(self, ctx: Any, event: events.EngineEvent) -> None:
        if isinstance(event, events.ScenarioFinished):
            self._count(event)
        elif isinstance(event, events.EngineFinished):
            self._write()

    def _count(self, event: events.ScenarioFinished) -> None:
        for identifier, node in event.recorder.cases.items():
            case = node.value
            interaction = event.recorder.interactions.get(identifier)
            if interaction is None or interaction.response is None:
                continue
            answer = interaction.response
            self._phases[event.phase.value] += 1
            if answer.status_code >= 400:
                self._problems[problem_in(answer).get("type", "none")] += 1
            if node.is_transition_applied and node.transition is not None:
                self._transitions[node.transition.id] += 1
            if case.method.upper() != case.operation.method.upper():
                continue  # a method that the contract doesn't have covers nothing of it
            self._statuses[f"{operation_id(case)} {answer.status_code}"] += 1
            self._coverage.record_schemathesis_interactions(
                case.method,
                case.operation.full_path,
                [unpacked(to_http_interaction(case.method, interaction))],
                events=False,
            )

    def _write(self) -> None:
        told = {
            "role": facts().role,
            "statuses": self._statuses,
            "beside": answered_beside,
            "phases": self._phases,
            "problems": self._problems,
            "transitions": self._transitions,
            "counted": counted,
        }
        facts().path(TALLY_FILE).write_text(json.dumps(told), encoding="utf-8")
        facts().path(COUNTS_FILE).write_bytes(self._coverage.export_counts())


def unpacked(interaction: HttpInteraction) -> HttpInteraction:
    """The same with the body as it was before gzip: tracecov reads none that is packed.

    What merely begins as gzip does, as made-up bytes may, stays as it is.
    """
    sent = interaction.request
    if not sent.body:
        return interaction
    try:
        body = gzip.decompress(sent.body)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        return interaction
    plain = HttpRequest(sent.method, sent.url, body, sent.headers)
    return HttpInteraction(plain, interaction.response, interaction.timestamp)
