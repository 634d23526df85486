"""CTRF, the Common Test Report Format, to a QC report.

Target is the suite, rule id the test's name. Totals are counted from the tests. Must not keep
output, attachments, parameters or the environment: they hold secrets. Insights and baseline
compare with other runs and decide nothing here.
"""

from collections import Counter
from typing import Final, Literal, get_args

from formats.assembly import ReportAssembly, require_evaluations_within_limit
from formats.document import MAX_SUMMARY_VALUE, QcDocument, Severity, Verdict
from formats.errors import TranslationError
from formats.json_input import (
    JsonObject,
    index_at,
    number_at,
    object_at,
    objects_at,
    parse_object,
    required_choice,
    required_object,
    required_objects,
    text_at,
)

_Status = Literal["passed", "failed", "skipped", "pending", "other"]
_Kind = Literal[_Status, "flaky"]

_STATUSES: Final[tuple[_Status, ...]] = get_args(_Status)
_VERDICTS: Final[dict[_Kind, tuple[Verdict, Severity]]] = {
    "passed": ("pass", "info"),
    "failed": ("block", "block"),
    "skipped": ("pass", "info"),
    "pending": ("pass", "info"),
    # The tool's own status fits none of CTRF's: nobody knows, which is no pass.
    "other": ("warn", "warn"),
    "flaky": ("warn", "warn"),
}
_REPORT_FORMAT: Final = "CTRF"
_ATTEMPTS_TOLD: Final = 10


def translate(content: bytes) -> QcDocument:
    """Translate one CTRF report.

    A failed test blocks; one that passed after failed attempts is flaky and warns, and so does
    one whose status is `other`; passed, skipped and pending ones pass. `diff.summary` holds the
    counted tests by status, flaky ones among those passed, and `duration` in milliseconds.
    """
    report = parse_object(content)
    if report.get("reportFormat", _REPORT_FORMAT) != _REPORT_FORMAT:
        raise TranslationError(f"`reportFormat` must be {_REPORT_FORMAT}.", pointer="/reportFormat")
    results = required_object(report, "results", "")
    tests = required_objects(results, "tests", "/results")
    require_evaluations_within_limit(len(tests))
    translation = _CtrfTranslation()
    for number, test in enumerate(tests):
        translation.add_test(test, f"/results/tests/{number}")
    return translation.document(results)


def looks_like(root: JsonObject) -> bool:
    """Tell whether `root` is a CTRF report; before 1.0 none says so."""
    results = object_at(root, "results")
    stated = root.get("reportFormat")
    return (
        isinstance(results.get("tests"), list)
        and (stated == _REPORT_FORMAT or stated is None)
        and isinstance(results.get("summary"), dict)
        and isinstance(object_at(results, "tool").get("name"), str)
    )


class _CtrfTranslation:
    """Adds tests to a report, and counts what its notes tell."""

    def __init__(self) -> None:
        self._assembly = ReportAssembly()
        self._counts: Counter[str] = Counter()

    def add_test(self, test: JsonObject, pointer: str) -> None:
        status = required_choice(test, "status", _STATUSES, pointer)
        kind: _Kind = "flaky" if status == "passed" and _is_flaky(test, pointer) else status
        self._counts["tests"] += 1
        self._counts[status] += 1
        self._counts["flaky"] += kind == "flaky"
        verdict, severity = _VERDICTS[kind]
        self._assembly.evaluate(
            text_at(test, "name") or "(unnamed test)",
            _suite_of(test),
            verdict,
            severity,
            _message(test, kind),
        )

    def document(self, results: JsonObject) -> QcDocument:
        """Make the report once all tests were added."""
        for counted in ("tests", *_STATUSES, "flaky"):
            self._assembly.summarise(counted, self._counts[counted])
        summary = object_at(results, "summary")
        duration = number_at(summary, "duration")
        if duration is not None and 0 <= duration <= MAX_SUMMARY_VALUE:
            self._assembly.summarise("duration", duration)
        self._write_notes(summary)
        if not self._counts["tests"]:
            self._assembly.check_without_evaluations("ctrf")
        tool = object_at(results, "tool")
        return self._assembly.document(
            text_at(tool, "name") or "ctrf", text_at(tool, "version") or None
        )

    def _write_notes(self, summary: JsonObject) -> None:
        for counted, one, many in _NOTES:
            self._assembly.note_count(self._counts[counted], one, many)
        stated = {key: index_at(summary, key) for key in ("tests", *_STATUSES)}
        if any(count >= 0 and count != self._counts[key] for key, count in stated.items()):
            self._assembly.note(
                "The summary states other totals than the tests add up to; the tests were counted."
            )


_NOTES: Final = (
    ("skipped", "test was skipped.", "tests were skipped."),
    ("pending", "test is pending and did not run.", "tests are pending and did not run."),
    (
        "other",
        "test has a status of its own that CTRF doesn't know, and warns.",
        "tests have a status of their own that CTRF doesn't know, and warn.",
    ),
    (
        "flaky",
        "test is flaky: it failed before it passed.",
        "tests are flaky: they failed before they passed.",
    ),
)


def _is_flaky(test: JsonObject, pointer: str) -> bool:
    """Tell whether a passed test failed before: what it says itself, else by its retries."""
    stated = test.get("flaky")
    if isinstance(stated, bool):
        return stated
    if stated is not None:
        raise TranslationError("`flaky` must be true or false.", pointer=f"{pointer}/flaky")
    return index_at(test, "retries") > 0 or bool(_failed_attempts(test))


def _failed_attempts(test: JsonObject) -> list[JsonObject]:
    attempts = objects_at(test, "retryAttempts")
    return [attempt for attempt in attempts if attempt.get("status") == "failed"]


def _suite_of(test: JsonObject) -> str:
    """Name the suite, which is an array from the outermost in, before 1.0 a string."""
    suite = test.get("suite")
    names = suite if isinstance(suite, list) else [suite]
    named = [name.strip() for name in names if isinstance(name, str) and name.strip()]
    return " / ".join(named) or text_at(test, "filePath").strip() or "(no suite)"


def _message(test: JsonObject, kind: _Kind) -> str:
    own = _failure_text(test)
    if kind == "flaky":
        attempts = _failed_attempts(test)
        count = len(attempts) or max(index_at(test, "retries"), 0)
        headline = "flaky: passed after failed attempts"
        if count:
            headline = f"flaky: passed after {count} failed attempt{'' if count == 1 else 's'}"
        told = [headline, own, *map(_failure_text, attempts[:_ATTEMPTS_TOLD])]
        return "\n\n".join(filter(None, told))
    if kind == "failed":
        return own or "failed"
    raw = text_at(test, "rawStatus") if kind == "other" else ""
    headline = f"{kind} ({raw})" if raw else kind
    return f"{headline}: {own}" if own else headline


def _failure_text(outcome: JsonObject) -> str:
    """Message and trace, the message left out where the trace holds it anyway."""
    message, trace = text_at(outcome, "message").strip(), text_at(outcome, "trace").strip()
    return "\n".join(filter(None, ["" if message in trace else message, trace]))
