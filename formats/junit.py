"""JUnit XML, in the dialects CI tools write, to a QC report.

Target is the suite, rule id `classname::name`. Totals are counted from the cases, never taken
from attributes. Must not keep system-out or properties: they hold environments and secrets.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from math import fsum
from typing import Final

from formats.assembly import ReportAssembly
from formats.document import MAX_CHECK_NAME, QcDocument
from formats.errors import TranslationError
from formats.junit_outcomes import (
    OUTCOME_ELEMENTS,
    VERDICTS,
    Kind,
    Outcome,
    kind_of,
    message_of,
    parse_seconds,
)
from formats.shortening import shorten_identifier
from formats.xml_input import parse_elements

_ROOTS: Final = frozenset({"testsuites", "testsuite"})
_CAPTURED_OUTPUT: Final = frozenset({"system-out", "system-err"})

_STATED_COUNT: Final = re.compile(r"[0-9]{1,9}")
_COMPARED_COUNTS: Final = ("tests", "failures", "errors")


@dataclass(slots=True)
class _Suite:
    """An open suite. `path` begins the targets of its nested suites, `target` is its own."""

    path: str
    target: str
    stated: dict[str, int]
    outcomes: list[Outcome] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)
    has_suites: bool = False


@dataclass(slots=True)
class _Case:
    """An open test case; `words` are its status and result attributes in lower case."""

    rule_id: str
    target: str
    words: frozenset[str]
    outcomes: list[Outcome] = field(default_factory=list)


def translate(content: bytes) -> QcDocument:
    """Translate one JUnit XML file.

    A failed or erroneous case blocks, a flaky one warns, others pass. Targets of nested suites
    are their names joined by ` / `. `diff.summary` holds the counted tests, failures, errors,
    skipped and flaky cases, each case in one of them, and `time` in seconds summed over cases.
    """
    reader = _JUnitReader()
    parse_elements(content, reader)
    return reader.document()


def looks_like(root_element: str) -> bool:
    """Tell whether the root element is JUnit's."""
    return root_element in _ROOTS


class _JUnitReader:
    """Hears the elements of a file and adds an evaluation as each case ends."""

    def __init__(self) -> None:
        self._assembly = ReportAssembly()
        # Both run parallel to the open elements: what the end of each closes, and where its
        # text goes.
        self._closes: list[_Suite | _Case | None] = []
        self._sinks: list[list[str] | None] = []
        self._suites: list[_Suite] = []
        self._owners: list[_Suite | _Case] = []
        self._totals: Counter[str] = Counter()
        self._seconds: list[float] = []
        self._notable: Counter[str] = Counter()

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if not self._closes and name not in _ROOTS:
            raise TranslationError("The root element must be testsuites or testsuite.")
        opened: _Suite | _Case | None = None
        sink = self._sinks[-1] if self._sinks else None
        if name in _ROOTS:
            opened = self._start_suite(name, attributes)
        elif name == "testcase":
            opened = self._start_case(attributes)
        elif name in _CAPTURED_OUTPUT:
            sink = None
        elif name in OUTCOME_ELEMENTS:
            outcome = Outcome(name, attributes.get("type", ""), attributes.get("message", ""))
            self._owners[-1].outcomes.append(outcome)
            sink = outcome.text
        self._closes.append(opened)
        self._sinks.append(sink)

    def text(self, data: str) -> None:
        sink = self._sinks[-1]
        if sink is not None:
            sink.append(data)

    def end(self) -> None:
        self._sinks.pop()
        closed = self._closes.pop()
        if closed is None:
            return
        self._owners.pop()
        if isinstance(closed, _Case):
            self._end_case(closed)
        else:
            self._end_suite(closed)

    def document(self) -> QcDocument:
        """Make the report once all elements were heard."""
        for kind in ("tests", "failures", "errors", "skipped", "flaky"):
            self._assembly.summarise(kind, self._totals[kind])
        self._assembly.summarise("time", round(fsum(self._seconds), 6))
        self._write_notes()
        return self._assembly.document("junit")

    def _start_suite(self, name: str, attributes: dict[str, str]) -> _Suite:
        own_name = attributes.get("name", "").strip()
        if not self._suites and name == "testsuites":
            path, target = "", own_name or "junit"
        else:
            # Held to the bound at each step: a long name isn't copied into every suite below.
            above = self._suites[-1].path if self._suites else ""
            own_name = own_name or "(unnamed suite)"
            path = shorten_identifier(
                f"{above} / {own_name}" if above else own_name, MAX_CHECK_NAME
            )
            target = path
        suite = _Suite(path, target, _stated_counts(attributes))
        if self._suites:
            self._suites[-1].has_suites = True
        self._suites.append(suite)
        self._owners.append(suite)
        return suite

    def _start_case(self, attributes: dict[str, str]) -> _Case:
        class_name = attributes.get("classname", "").strip()
        name = attributes.get("name", "").strip() or "(unnamed test)"
        words = {attributes.get("status", "").lower(), attributes.get("result", "").lower()}
        case = _Case(
            rule_id=f"{class_name}::{name}" if class_name else name,
            target=self._suites[-1].target,
            words=frozenset(words),
        )
        self._owners.append(case)
        stated_time = attributes.get("time", "").strip()
        if stated_time:
            self._add_time(stated_time)
        return case

    def _add_time(self, stated: str) -> None:
        seconds = parse_seconds(stated)
        if seconds is None:
            self._notable["unreadable times"] += 1
        else:
            self._seconds.append(seconds)

    def _end_case(self, case: _Case) -> None:
        kind = kind_of(case.outcomes, case.words)
        counted = self._suites[-1].counted
        counted["tests"] += 1
        counted[kind] += 1
        self._evaluate(case.rule_id, case.target, kind, case.outcomes)

    def _end_suite(self, suite: _Suite) -> None:
        self._suites.pop()
        if suite.outcomes:
            # A set-up that failed outside of any case: it must not vanish with the cases.
            kind = kind_of(suite.outcomes, frozenset())
            suite.counted[kind] += 1
            self._evaluate("(suite)", suite.target, kind, suite.outcomes)
        elif not suite.counted["tests"] and not suite.has_suites:
            self._assembly.check_without_evaluations(suite.target)
            self._notable["empty suites"] += 1
        if any(suite.counted[key] != count for key, count in suite.stated.items()):
            self._notable["contradicted suites"] += 1
        tests = suite.counted["tests"]
        if tests and tests == suite.counted["skipped"] and not suite.has_suites:
            self._notable["skipped suites"] += 1
        (self._suites[-1].counted if self._suites else self._totals).update(suite.counted)

    def _evaluate(self, rule_id: str, target: str, kind: Kind, outcomes: list[Outcome]) -> None:
        verdict, severity = VERDICTS[kind]
        self._assembly.evaluate(rule_id, target, verdict, severity, message_of(kind, outcomes))

    def _write_notes(self) -> None:
        note_count = self._assembly.note_count
        note_count(self._totals["skipped"], "test was skipped.", "tests were skipped.")
        note_count(
            self._totals["flaky"],
            "test is flaky: it failed before it passed.",
            "tests are flaky: they failed before they passed.",
        )
        note_count(self._notable["empty suites"], "suite holds no tests.", "suites hold no tests.")
        note_count(
            self._notable["skipped suites"],
            "suite ran nothing: all its tests were skipped.",
            "suites ran nothing: all their tests were skipped.",
        )
        note_count(
            self._notable["contradicted suites"],
            "suite states other totals than its tests add up to; the tests were counted.",
            "suites state other totals than their tests add up to; the tests were counted.",
        )
        note_count(
            self._notable["unreadable times"],
            "test has a time that can't be read and isn't in the sum.",
            "tests have a time that can't be read and isn't in the sum.",
        )


def _stated_counts(attributes: dict[str, str]) -> dict[str, int]:
    stated = {key: attributes.get(key, "").strip() for key in _COMPARED_COUNTS}
    return {key: int(text) for key, text in stated.items() if _STATED_COUNT.fullmatch(text)}
