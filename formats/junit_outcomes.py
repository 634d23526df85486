"""What JUnit XML says became of a case, in the words and elements of many writers.

Knows single cases and suites' own outcomes; the walk through the file is in `formats.junit`.
"""

import re
from dataclasses import dataclass, field
from typing import Final, Literal

from formats.document import Severity, Verdict

Kind = Literal["failures", "errors", "flaky", "skipped", "passed"]

# Surefire writes these for tests it ran again: flaky* when a later attempt passed, rerun* beside
# a failure when none did.
_FAILED_ATTEMPTS: Final = frozenset({"flakyFailure", "flakyError", "rerunFailure", "rerunError"})
OUTCOME_ELEMENTS: Final = _FAILED_ATTEMPTS | {"failure", "error", "skipped"}

# GoogleTest and CTest say in attributes what others say in elements.
_NOT_RUN_WORDS: Final = frozenset({"notrun", "skipped", "suppressed", "disabled", "ignored"})
_FAILED_WORDS: Final = frozenset({"fail", "failed", "failure", "error"})

VERDICTS: Final[dict[Kind, tuple[Verdict, Severity]]] = {
    "failures": ("block", "block"),
    "errors": ("block", "block"),
    "flaky": ("warn", "warn"),
    "skipped": ("pass", "info"),
    "passed": ("pass", "info"),
}

_SECONDS: Final = re.compile(r"[0-9]{1,9}(?:\.[0-9]{0,30})?(?:[eE]-?[0-9]{1,2})?")
_GROUPED_SECONDS: Final = re.compile(r"[0-9]{1,3}(?:,[0-9]{3}){1,2}(?:\.[0-9]{0,30})?")
_DECIMAL_COMMA_SECONDS: Final = re.compile(r"[0-9]{1,9},[0-9]{1,30}")
# Some 116 days: the sum over all cases stays within what diff.summary may hold.
_MAX_SECONDS: Final = 1e7


@dataclass(slots=True)
class Outcome:
    """One failure, error, skip or failed attempt; `text` is filled while it is open."""

    element: str
    type: str
    message: str
    text: list[str] = field(default_factory=list)

    def describe(self) -> str:
        """Type, message and text, each left out where a later one holds it anyway."""
        body = "".join(self.text).strip()
        message = self.message.strip()
        kind = self.type.strip()
        if message in body:
            message = ""
        if kind in body or kind in message:
            kind = ""
        headline = f"{kind}: {message}" if kind and message else kind or message
        return f"{headline}\n{body}" if headline and body else headline or body


def kind_of(outcomes: list[Outcome], words: frozenset[str]) -> Kind:
    """Decide what a case, or a suite by itself, came to; the worst of its outcomes counts."""
    elements = {outcome.element for outcome in outcomes}
    if "failure" in elements:
        return "failures"
    if "error" in elements:
        return "errors"
    if elements & _FAILED_ATTEMPTS:
        return "flaky"
    if "skipped" in elements:
        return "skipped"
    if words & _FAILED_WORDS:
        return "failures"
    return "skipped" if words & _NOT_RUN_WORDS else "passed"


def message_of(kind: Kind, outcomes: list[Outcome]) -> str:
    """Tell the outcomes in document order, each in its own paragraph."""
    told = [outcome.describe() or outcome.element for outcome in outcomes]
    if kind == "flaky":
        attempts = sum(outcome.element in _FAILED_ATTEMPTS for outcome in outcomes)
        plural = "" if attempts == 1 else "s"
        told.insert(0, f"flaky: passed after {attempts} failed attempt{plural}")
    if kind == "skipped":
        reasons = [outcome.describe() for outcome in outcomes]
        return ": ".join(["skipped", *filter(None, reasons)])
    if not told:
        return "passed" if kind == "passed" else "failed"
    return "\n\n".join(told)


def parse_seconds(stated: str) -> float | None:
    """Read seconds as tools print them in any locale: 0.5, 1.2E-4, 1,234.567, 0,5.

    A single comma before exactly three digits groups thousands, as Surefire prints it.
    """
    if _SECONDS.fullmatch(stated):
        seconds = float(stated)
    elif _GROUPED_SECONDS.fullmatch(stated):
        seconds = float(stated.replace(",", ""))
    elif _DECIMAL_COMMA_SECONDS.fullmatch(stated):
        seconds = float(stated.replace(",", "."))
    else:
        return None
    return seconds if seconds <= _MAX_SECONDS else None
