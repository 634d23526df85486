"""Lighthouse results, as Lighthouse 3 and later writes them in JSON, to a QC report.

Target is the category, rule id the audit. A category's score decides its check: no audit counts
worse than its category, and a score that is null is no failure. Must not keep an audit's details:
they quote the page.
"""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Final, Literal, get_args

from formats.assembly import ReportAssembly
from formats.document import MAX_SUMMARY_VALUE, QcDocument, Severity, Verdict
from formats.errors import TranslationError, errors_at
from formats.json_input import (
    JsonObject,
    number_at,
    object_at,
    parse_object,
    required_choice,
    required_object,
    required_objects,
    text_at,
)

_Mode = Literal[
    "numeric",
    "binary",
    "metricSavings",
    "informative",
    "notApplicable",
    "not-applicable",
    "manual",
    "error",
]
_Rank = Literal[0, 1, 2]

_MODES: Final[tuple[_Mode, ...]] = get_args(_Mode)
_UNSCORED_MODES: Final[dict[_Mode, str]] = {
    "informative": "informative",
    "notApplicable": "not applicable",
    "not-applicable": "not applicable",
    "manual": "to be checked by hand",
    "error": "not run",
}
_OUTCOMES: Final[tuple[tuple[Verdict, Severity], ...]] = (
    ("pass", "info"),
    ("warn", "warn"),
    ("block", "block"),
)
_PASSES: Final = 0.9
_WARNS: Final = 0.5

# Older versions write this code where nothing went wrong.
_NO_ERROR: Final = frozenset({"", "NO_ERROR"})
_METRICS: Final = (
    ("lcp", "largest-contentful-paint"),
    ("cls", "cumulative-layout-shift"),
    ("tbt", "total-blocking-time"),
)
# User information and query are left out: both hold tokens.
_PAGE: Final = re.compile(r"(https?://)(?:[^/?#]*@)?([^?#\s]*)")


@dataclass(frozen=True, slots=True)
class _Audit:
    """An audit by itself, before its category is known. `judged`: it has a score, or failed to."""

    rank: _Rank
    judged: bool
    message: str


def translate(content: bytes) -> QcDocument:
    """Translate one Lighthouse result.

    A category of 0.9 or more passes, of 0.5 or more warns, of less blocks; so does each of its
    audits by its own score, but never worse than the category. An audit of no weight, and any
    audit of a category without a score, warns at worst. `diff.summary` holds the categories'
    scores in percent, and LCP and TBT in milliseconds and CLS where they were measured.
    """
    result = parse_object(content)
    version = text_at(result, "lighthouseVersion")
    if not version:
        raise TranslationError(
            "`lighthouseVersion` must be a string.", pointer="/lighthouseVersion"
        )
    categories = required_object(result, "categories", "")
    translation = _LighthouseTranslation(required_object(result, "audits", ""))
    translation.add_run(result)
    for category_id in categories:
        translation.add_category(category_id, _member(categories, category_id, "/categories"))
    return translation.document(version)


def looks_like(root: JsonObject) -> bool:
    """Tell whether `root` is a Lighthouse result."""
    return (
        isinstance(root.get("lighthouseVersion"), str)
        and isinstance(root.get("audits"), dict)
        and isinstance(root.get("categories"), dict)
    )


class _LighthouseTranslation:
    """Adds one result's categories to a report, and counts what its notes tell."""

    def __init__(self, audits: JsonObject) -> None:
        self._assembly = ReportAssembly()
        self._audits = audits
        # Each audit is read once, however many categories name it.
        self._read: dict[str, _Audit | None] = {}
        self._categories = 0
        self._notable: Counter[str] = Counter()

    def add_run(self, result: JsonObject) -> None:
        """Add what concerns the whole run: the page, warnings, and an error that ended it."""
        page = _PAGE.match(text_at(result, "finalDisplayedUrl") or text_at(result, "finalUrl"))
        if page:
            self._assembly.note(f"Page: {page[1]}{page[2]}")
        warnings = result.get("runWarnings")
        for warning in warnings if isinstance(warnings, list) else ():
            if isinstance(warning, str) and warning:
                self._assembly.note(f"Lighthouse warns: {warning}")
        error = object_at(result, "runtimeError")
        code = text_at(error, "code")
        if code not in _NO_ERROR:
            message = f"{code}: {text_at(error, 'message')}"
            self._assembly.evaluate("runtimeError", "lighthouse", "block", "block", message)

    def add_category(self, category_id: str, category: JsonObject) -> None:
        self._categories += 1
        target = category_id or "(unnamed category)"
        score = _score_of(category, "/categories")
        with errors_at("/categories"):
            listed = required_objects(category, "auditRefs", "")
        references = [
            (audit_id, audit, number_at(reference, "weight"))
            for reference in listed
            if (audit := self._audit(audit_id := text_at(reference, "id"))) is not None
        ]
        worst: _Rank = 1
        if score is not None:
            worst = _rank_of(score)
            verdict, severity = _OUTCOMES[worst]
            title = text_at(category, "title") or target
            self._assembly.evaluate(
                f"categories:{target}", target, verdict, severity, f"{title}: score {score:g}"
            )
            self._assembly.summarise(target, round(score * 100, 2))
        else:
            self._notable["unscored"] += 1
            if not any(audit.judged for _, audit, _ in references):
                self._assembly.check_without_evaluations(target)
                return
        for audit_id, audit, weight in references:
            verdict, severity = _OUTCOMES[min(audit.rank, worst, 1 if weight == 0 else 2)]
            self._assembly.evaluate(audit_id, target, verdict, severity, audit.message)

    def document(self, version: str) -> QcDocument:
        """Make the report once all categories were added."""
        for item_id, audit_id in _METRICS:
            value = number_at(object_at(self._audits, audit_id), "numericValue")
            if value is not None and 0 <= value <= MAX_SUMMARY_VALUE:
                self._assembly.summarise(item_id, round(value, 6))
        if not self._categories:
            self._assembly.check_without_evaluations("lighthouse")
        self._notable["unnamed"] = len(self._audits.keys() - self._read.keys())
        for counted, one, many in _NOTES:
            self._assembly.note_count(self._notable[counted], one, many)
        return self._assembly.document("lighthouse", version)

    def _audit(self, audit_id: str) -> _Audit | None:
        """Read an audit, or None where the result doesn't hold it."""
        if audit_id not in self._read:
            self._read[audit_id] = self._read_audit(audit_id)
        return self._read[audit_id]

    def _read_audit(self, audit_id: str) -> _Audit | None:
        if not audit_id or audit_id not in self._audits:
            self._notable["missing"] += 1
            return None
        audit = _member(self._audits, audit_id, "/audits")
        with errors_at("/audits"):
            mode = required_choice(audit, "scoreDisplayMode", _MODES, "")
        score = _score_of(audit, "/audits")
        remark = _UNSCORED_MODES.get(mode)
        if remark is not None:
            self._notable[remark] += 1
        elif score is None:
            remark = "no score"
        else:
            remark = f"score {score:g}"
        if mode == "error":
            rank: _Rank = 1
        else:
            rank = 0 if score is None or mode in _UNSCORED_MODES else _rank_of(score)
        judged = mode == "error" or (score is not None and mode not in _UNSCORED_MODES)
        return _Audit(rank, judged, _message(audit, audit_id, remark))


_NOTES: Final = (
    ("not applicable", "audit is not applicable.", "audits are not applicable."),
    (
        "to be checked by hand",
        "audit is to be checked by hand.",
        "audits are to be checked by hand.",
    ),
    ("not run", "audit could not be run.", "audits could not be run."),
    (
        "unscored",
        "category has no score and can't block.",
        "categories have no score and can't block.",
    ),
    (
        "missing",
        "audit is named by a category and missing in the file.",
        "audits are named by a category and missing in the file.",
    ),
    (
        "unnamed",
        "audit belongs to no category and is not judged.",
        "audits belong to no category and are not judged.",
    ),
)


def _member(holder: JsonObject, key: str, pointer: str) -> JsonObject:
    """Return the object at a key that the file chose, which no error may repeat."""
    value = object_at(holder, key)
    if not value:
        raise TranslationError("Every member must be an object with members.", pointer=pointer)
    return value


def _message(audit: JsonObject, audit_id: str, remark: str) -> str:
    title = text_at(audit, "title") or audit_id
    value = text_at(audit, "displayValue")
    headline = f"{title}: {value} [{remark}]" if value else f"{title} [{remark}]"
    reason = text_at(audit, "errorMessage") or text_at(audit, "explanation")
    return f"{headline}\n{reason}" if reason else headline


def _score_of(scored: JsonObject, pointer: str) -> float | None:
    """Return a score, which null leaves open; anything else outside 0 to 1 is refused."""
    if scored.get("score") is None:
        return None
    score = number_at(scored, "score")
    if score is None or not 0 <= score <= 1:
        raise TranslationError("`score` must be null or from 0 to 1.", pointer=pointer)
    return score


def _rank_of(score: float) -> _Rank:
    if score >= _PASSES:
        return 0
    return 1 if score >= _WARNS else 2
