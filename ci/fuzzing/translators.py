"""Translators and redaction on mutated outputs of real tools, in this process: thousands a minute.

A translator may answer with a report that the contract admits, or with a TranslationError in our
own words; redaction leaves no secret in what is stored.
"""

import json
import traceback
from collections import Counter
from typing import Final

import hypothesis
from hypothesis import HealthCheck, Phase, strategies

from ci.fuzzing.sent_secrets import SENT_SECRETS
from ci.fuzzing.tool_outputs import (
    ODD_WORD,
    ToolOutput,
    mutated_outputs,
    real_outputs,
    torn_outputs,
)
from formats.errors import TranslationError
from formats.registry import FORMATS, Format, detect
from policies.redaction import Redactor, RefusedText
from service.redaction import report_redactor
from tests.formats.expectations import assert_within_contract
from tests.support.contract import document

_PHASES: Final = (Phase.explicit, Phase.generate, Phase.shrink)
_SLOW: Final = (HealthCheck.too_slow, HealthCheck.data_too_large)


class TranslatorFuzz:
    """One run over all formats; `reached` counts (format, what became of an output)."""

    def __init__(self) -> None:
        self.findings: list[str] = []
        self.reached: Counter[tuple[str, str]] = Counter()
        self._redactor: Redactor = report_redactor(document())

    def run(self, seed: int, examples: int) -> None:
        """`examples` are of each format."""
        for known in FORMATS.values():
            try:
                self._run_format(known, seed, examples)
            except Exception as error:  # noqa: BLE001  # whatever a translator raises is the finding
                told = "".join(traceback.format_exception(error, limit=-3))
                self.findings.append(f"{known.name}, seed {seed}: {told}")

    def _run_format(self, known: Format, seed: int, examples: int) -> None:
        outputs = [output for output in real_outputs() if output.format == known.name]

        @hypothesis.seed(seed)
        @hypothesis.settings(
            max_examples=examples,
            database=None,
            deadline=None,
            phases=_PHASES,
            suppress_health_check=_SLOW,
        )
        @hypothesis.given(strategies.one_of(mutated_outputs(outputs), torn_outputs(outputs)))
        def fuzz(output: ToolOutput) -> None:
            hypothesis.note(output.content)
            self.reached[known.name, self.outcome(known, output.content)] += 1

        fuzz()

    def outcome(self, known: Format, content: bytes) -> str:
        """What becomes of an output. Raises AssertionError, or what the translator raises."""
        detect(content)
        try:
            report = known.translate(content)
        except TranslationError as error:
            return _refused("refused", f"{error.detail} {error.pointer}")
        assert_within_contract(report)
        try:
            kept = json.dumps(self._redactor.redact(report).document)
        except RefusedText as refused:
            return _refused("refused for a secret", f"{refused} {refused.pointer}")
        assert not any(secret in kept for secret in SENT_SECRETS), "a secret is kept"
        return "translated"


def _refused(outcome: str, said: str) -> str:
    assert ODD_WORD not in said, "the refusal repeats its input"
    return outcome
