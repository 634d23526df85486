"""A report written out for a person, in Markdown (GitHub's), where its sender has not done so.

What stands in a report is shown as text: no link, picture, HTML or heading of the sender's making
comes into being. Nothing is left out unsaid: where a list ends early, the page says by how much.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from policies.attestation import ReportFacts

ROWS: Final = 50
_CELL_CHARACTERS: Final = 600
# Underscores within a word mean nothing, so that names of rules stay as they are.
_SPECIAL: Final = re.compile(
    r"([\\`*{}\[\]<>|~&$@]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|(?<=[A-Za-z]):(?=//)|(?<=www)\.)",
    re.IGNORECASE,
)
_BEGINNING: Final = re.compile(r"^([#+=-]|\d+(?=[.)]))")
_SPACE: Final = re.compile(r"[\s\x00-\x1f\x7f]+")
_VERDICTS: Final = {
    "info": "✅ **Passed**: there is nothing to warn of.",
    "warn": "⚠️ **Warned**: there are findings to look at, and none blocks.",
    "block": "❌ **Blocked**: at least one finding is severe enough to block.",
}
_SIGNS: Final = {
    "pass": "✅\N{NO-BREAK SPACE}pass",
    "info": "🔵\N{NO-BREAK SPACE}info",
    "warn": "⚠️\N{NO-BREAK SPACE}warn",
    "fail": "❌\N{NO-BREAK SPACE}fail",
    "block": "❌\N{NO-BREAK SPACE}block",
    "na": "·\N{NO-BREAK SPACE}not run",
}
_COUNTED: Final = {"fail": "failed", "warn": "warned", "pass": "passed", "na": "not run"}
_WORST_FIRST: Final = ("block", "warn", "pass")
_TRENDS: Final = {"up": "▲ up", "down": "▼ down", "flat": "▬ flat"}


def report_markdown(facts: ReportFacts, report: Mapping[str, Any]) -> str:
    """The page. Another version of this program may write another for the same report."""
    evaluations = report.get("policy", {}).get("evaluations", [])
    parts = [
        f"# {_title(report)}",
        _VERDICTS[facts.severity],
        _table(("Report", f"`{facts.report_id}`"), _about(facts, report)),
        *_checks(report["status"]),
        *_evaluations(evaluations, report.get("policy", {}).get("topN")),
        *_changes(report.get("diff", {}).get("summary", [])),
        *_notes(report.get("notes", [])),
        "---",
        _closing(report),
    ]
    return "\n\n".join(parts) + "\n"


def _title(report: Mapping[str, Any]) -> str:
    stream = report.get("stream")
    return f"Quality report: {_plain(stream)}" if stream else "Quality report"


def _about(facts: ReportFacts, report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    source, run, policy = (report.get(name, {}) for name in ("source", "run", "policy"))
    tool = " ".join(part for part in (source.get("tool"), source.get("version")) if part)
    yield "Received", facts.received_at.strftime("%Y-%m-%d %H:%M:%S UTC")
    named = {
        "Tool": tool,
        "Policy version": policy.get("policy_version"),
        "Run": run.get("id"),
        "Commit": run.get("commit"),
        "Branch": run.get("branch"),
        "Started": run.get("started_at"),
        "Run's address": run.get("url"),
    }
    yield from ((name, _plain(value)) for name, value in named.items() if value)


def _checks(status: Mapping[str, str]) -> Iterator[str]:
    if not status:
        return
    values, order = list(status.values()), list(_COUNTED)
    counted = [f"{values.count(each)} {word}" for each, word in _COUNTED.items() if each in values]
    yield f"## Checks\n\n{', '.join(counted)}."
    ordered = sorted(status.items(), key=lambda item: order.index(item[1]))
    rows = ((_SIGNS[value], _plain(check)) for check, value in ordered)
    yield from _shortened(("Outcome", "Check"), rows, len(status), ROWS)


def _evaluations(evaluations: Sequence[Mapping[str, Any]], wanted: int | None) -> Iterator[str]:
    """The worst first; of those that passed, the number alone."""
    if not evaluations:
        return
    ordered = sorted(evaluations, key=lambda one: _WORST_FIRST.index(one["verdict"]))
    found = [one for one in ordered if one["verdict"] != "pass"]
    yield f"## Rules\n\n{len(evaluations)} evaluated, {len(evaluations) - len(found)} passed."
    rows = (
        (
            _SIGNS[one["verdict"]],
            _SIGNS[one["severity"]],
            _plain(one["rule_id"]),
            _plain(one["target"]),
            _plain(one.get("message", "")),
        )
        for one in found
    )
    head = ("Verdict", "Severity", "Rule", "Target", "Message")
    yield from _shortened(head, rows, len(found), max(ROWS, wanted or 0))


def _changes(changes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not changes:
        return
    yield "## Changes since the run before"
    rows = (
        (_plain(one["id"]), _TRENDS[one["trend"]], f"{one['deltaPct']:+g} %") for one in changes
    )
    yield from _shortened(("Measure", "Trend", "Change"), rows, len(changes), ROWS)


def _notes(notes: Sequence[str]) -> Iterator[str]:
    if not notes:
        return
    yield "## Notes"
    yield "\n".join(f"- {_BEGINNING.sub(_escaped, _plain(note))}" for note in notes[:ROWS])
    if len(notes) > ROWS:
        yield _more(len(notes) - ROWS)


def _closing(report: Mapping[str, Any]) -> str:
    raw = ", with what its sender keeps in `raw`," if "raw" in report else ""
    return (
        f"The whole report{raw} is `qc_report.json`, beside this page. Secrets and personal data "
        "were taken out of it before it was stored."
    )


def _shortened(
    head: Sequence[str], rows: Iterable[Sequence[str]], count: int, most: int
) -> Iterator[str]:
    if not count:
        return
    shown = [row for place, row in enumerate(rows) if place < most]
    yield _table(head, shown)
    if count > most:
        yield _more(count - most)


def _more(count: int) -> str:
    return f"… and {count} more in `qc_report.json`."


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(text: object) -> str:
    """A sender's text in one line, with nothing in it that Markdown would take for its own."""
    line = _SPACE.sub(" ", str(text)).strip()
    if len(line) > _CELL_CHARACTERS:
        line = f"{line[:_CELL_CHARACTERS]} … ({len(line) - _CELL_CHARACTERS} characters more)"
    return _SPECIAL.sub(r"\\\1", line)


def _escaped(found: re.Match[str]) -> str:
    """What would begin a heading or a list: a digit can't be escaped, but what follows it can."""
    return f"{found[1]}\\" if found[1].isdigit() else f"\\{found[1]}"
