"""How much of the contract the roles' runs reached, and what they must have reached."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tracecov import CoverageMap

from ci.fuzzing import counted
from ci.fuzzing.tallies import Tallied
from tests.support.contract import ROOT, ContractOperation, document, operations

# A documented status that no run sees, by operation and status, with its reason.
UNSEEN_STATUSES: Final = {
    ("get_health", "503"): "the runs leave the database alone; tests/service/test_availability.py "
    "takes it away",
    ("download_export", "303"): "files are in a folder here; only an object store has links of its "
    "own",
}
# The same for problem types.
UNSEEN_PROBLEMS: Final = {
    "internal-error": "it would be a defect",
    "unavailable": "the runs leave the database and its pool alone; "
    "tests/service/test_availability.py doesn't",
    "gone": "the runs delete no report, and seldom ask for a cancelled export's manifest; "
    "tests/handlers/test_bundles.py and test_exports.py do",
    "export-not-finished": "a worker is mostly quicker; tests/handlers/test_exports.py has none",
    "too-many-exports": "a worker is mostly quicker; tests/handlers/test_exports.py has none",
    "retention-plan-outdated": "a plan's hash can't be made up; ci.fuzzing.retention_checks sends "
    "another one",
    "retention-at-work": "a worker is mostly quicker; tests/handlers/test_retention.py has none",
    "request-in-progress": "one client at a time; tests/handlers/test_idempotency.py has two",
    "query-too-slow": "a few thousand reports are never slow; tests/db/test_session.py waits",
    "rate-limit-exceeded": "the limits are set beyond a fuzzer's reach; "
    "tests/service/test_rate_limits.py sets them low",
    "body-too-large": "Schemathesis seldom makes bodies of megabytes; "
    "tests/handlers/test_ingest_refusals.py does",
}
_MEASURES: Final = ("operations", "parameters", "keywords", "examples", "responses")


def coverage_findings(tallied: list[Tallied]) -> list[str]:
    """What was not reached and has no reason above, and reasons that are none any more."""
    statuses: Counter[tuple[str, int]] = Counter()
    for tally in tallied:
        statuses.update(tally.statuses + tally.beside)
    findings = [*_never_went_well(tallied)]
    for operation in operations().values():
        findings += _statuses_unseen(operation, statuses)
    findings += _problems_unseen(sum((tally.problems for tally in tallied), Counter()))
    happened = sum((tally.counted for tally in tallied), Counter[str]())
    findings += [f"never happened: {what}" for what in counted.ALL if not happened[what]]
    if not any(tally.transitions for tally in tallied):
        findings.append("no link of the contract was followed")
    return findings


def _never_went_well(tallied: list[Tallied]) -> Iterator[str]:
    for tally in tallied:
        for operation in operations().values():
            admitted = operation.roles is None or tally.role in operation.roles
            well = any(tally.statuses[operation.id, status] for status in range(200, 400))
            if admitted and not well:
                yield f"{operation.id} never went well as {tally.role}"


def _statuses_unseen(
    operation: ContractOperation, statuses: Counter[tuple[str, int]]
) -> Iterator[str]:
    seen = {str(status) for name, status in statuses if name == operation.id}
    declared = set(operation.node["responses"])
    if seen - declared:
        seen.add("default")
    for status in sorted(declared - seen):
        if (operation.id, status) not in UNSEEN_STATUSES:
            yield f"{operation.id} never answered with {status}"
    for name, status in UNSEEN_STATUSES:
        if name == operation.id and status in seen:
            yield f"{operation.id} did answer with {status}: strike it from UNSEEN_STATUSES"


def _problems_unseen(seen: Counter[str]) -> Iterator[str]:
    for name in document()["components"]["schemas"]["ProblemType"]["enum"]:
        if not seen[name] and name.removeprefix("/problems/") not in UNSEEN_PROBLEMS:
            yield f"no answer was a {name}"


def print_coverage(tallied: list[Tallied], reports: Path) -> None:
    """Prints the figures of all roles together, and leaves the whole reports in the folder."""
    merged = CoverageMap.from_path(ROOT / "openapi.yaml")
    for tally in tallied:
        merged.merge_counts(tally.counts)
    _print_counters(tallied)
    print("\nOf the contract, covered by all roles together:")
    summary = merged.build_json_report()["summary"]
    for measure in _MEASURES:
        part = summary[measure]
        print(f"  {measure:<12} {part['covered']:5} of {part['total']:5}  {part['percent']:.1f} %")
    print(merged.generate_text_report(width=100, colored=False))
    merged.save_report(output_file=str(reports / "coverage.html"), format="html")
    merged.save_report(output_file=str(reports / "coverage.md"), format="markdown")
    merged.save_report(output_file=str(reports / "coverage.json"), format="json")
    print(f"Whole reports: {reports}/coverage.html, .md, .json")


def _print_counters(tallied: list[Tallied]) -> None:
    for title, counters in (
        ("Cases by phase", [tally.phases for tally in tallied]),
        ("Links followed", [tally.transitions for tally in tallied]),
        ("Errors by problem type", [tally.problems for tally in tallied]),
        ("Done by our own checks", [tally.counted for tally in tallied]),
    ):
        print(f"\n{title}:")
        for name, times in sum(counters, Counter[str]()).most_common():
            print(f"{times:8} {name}")
    print("\nAnswers by operation and status:")
    statuses = sum((tally.statuses for tally in tallied), Counter[tuple[str, int]]())
    for operation in operations():
        seen = sorted((status, n) for (name, status), n in statuses.items() if name == operation)
        print(f"  {operation}: " + ", ".join(f"{times} of {status}" for status, times in seen))
