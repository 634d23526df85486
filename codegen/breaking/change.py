"""A change of a contract and how bad it is: for requests, for answers, and for the version.

Plain data; the modules beside it find changes, `summary` shows them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ..diagnostics import Diagnostic, Place, Severity

Direction = Literal["request", "response"]
Class = Literal["breaking", "dangerous", "safe"]
Bump = Literal["none", "patch", "minor", "major"]
# `addition` and `harmless` are both safe; only the first gives clients something new.
Judgement = Literal["breaking", "dangerous", "addition", "harmless"]

BUMPS: tuple[Bump, ...] = ("none", "patch", "minor", "major")
_CLASSES: dict[Judgement, Class] = {
    "breaking": "breaking",
    "dangerous": "dangerous",
    "addition": "safe",
    "harmless": "safe",
}
_BUMPS: dict[Judgement, Bump] = {
    "breaking": "major",
    "dangerous": "minor",
    "addition": "minor",
    "harmless": "patch",
}
CLASSES: tuple[Class, ...] = ("breaking", "dangerous", "safe")


@dataclass(frozen=True, slots=True)
class Change:
    """`request` and `response` are None where the change doesn't touch that direction.

    `place` is in the new contract, or in the old one for what is gone. `operations` are those that
    meet the change, in the contract's order.
    """

    rule: str
    message: str
    place: Place
    request: Judgement | None
    response: Judgement | None
    operations: tuple[str, ...]

    @property
    def judgements(self) -> tuple[Judgement, ...]:
        return tuple(judgement for judgement in (self.request, self.response) if judgement)

    @property
    def classed(self) -> Class:
        """The worse of the two directions."""
        return min((_CLASSES[judgement] for judgement in self.judgements), key=CLASSES.index)

    @property
    def bump(self) -> Bump:
        return largest(_BUMPS[judgement] for judgement in self.judgements)

    def as_finding(self) -> Diagnostic:
        others = len(self.operations) - 1
        met_by = self.operations[0] + (f" and {others} more" if others else "")
        severity: Severity = "error" if self.classed == "breaking" else "warning"
        return Diagnostic(
            self.place, self.rule, self.message, f"{self.directions}; {met_by}", severity
        )

    @property
    def directions(self) -> str:
        found = {"request": class_of(self.request), "response": class_of(self.response)}
        return ", ".join(f"{way} {classed}" for way, classed in found.items() if classed)


def class_of(judgement: Judgement | None) -> Class | None:
    return _CLASSES[judgement] if judgement else None


def largest(bumps: Iterable[Bump]) -> Bump:
    return max(bumps, key=BUMPS.index, default="none")
