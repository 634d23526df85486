"""SARIF 2.1.0 (OASIS standard) to a QC report; section numbers refer to it.

Target is the driver's name, rule id the result's. Members that decide a verdict are read
strictly: a level, kind or state the standard doesn't know is refused, never guessed.
"""

from collections import Counter
from typing import Final, Literal, get_args

from formats.assembly import ReportAssembly, require_evaluations_within_limit
from formats.document import QcDocument, Severity, Verdict
from formats.errors import TranslationError
from formats.json_input import (
    JsonObject,
    object_at,
    objects_at,
    optional_choice,
    parse_object,
    required_objects,
    text_at,
)
from formats.sarif_messages import MessageWriter
from formats.sarif_rules import LEVELS, Level, Rule, RuleIndex

_Kind = Literal["fail", "pass", "informational", "notApplicable", "open", "review"]
_BaselineState = Literal["new", "updated", "unchanged", "absent"]
_SuppressionStatus = Literal["accepted", "underReview", "rejected"]
_Outcome = tuple[Verdict, Severity]

VERSION: Final = "2.1.0"

_KINDS: Final[tuple[_Kind, ...]] = get_args(_Kind)
_BASELINE_STATES: Final[tuple[_BaselineState, ...]] = get_args(_BaselineState)
_SUPPRESSION_STATUSES: Final[tuple[_SuppressionStatus, ...]] = get_args(_SuppressionStatus)
_PASSED: Final[_Outcome] = ("pass", "info")
_WARNED: Final[_Outcome] = ("warn", "warn")
_BY_LEVEL: Final[dict[Level, _Outcome]] = {
    "error": ("block", "block"),
    "warning": _WARNED,
    "note": _PASSED,
    "none": _PASSED,
}


def translate(content: bytes) -> QcDocument:
    """Translate one SARIF log of any number of runs.

    `diff.summary` counts all results by level, and how many of them don't count because they
    are suppressed or were there before. A run that holds no `results` at all scanned nothing:
    its check is `na`. A run whose tool reports that it didn't complete warns.
    """
    log = parse_object(content)
    if log.get("version") != VERSION:
        raise TranslationError(f"`version` must be {VERSION}.", pointer="/version")
    runs = required_objects(log, "runs", "")
    _refuse_results_elsewhere(log, runs)
    results = [_results_of(run, f"/runs/{number}") for number, run in enumerate(runs)]
    require_evaluations_within_limit(sum(len(found or ()) for found in results))
    translation = _SarifTranslation()
    for number, (run, found) in enumerate(zip(runs, results, strict=True)):
        translation.add_run(run, found, f"/runs/{number}")
    return translation.document(runs)


def looks_like(root: JsonObject) -> bool:
    """Tell whether `root` is a SARIF log of any version."""
    runs = root.get("runs")
    return (
        isinstance(root.get("version"), str)
        and isinstance(runs, list)
        and all(isinstance(run, dict) and "tool" in run for run in runs)
    )


class _SarifTranslation:
    """Adds the runs of one log to a report, and counts what its notes tell."""

    def __init__(self) -> None:
        self._assembly = ReportAssembly()
        self._levels: Counter[Level] = Counter()
        self._notable: Counter[str] = Counter()

    def add_run(self, run: JsonObject, results: list[JsonObject] | None, pointer: str) -> None:
        target = _driver_name(run, pointer)
        rules = RuleIndex(run, pointer)
        messages = MessageWriter(run, self._assembly.shorten)
        for number, result in enumerate(results or ()):
            place = f"{pointer}/results/{number}"
            rule = rules.rule_of(result)
            (verdict, severity), remarks = self._judge(result, rules, rule, place)
            text = messages.write(result, rule)
            self._assembly.evaluate(
                rule.rule_id or "(no rule id)",
                target,
                verdict,
                severity,
                f"{text} [{', '.join(remarks)}]" if remarks else text,
            )
        self._notable["unfilled"] += messages.unfilled
        self._add_execution(run, target, results is None)

    def document(self, runs: list[JsonObject]) -> QcDocument:
        """Make the report once all runs were added."""
        for level in LEVELS:
            self._assembly.summarise(level, self._levels[level])
        self._assembly.summarise("suppressed", self._notable["suppressed"])
        self._assembly.summarise("not_new", self._notable["not new"])
        self._write_notes()
        if not runs:
            self._assembly.check_without_evaluations("sarif")
            return self._assembly.document("sarif")
        drivers = [object_at(object_at(run, "tool"), "driver") for run in runs]
        names = {text_at(driver, "name") for driver in drivers}
        if len(names) > 1:
            self._assembly.note(f"Runs of {len(names)} tools; the source names the first.")
        version = text_at(drivers[0], "semanticVersion") or text_at(drivers[0], "version")
        return self._assembly.document(
            text_at(drivers[0], "name"), version or None, _policy_version(runs)
        )

    def _judge(
        self, result: JsonObject, rules: RuleIndex, rule: Rule, pointer: str
    ) -> tuple[_Outcome, list[str]]:
        """Decide a result's verdict, with what a reader must know to understand it.

        Only the kind `fail` has a level (§3.27.9). `open` and `review` warn: they say that nobody
        knows yet, which is no pass. A result that is suppressed or not new passes.
        """
        kind = optional_choice(result, "kind", _KINDS, pointer) or "fail"
        stated = optional_choice(result, "level", LEVELS, pointer)
        remarks = [] if kind == "fail" else [f"kind: {kind}"]
        level: Level = "none"
        if kind == "fail":
            level = stated or rules.default_level(rule, result)
        elif stated not in (None, "none"):
            self._notable["contradictory"] += 1
        outcome = _BY_LEVEL[level]
        if kind in ("open", "review"):
            self._notable["undecided"] += 1
            outcome = _WARNED
        self._levels[level] += 1
        for reason, remark in _reasons_not_to_count(result, pointer):
            self._notable[reason] += 1
            remarks.append(remark)
            outcome = _PASSED
        return outcome, remarks

    def _add_execution(self, run: JsonObject, target: str, nothing_scanned: bool) -> None:
        invocations = objects_at(run, "invocations")
        if any(invocation.get("executionSuccessful") is False for invocation in invocations):
            verdict, severity = _WARNED
            self._assembly.evaluate(
                "invocation.executionSuccessful",
                target,
                verdict,
                severity,
                "The tool reports that this run did not complete: results may be missing.",
            )
        elif nothing_scanned:
            self._notable["nothing scanned"] += 1
            self._assembly.check_without_evaluations(target)
        else:
            self._assembly.check_with_nothing_found(target)
        if object_at(run, "externalPropertyFileReferences"):
            self._notable["external"] += 1

    def _write_notes(self) -> None:
        for counted, one, many in _NOTES:
            self._assembly.note_count(self._notable[counted], one, many)


_NOTES: Final = (
    ("suppressed", "result is suppressed and passes.", "results are suppressed and pass."),
    (
        "not new",
        "result is not new (baseline state unchanged or absent) and passes.",
        "results are not new (baseline state unchanged or absent) and pass.",
    ),
    (
        "undecided",
        "result is open or under review and warns.",
        "results are open or under review and warn.",
    ),
    (
        "contradictory",
        "result states a level beside a kind other than fail; its kind was taken.",
        "results state a level beside a kind other than fail; their kind was taken.",
    ),
    (
        "nothing scanned",
        "run holds no results array: it scanned nothing.",
        "runs hold no results array: they scanned nothing.",
    ),
    (
        "external",
        "run keeps properties in other files, which were not read.",
        "runs keep properties in other files, which were not read.",
    ),
    (
        "unfilled",
        "message is too long to fill in its placeholders and is shown with them.",
        "messages are too long to fill in their placeholders and are shown with them.",
    ),
)


def _reasons_not_to_count(result: JsonObject, pointer: str) -> list[tuple[str, str]]:
    """Say why a result doesn't count, if so: the counter to add to, and words for its message."""
    reasons = []
    if _is_suppressed(result, pointer):
        reasons.append(("suppressed", "suppressed"))
    state = optional_choice(result, "baselineState", _BASELINE_STATES, pointer)
    if state in ("unchanged", "absent"):
        reasons.append(("not new", f"not new: {state}"))
    return reasons


def _is_suppressed(result: JsonObject, pointer: str) -> bool:
    """Tell whether every suppression is in force: accepted, or without a status (§3.27.23).

    One that is rejected or under review keeps the result visible whatever others say.
    """
    if result.get("suppressions") is None:
        return False
    suppressions = required_objects(result, "suppressions", pointer)
    statuses = [
        optional_choice(
            suppression, "status", _SUPPRESSION_STATUSES, f"{pointer}/suppressions/{number}"
        )
        for number, suppression in enumerate(suppressions)
    ]
    return bool(statuses) and all(status in (None, "accepted") for status in statuses)


def _results_of(run: JsonObject, pointer: str) -> list[JsonObject] | None:
    """Return a run's results, or None for a run that has none at all (§3.14.23)."""
    if run.get("results") is None:
        return None
    return required_objects(run, "results", pointer)


def _refuse_results_elsewhere(log: JsonObject, runs: list[JsonObject]) -> None:
    """Results kept beside their run would be lost unseen: have them moved into it."""
    holders = [
        (item, f"/inlineExternalProperties/{number}")
        for number, item in enumerate(objects_at(log, "inlineExternalProperties"))
    ]
    holders += [
        (object_at(run, "externalPropertyFileReferences"), f"/runs/{number}")
        for number, run in enumerate(runs)
    ]
    for holder, pointer in holders:
        if holder.get("results"):
            raise TranslationError(
                "Results are kept in external properties. Write them into their run's `results`.",
                pointer=pointer,
            )


def _driver_name(run: JsonObject, pointer: str) -> str:
    name = text_at(object_at(object_at(run, "tool"), "driver"), "name").strip()
    if not name:
        raise TranslationError(
            "The driver of a run must have a name.", pointer=f"{pointer}/tool/driver/name"
        )
    return name


def _policy_version(runs: list[JsonObject]) -> str | None:
    """Return the version of the one policy the runs were made under, if there is just one."""
    versions = {
        text_at(policy, "version") for run in runs for policy in objects_at(run, "policies")
    }
    return versions.pop() or None if len(versions) == 1 else None
