"""The fuzzing of translators finds one that fails, repeats its input, or leaves a secret in."""

from collections.abc import Callable
from typing import cast

import pytest

from ci.fuzzing import translators
from ci.fuzzing.sent_secrets import SENT_SECRETS
from ci.fuzzing.tool_outputs import ODD_WORD, real_outputs
from ci.fuzzing.translators import TranslatorFuzz
from formats.document import QcDocument
from formats.errors import TranslationError
from formats.registry import FORMATS, Format


def _failing(content: bytes) -> QcDocument:
    raise KeyError("runs")


def _repeating(content: bytes) -> QcDocument:
    raise TranslationError("No such level.", pointer=f"/{ODD_WORD}")


def _breaking_the_contract(content: bytes) -> QcDocument:
    return cast(QcDocument, {"status": {"api": "excellent"}})


@pytest.mark.parametrize(
    ("translate", "reason"),
    [
        (_failing, "KeyError: 'runs'"),
        (_repeating, "the refusal repeats its input"),
        (_breaking_the_contract, "assert_within_contract"),
    ],
)
def test_translator_that_does_what_it_must_not_is_found(
    translate: Callable[[bytes], QcDocument], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Format("ctrf", ("application/json",), translate)
    monkeypatch.setattr(translators, "FORMATS", {"ctrf": broken})
    fuzz = TranslatorFuzz()
    fuzz.run(seed=1, examples=5)
    [finding] = fuzz.findings
    assert finding.startswith("ctrf, seed 1: ")
    assert reason in finding
    assert "\nb'" in finding


def test_secret_that_redaction_leaves_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    # A text that no rule takes for a secret stands for a rule that is missing.
    monkeypatch.setattr(translators, "SENT_SECRETS", ("no rule hits this",))

    [output] = [each for each in real_outputs() if each.format == "ctrf"]

    def translate(content: bytes) -> QcDocument:
        report = FORMATS["ctrf"].translate(content)
        report["notes"] = ["no rule hits this", *SENT_SECRETS]
        return report

    with pytest.raises(AssertionError, match="secret"):
        TranslatorFuzz().outcome(Format("ctrf", (), translate), output.content)


def test_translators_of_ours_withstand_it() -> None:
    fuzz = TranslatorFuzz()
    fuzz.run(seed=20261125, examples=40)
    assert fuzz.findings == []
    assert {name for name, outcome in fuzz.reached if outcome == "translated"} == set(FORMATS)
