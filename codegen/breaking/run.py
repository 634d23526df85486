"""The comparison of two contracts from end to end: one path for the command and for tests."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ..bundle import Bundle, ReadFile, bundle
from ..diagnostics import Diagnostic, Findings
from ..structure import check_structure, is_known_version
from .accepted import Accepted
from .change import CLASSES, Change, largest
from .comparison import Comparison
from .operations import compare_operations
from .revision import Base
from .schema_graph import SchemaGraph
from .side import Side, mapping
from .version import Versions, judge


@dataclass(frozen=True, slots=True)
class Outcome:
    """`changes` are those that count, worst first; `hidden` are accepted for now.

    `malformed` is what breaks OpenAPI's own structure; it was passed over.
    """

    changes: tuple[Change, ...]
    hidden: tuple[tuple[Change, Accepted], ...]
    expired: tuple[Accepted, ...]
    unused: tuple[Accepted, ...]
    versions: Versions
    malformed: tuple[Diagnostic, ...] = ()

    @property
    def findings(self) -> list[Diagnostic]:
        """What is breaking, as errors, and what is dangerous, as warnings."""
        return [change.as_finding() for change in self.changes if change.classed != "safe"]

    @property
    def is_broken(self) -> bool:
        """Whether a client may break and the version doesn't say so."""
        return not self.versions.is_enough and any(
            change.classed == "breaking" for change in self.changes
        )


def compare(base: Base, spec: Path, accepted: Iterable[Accepted], today: date) -> Outcome:
    """Raises ContractError where one of the contracts can't be read."""
    malformed = Findings()
    old = _load(base.spec, base.name, base.read, malformed)
    new = _load(spec, str(spec), Path.read_bytes, malformed)
    changes = compare_contracts(old, new, today)
    current = [one for one in accepted if today < one.until]
    hidden = [
        (change, next(one for one in current if one.covers(change)))
        for change in changes
        if any(one.covers(change) for one in current)
    ]
    out_of_sight = {change for change, _ in hidden}
    shown = tuple(change for change in changes if change not in out_of_sight)
    return Outcome(
        changes=shown,
        hidden=tuple(hidden),
        expired=tuple(one for one in accepted if one not in current),
        unused=tuple(one for one in current if not any(one.covers(c) for c in changes)),
        versions=_versions(old, new, shown),
        malformed=tuple(sorted(malformed.found)),
    )


def _load(spec: Path, name: str, read: ReadFile, malformed: Findings) -> Bundle:
    findings = Findings()
    found = bundle(spec, name, read, findings)
    is_known_version(found, findings)
    findings.stop_on_errors()
    check_structure(found, malformed)
    return found


def compare_contracts(old: Bundle, new: Bundle, today: date) -> tuple[Change, ...]:
    """Every change, worst first, then by place."""
    sides = Side(old), Side(new)
    comparison = Comparison(*sides, today, SchemaGraph(*sides, today))
    compare_operations(comparison)
    return tuple(sorted(comparison.changes(), key=_order))


def _order(change: Change) -> tuple[object, ...]:
    return CLASSES.index(change.classed), change.place, change.rule, change.message


def _versions(old: Bundle, new: Bundle, changes: tuple[Change, ...]) -> Versions:
    """A contract that differs in words alone needs a patch."""
    before, after = (str(mapping(one.document.get("info")).get("version")) for one in (old, new))
    needed = largest(change.bump for change in changes)
    if needed == "none" and _without_version(old) != _without_version(new):
        needed = "patch"
    return judge(before, after, needed)


def _without_version(contract: Bundle) -> dict[str, object]:
    info = {**mapping(contract.document.get("info")), "version": None}
    return {**contract.document, "info": info}
