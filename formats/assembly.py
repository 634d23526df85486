"""Puts a QC report document together from evaluations, and keeps it within every bound.

Knows no tool's format. What is over a bound is refused or visibly shortened, never dropped.
"""

import re
from typing import Final

from formats.document import (
    MAX_CHECK_NAME,
    MAX_CHECKS,
    MAX_EVALUATIONS,
    MAX_MESSAGE,
    MAX_NOTE,
    MAX_NOTES,
    MAX_POLICY_VERSION,
    MAX_RULE_ID,
    MAX_SUMMARY_ID,
    MAX_SUMMARY_ITEMS,
    MAX_TOOL,
    MAX_TOOL_VERSION,
    CheckStatus,
    Evaluation,
    QcDocument,
    Severity,
    Source,
    SummaryItem,
    Verdict,
)
from formats.errors import TranslationError
from formats.shortening import Shortener

# Results may share one text of their rule, so a small file could unfold into gigabytes.
MAX_MESSAGE_CHARACTERS: Final = 32 * 1024 * 1024

_CONTROL_CHARACTERS: Final = re.compile(r"[\x00-\x1f\x7f]+")
_STATUS_OF: Final[dict[Verdict, CheckStatus]] = {"pass": "pass", "warn": "warn", "block": "fail"}
_RANK: Final[dict[CheckStatus, int]] = {"na": 0, "pass": 1, "warn": 2, "fail": 3}


def require_evaluations_within_limit(count: int) -> None:
    """Refuse a report of more evaluations than the contract allows."""
    if count > MAX_EVALUATIONS:
        raise TranslationError(
            f"The file holds {count} results; one report takes at most {MAX_EVALUATIONS}. "
            "Split it, for example one upload a suite, tool or folder.",
            limit=MAX_EVALUATIONS,
            actual=count,
        )


class ReportAssembly:
    """Collects evaluations, notes and summary, then makes the document.

    `status` gets one check per target: fail if any verdict on it is block, else warn if any is
    warn, else pass; `na` for a target named by `check_without_evaluations` alone. A target is
    held to the bound of a check's name, because it is one.

    A translator sees one file and no history: each `diff.summary` item carries its count in
    `deltaPct` with the trend `flat`.
    """

    def __init__(self) -> None:
        self._shortener = Shortener()
        self._evaluations: list[Evaluation] = []
        self._evaluations_seen = 0
        self._message_characters = 0
        self._status: dict[str, CheckStatus] = {}
        self._summary: list[SummaryItem] = []
        self._notes: list[str] = []
        self._notes_seen = 0

    def evaluate(
        self, rule_id: str, target: str, verdict: Verdict, severity: Severity, message: str
    ) -> None:
        """Add one evaluation; those past the limit are only counted, to be named when refused."""
        self._evaluations_seen += 1
        if self._evaluations_seen > MAX_EVALUATIONS:
            return
        check = self._shortener.identifier(target, MAX_CHECK_NAME)
        text = self._shortener.message(message, MAX_MESSAGE)
        self._message_characters += len(text)
        if self._message_characters > MAX_MESSAGE_CHARACTERS:
            raise TranslationError(
                f"The messages are longer than {MAX_MESSAGE_CHARACTERS} characters in all. "
                "Split the file.",
                limit=MAX_MESSAGE_CHARACTERS,
                actual=self._message_characters,
            )
        self._evaluations.append(
            {
                "rule_id": self._shortener.identifier(rule_id, MAX_RULE_ID),
                "target": check,
                "verdict": verdict,
                "severity": severity,
                "message": text,
            }
        )
        self._raise_status(check, _STATUS_OF[verdict])

    def check_without_evaluations(self, target: str) -> None:
        """Name a target on which nothing ran."""
        self._raise_status(self._shortener.identifier(target, MAX_CHECK_NAME), "na")

    def check_with_nothing_found(self, target: str) -> None:
        """Name a target that was checked by a tool that tells only problems, and found none."""
        self._raise_status(self._shortener.identifier(target, MAX_CHECK_NAME), "pass")

    def summarise(self, item_id: str, value: float) -> None:
        """Add one count to `diff.summary`."""
        bounded_id = self._shortener.identifier(item_id, MAX_SUMMARY_ID)
        self._summary.append({"id": bounded_id, "trend": "flat", "deltaPct": value})

    def note(self, text: str) -> None:
        """Add one note for the reader; those past the limit are only counted."""
        self._notes_seen += 1
        if self._notes_seen <= MAX_NOTES:
            self._notes.append(self._shortener.message(text, MAX_NOTE))

    def shorten(self, text: str, room: int = 0) -> str:
        """Shorten a text over the limit of a message, leaving `room` for what will stand around it.

        For a text that many evaluations share: each would get a copy of the whole.
        """
        if len(text) <= MAX_MESSAGE:
            return text
        return self._shortener.message(text, MAX_MESSAGE - room)

    def note_count(self, count: int, one: str, many: str) -> None:
        """Note `count` things, in the singular or plural wording; nothing when there are none."""
        if count:
            self.note(f"{count} {one if count == 1 else many}")

    def document(
        self, tool: str, version: str | None = None, policy_version: str | None = None
    ) -> QcDocument:
        """Make the document, or refuse it for the bound it passes."""
        require_evaluations_within_limit(self._evaluations_seen)
        _require_items("checks", len(self._status), MAX_CHECKS)
        tool = _on_one_line(tool) or "(unnamed tool)"
        source: Source = {"tool": self._shortener.identifier(tool, MAX_TOOL)}
        if version:
            source["version"] = self._shortener.identifier(version, MAX_TOOL_VERSION)
        policy_version = _on_one_line(policy_version or "")
        if policy_version:
            policy_version = self._shortener.identifier(policy_version, MAX_POLICY_VERSION)
        self._note_shortenings()
        _require_items("notes", self._notes_seen, MAX_NOTES)
        _require_items("summary items", len(self._summary), MAX_SUMMARY_ITEMS)
        report: QcDocument = {
            "status": self._status,
            "diff": {"summary": self._summary},
            "policy": {"evaluations": self._evaluations},
            "notes": self._notes,
            "raw": {},
            "source": source,
        }
        if policy_version:
            report["policy"]["policy_version"] = policy_version
        return report

    def _raise_status(self, check: str, status: CheckStatus) -> None:
        if _RANK[status] >= _RANK[self._status.get(check, "na")]:
            self._status[check] = status

    def _note_shortenings(self) -> None:
        self.note_count(
            self._shortener.messages,
            f"message was longer than {MAX_MESSAGE} characters and is shortened where marked.",
            f"messages were longer than {MAX_MESSAGE} characters and are shortened where marked.",
        )
        self.note_count(
            self._shortener.identifiers,
            "name was over its length limit and ends in ~ and a digest of the whole.",
            "names were over their length limit and end in ~ and a digest of the whole.",
        )


def _on_one_line(text: str) -> str:
    """Write control characters, which the contract forbids in names to filter by, as a space."""
    return _CONTROL_CHARACTERS.sub(" ", text).strip()


def _require_items(what: str, count: int, limit: int) -> None:
    if count > limit:
        raise TranslationError(
            f"The file makes {count} {what}; one report takes at most {limit}. Split it.",
            limit=limit,
            actual=count,
        )
