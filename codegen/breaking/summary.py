"""Writes the outcome of a comparison for people: worst first, by operation."""

from collections.abc import Iterable, Iterator

from .change import CLASSES, Change, Class
from .run import Outcome

_HEADS: dict[Class, str] = {"breaking": "BREAKING", "dangerous": "DANGEROUS", "safe": "SAFE"}
_SHOWN_OPERATIONS = 3


def summary(outcome: Outcome, with_safe: bool) -> Iterator[str]:
    """Lines; safe changes are only counted unless asked for."""
    for classed in CLASSES:
        changes = [change for change in outcome.changes if change.classed == classed]
        if changes and (with_safe or classed != "safe"):
            yield from _section(_HEADS[classed], changes)
    if outcome.hidden:
        yield f"ACCEPTED ({len(outcome.hidden)})"
        for change, accepted in outcome.hidden:
            yield f"  {_line(change)}"
            yield f"    until {accepted.until}: {accepted.reason}"
        yield ""
    for one in outcome.expired:
        yield f"{one.place} the entry for {one.rule} ended on {one.until} and hides nothing"
    for one in outcome.unused:
        yield f"{one.place} the entry for {one.rule} fits no change and can go"
    yield _counts(outcome)
    yield _needed(outcome)


def _section(head: str, changes: list[Change]) -> Iterator[str]:
    yield f"{head} ({len(changes)})"
    for group in _by_operations(changes):
        yield f"  {_met_by(group[0])}"
        for change in group:
            yield f"    {_line(change)}"
    yield ""


def _by_operations(changes: Iterable[Change]) -> Iterable[list[Change]]:
    groups: dict[tuple[str, ...], list[Change]] = {}
    for change in changes:
        groups.setdefault(change.operations, []).append(change)
    return groups.values()


def _met_by(change: Change) -> str:
    shown = ", ".join(change.operations[:_SHOWN_OPERATIONS])
    more = len(change.operations) - _SHOWN_OPERATIONS
    return f"{shown} and {more} more" if more > 0 else shown


def _line(change: Change) -> str:
    return f"{change.place} {change.rule} [{change.directions}] {change.message}"


def _counts(outcome: Outcome) -> str:
    counts = dict.fromkeys(CLASSES, 0)
    for change in outcome.changes:
        counts[change.classed] += 1
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def _needed(outcome: Outcome) -> str:
    versions = outcome.versions
    moved = (
        f"is {versions.new}, as before"
        if versions.old == versions.new
        else f"went from {versions.old} to {versions.new}"
    )
    if versions.needed == "none":
        return f"no new version is needed; info.version {moved}"
    wanted = f", {versions.wanted} or later" if versions.wanted else ""
    enough = "which is enough" if versions.is_enough else "which is not enough"
    article = f"a new {versions.needed} version{wanted}"
    return f"this needs {article}; info.version {moved}, {enough}"
